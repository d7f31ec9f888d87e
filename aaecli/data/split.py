"""Which training images are labelled, which form the pool and which are kept for validation."""

from __future__ import annotations

import csv
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aaecli.data.dataset import Dataset
from aaecli.errors import AaeError
from aaecli.paths import replacing


@dataclass(frozen=True)
class Split:
    """Indices into the training images; pool and validation share none, labelled is part of the pool.

    Attributes:
        pool: int64, the images that training sees.
        labelled: int64, those of the pool whose labels training sees.
        validation: int64, the images that every choice is made on.
    """

    pool: NDArray[np.int64]
    labelled: NDArray[np.int64]
    validation: NDArray[np.int64]


HOLDOUT = 0.2
"""Share of the labelled pictures of a folder that are kept for validation where there is no test set."""


def split(
    dataset: Dataset, labels: int | Literal["all"], seed: int, holdout: float | Literal["auto"] = "auto"
) -> Split:
    """Split the training images: the last sixth for validation (MNIST's last 10,000), the others are the pool.

    Pictures of a folder are mostly unlabelled, so there a share of each class's labelled ones is kept for validation,
    drawn by lot; each class keeps one at least to learn from.

    Where the last sixth would leave a class out of either part, as in files sorted by class, the last sixth of each
    class is taken instead. The labelled images are drawn from the pool, the same number of each class (one more of
    some, drawn by lot, where the number is no multiple; fewer of a class that has no more).

    Args:
        dataset: The data set.
        labels: Number of labelled images, or ``all``; 0 for a training without labels.
        seed: Seed of the draw.
        holdout: That share, for pictures of a folder; ``auto``: ``HOLDOUT``, or 0 where there is a test set.

    Raises:
        AaeError: There are fewer labels than classes, or more than images in the pool.
    """
    label = dataset.train_label
    num_classes = len(dataset.classes)
    if dataset.is_collection:
        share = (0.0 if len(dataset.test_label) else HOLDOUT) if holdout == "auto" else holdout
        return _split_collection(label, num_classes, labels, seed, share)
    place = np.arange(len(label))
    is_validation = place >= len(label) - round(len(label) / 6)
    if any(len(np.unique(label[part])) < num_classes for part in (is_validation, ~is_validation)):
        is_validation = np.zeros(len(label), bool)
        for value in range(num_classes):
            members = np.flatnonzero(label == value)
            is_validation[members[len(members) - round(len(members) / 6) :]] = True
    pool, validation = place[~is_validation], place[is_validation]
    if len(validation) == 0:
        raise AaeError("The data set is too small to keep images for validation.", "Give at least 4 images a class.")
    return Split(pool, _draw(pool, label[pool], num_classes, labels, seed), validation)


def _split_collection(
    label: NDArray[np.int64], num_classes: int, labels: int | Literal["all"], seed: int, holdout: float
) -> Split:
    rng = np.random.default_rng(seed)
    held = []
    for value in range(num_classes):
        members = rng.permutation(np.flatnonzero(label == value))
        held.append(members[: min(round(holdout * len(members)), len(members) - 1)])
    validation = np.sort(np.concatenate(held))
    is_pool = np.ones(len(label), bool)
    is_pool[validation] = False
    learnt = np.flatnonzero(is_pool & (label >= 0))
    labelled = _draw(learnt, label[learnt], num_classes, labels, seed)
    return Split(np.flatnonzero(is_pool), labelled, validation)


def _draw(
    pool: NDArray[np.int64], label: NDArray[np.int64], num_classes: int, labels: int | Literal["all"], seed: int
) -> NDArray[np.int64]:
    if labels == "all" or labels == len(pool):
        return pool
    if labels == 0:
        return pool[:0]
    if not num_classes <= labels <= len(pool):
        raise AaeError(
            f"--labels {labels} does not fit: it takes {num_classes} (one a class) to {len(pool)} (all there are).",
            "Use `--labels all` for every label.",
        )
    rng = np.random.default_rng(seed)
    available = np.bincount(label, minlength=num_classes)
    # The most that every class can give, or all it has, without exceeding the number asked for.
    levels = range(int(available.max()) + 1)
    level = bisect_right(levels, labels, key=lambda level: int(np.minimum(available, level).sum())) - 1
    count = np.minimum(available, level)
    # The lot decides which of the classes that have more give the remainder, one image each.
    count[rng.permutation(np.flatnonzero(available > level))[: labels - count.sum()]] += 1
    chosen = [rng.choice(pool[label == value], count[value], replace=False) for value in range(num_classes)]
    return np.sort(np.concatenate(chosen))


def write_labels(path: Path, dataset: Dataset, labelled: NDArray[np.int64]) -> None:
    """Write which images were labelled: ``index`` (into the training images) and ``label`` (the class's name).

    Pictures of a folder have a ``path`` too.
    """
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("index", "label", "path") if dataset.is_collection else ("index", "label"))
        for index in labelled.tolist():
            row = (index, dataset.classes[dataset.train_label[index]])
            writer.writerow((*row, dataset.train_name[index]) if dataset.is_collection else row)
