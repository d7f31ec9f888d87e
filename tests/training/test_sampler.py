"""The batches: every image once a pass, and a function of the step's number alone."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from aaecli.training.sampler import Sampler


@given(num=st.integers(1, 40), batch_size=st.integers(1, 90), seed=st.integers(0, 2**62), num_steps=st.integers(1, 8))
def test_passes_follow_each_other_without_a_gap(num, batch_size, seed, num_steps):
    index = torch.arange(100, 100 + num)
    sampler = Sampler(index, batch_size, seed)
    line = torch.cat([sampler.batch(step) for step in range(num_steps)])
    assert len(line) == num_steps * batch_size
    for start in range(0, len(line) - num + 1, num):
        assert sorted(line[start : start + num].tolist()) == index.tolist()


@given(step=st.integers(0, 10_000), num=st.integers(1, 50), batch_size=st.integers(1, 60))
def test_a_batch_does_not_depend_on_the_ones_before(step, num, batch_size):
    walked = Sampler(torch.arange(num), batch_size, 3)
    walked.batch(max(step - 1, 0))
    assert torch.equal(walked.batch(step), Sampler(torch.arange(num), batch_size, 3).batch(step))


def test_seeds_and_passes_shuffle_differently():
    index = torch.arange(1000)
    first, second = Sampler(index, 1000, 0), Sampler(index, 1000, 1)
    assert not torch.equal(first.batch(0), second.batch(0))
    assert not torch.equal(first.batch(0), first.batch(1))
    assert not torch.equal(first.batch(0), index)


def test_every_seed_has_a_shuffle_of_its_own():
    index = torch.arange(100)
    assert len({tuple(Sampler(index, 100, seed).batch(0).tolist()) for seed in range(300)}) == 300
