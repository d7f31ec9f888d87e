"""Two processes against one: the same training, up to the order of additions."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aaecli.errors import AaeError
from aaecli.training import run
from aaecli.training.distributed import agreement
from aaecli.training.distributed.batch_norm import SynchronisedBatchNorm, synchronise
from aaecli.training.distributed.launch import Launch, launched
from aaecli.training.distributed.shares import share_of
from aaecli.training.distributed.world import ALONE, World
from aaecli.training.resume import resume
from tests.training.distributed.pair import both, content, settings, trained, without_draws, write_drawings
from tests.training.test_run import Watcher, assert_same_weights, rows_without_times

STEPS = 40


def normalised(world: World, image: torch.Tensor) -> dict[str, torch.Tensor]:
    """Take a share of images through a batch normalisation; gives what came out and all gradients."""
    torch.manual_seed(0)
    layer = nn.Sequential(nn.BatchNorm2d(3))
    nn.init.normal_(layer[0].weight)
    synchronise(layer, world)
    own = world.part(image).clone().requires_grad_()
    out = layer(own)
    mean = world.mean(out.flatten(1).mean(0))
    ((out**3).mean() + mean.square().sum()).backward()
    weights = list(layer.parameters())
    world.mean_([weight.grad for weight in weights])
    # Of the mean loss over the processes, as one process would have it.
    return {
        "out": out.detach(),
        "image": own.grad / world.size,
        "weight": weights[0].grad,
        "bias": weights[1].grad,
        "running": torch.stack([layer[0].running_mean, layer[0].running_var]),
    }


def pictures() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(3, 2, (8, 3, 2, 2)).astype(np.float32))


def runs(world: World, folder: Path) -> int:
    """Train in run folders: at one go, and stopped by the second process alone; gives the step of that."""
    config = dataclasses.replace(settings(validate_every=2), data=str(folder / "data"), device="cpu", precision="fp32")
    agreement._MOST_STEPS = 3

    def train(name: str, stop_after: int) -> dict[str, Any]:
        watcher = Stopping(stop_after if world.rank == 1 else 99)
        return run.train(config, folder / "runs", name, None, watcher, world=world)

    train("whole", 99)
    stopped = train("halved", 4)
    train("stopped", 2)
    resume(folder / "runs" / "halved-001", None, Watcher(), world=world)
    return int(stopped["steps"])


class Stopping(Watcher):
    """Asks to stop from a step on."""

    def stopping(self) -> bool:
        return self.number >= self.stop_after


def work(world: World, folder: Path) -> None:
    """What each of the two processes does."""
    training, losses = trained(without_draws(settings(steps=STEPS)), world)
    found = {"plain": content(training), "losses": losses, "norm": normalised(world, pictures())}
    found["drawing"] = [content(trained(settings(), world)[0]) for _ in range(2)]
    found["stopped_at"] = runs(world, folder)

    def refuse() -> None:
        raise AaeError("No.", "Yes.")

    with pytest.raises(AaeError, match=r"No\."):
        world.of_first(refuse)
    with pytest.raises(AaeError, match="drifted apart"):
        world.check_agreement(iter([torch.tensor(float(world.rank))]))
    torch.save(found, folder / f"{world.rank}.pt")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where two processes have done their work."""
    folder = tmp_path_factory.mktemp("pair")
    write_drawings(folder / "data")
    both(work, folder)
    return folder


@pytest.fixture(scope="module")
def pair(folder):
    """What two processes came to, by rank."""
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


def assert_close(found, expected, tolerance):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        # A batch normalisation cancels this shift of the style: its gradient is rounding, which Adam makes steps of.
        if name.endswith(("encoder.style_head.bias", "decoder.body.layers.1.running_mean")):
            continue
        assert torch.allclose(found[name].double(), value.double(), rtol=0, atol=tolerance), name


def test_two_processes_come_to_the_weights_of_one(pair):
    training, losses = trained(without_draws(settings(steps=STEPS)))
    assert_close(pair[0]["plain"], content(training), 1e-6)
    assert pair[0]["losses"].keys() == losses.keys()
    for name, values in losses.items():
        assert pair[0]["losses"][name] == pytest.approx(values, rel=1e-4, abs=1e-6), name


def test_both_have_the_same_weights_and_losses_to_the_bit(pair):
    first, second = pair
    for one, other in ((first["plain"], second["plain"]), (first["drawing"][0], second["drawing"][0])):
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert first["losses"] == second["losses"]


def test_two_processes_come_to_the_same_twice(pair):
    once, again = pair[0]["drawing"]
    assert all(torch.equal(once[name], again[name]) for name in once)


def test_each_process_draws_its_own_numbers():
    def drawn(rank):
        torch.manual_seed(5)
        World(Launch(rank, 4)).seed_draws(5)
        return torch.rand(2).tolist()

    torch.manual_seed(5)
    alone = torch.rand(2).tolist()
    assert drawn(0) == alone
    assert len({tuple(drawn(rank)) for rank in range(4)}) == 4


def test_resumed_after_one_asked_to_stop_they_come_to_the_same(pair, folder):
    stopped_at = [found["stopped_at"] for found in pair]
    assert stopped_at[0] == stopped_at[1] < 12
    first, second = (folder / "runs" / f"{name}-001" for name in ("whole", "halved"))
    assert_same_weights(first / "model.pt", second / "model.pt")
    assert rows_without_times(first) == rows_without_times(second)
    assert json.loads((first / "summary.json").read_text())["processes"] == 2


def test_another_number_of_processes_does_not_resume(folder):
    with pytest.raises(AaeError, match=r"by 2 processes, and these are 1") as caught:
        resume(folder / "runs" / "stopped-001", None, Watcher(), data=str(folder / "data"))
    assert "torchrun --standalone --nproc-per-node 2 -m aaecli train --resume" in caught.value.hint


def test_statistics_and_gradients_are_those_of_all_images(pair):
    expected = normalised(ALONE, pictures())
    for rank, found in enumerate(shares["norm"] for shares in pair):
        for name in ("out", "image"):
            assert torch.allclose(found[name], expected[name][rank::2], atol=1e-6), name
        for name in ("weight", "bias", "running"):
            assert torch.allclose(found[name], expected[name], atol=1e-6), name


def test_alone_nothing_is_replaced():
    layer = nn.Sequential(nn.BatchNorm1d(2))
    synchronise(layer, ALONE)
    assert type(layer[0]) is nn.BatchNorm1d
    value = torch.ones(2)
    assert ALONE.mean(value) is value
    assert ALONE.part(value) is value


def test_names_and_weights_stay_where_layers_are_replaced():
    layer = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).eval()
    before, expected = layer.state_dict(), layer(torch.ones(4, 2))
    synchronise(layer, World(Launch(0, 2)))
    assert isinstance(layer[1], SynchronisedBatchNorm)
    assert list(layer.state_dict()) == list(before)
    assert torch.equal(layer(torch.ones(4, 2)), expected)


@pytest.mark.parametrize(
    ("name", "size"), [("batch_size", 25), ("labelled_batch_size", 15), ("decoder_batch_size", 11)]
)
def test_a_size_that_the_processes_do_not_divide_is_refused(name, size):
    with pytest.raises(AaeError, match=rf"2 processes do not divide schedule\.{name}, which is {size}") as caught:
        share_of(settings(**{name: size}), World(Launch(0, 2)))
    assert f"to {size + 1}" in caught.value.hint


def test_sizes_are_divided():
    config = settings()
    shared = share_of(config, World(Launch(1, 2)))
    assert (shared.schedule.batch_size, shared.schedule.labelled_batch_size) == (12, 8)
    assert share_of(config, ALONE) is config


@pytest.mark.parametrize("words", ["2 2 0", "-1 2 0", "0 0 0", "a 2 0", "1 2 x", "0 99999 0"])
def test_variables_that_name_no_process_are_refused(monkeypatch, words):
    for name, word in zip(("RANK", "WORLD_SIZE", "LOCAL_RANK"), words.split(), strict=True):
        monkeypatch.setenv(name, word)
    with pytest.raises(AaeError, match="do not name a process"):
        launched()


def test_a_program_that_torchrun_did_not_start_is_alone(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert launched() == (0, 1, 0)
