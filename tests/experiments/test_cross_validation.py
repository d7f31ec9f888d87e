"""Folds: dealt by lot, and what a fold's images are copies of is not learnt from."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from aaecli.data.dataset import Dataset
from aaecli.experiments import cross_validation
from aaecli.experiments.cross_validation import cross_validate, deal


def test_images_are_dealt_by_lot() -> None:
    label = np.repeat([0, 1], 40)
    first, second = deal(label, 4, seed=0), deal(label, 4, seed=1)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[:40], np.arange(40) % 4), "not in the order of the files"
    for value in (0, 1):
        assert np.bincount(first[label == value]).tolist() == [10] * 4


def test_what_is_left_out_is_not_learnt_from_as_an_unlabelled_copy_either(small_config, monkeypatch) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 8, 8), np.uint8)
    image[20:] = image[:20]  # each labelled image has a copy without a label
    label = np.where(np.arange(40) < 20, np.arange(40) % 2, -1)
    names = tuple(map(str, range(40)))
    dataset = Dataset("some", ("a", "b"), image, label, image[:0], label[:0], train_name=names)
    parts = []

    class Seen:
        def __init__(self, config, dataset, split, *others) -> None:
            parts.append(split)
            raise KeyboardInterrupt

    monkeypatch.setattr(cross_validation, "Trainer", Seen)
    with pytest.raises(KeyboardInterrupt):
        cross_validate(dataclasses.replace(small_config("default"), labels="all"), dataset, 4, lambda *_: None)
    (part,) = parts
    left_out = set(part.validation.tolist())
    assert len(left_out) == 5
    assert not {index % 20 for index in part.pool.tolist()} & left_out
    assert len(part.pool) == 30
