"""The split: which images are for training, which of those are labelled, and which are for validation."""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aaecli.data.dataset import Dataset
from aaecli.errors import AaeError
from aaecli.files.writing import replacing


@dataclass(frozen=True)
class Split:
    """Indices into the training images; ``pool`` and ``validation`` are disjoint, ``labelled`` is part of ``pool``.

    Attributes:
        pool: int64, the training set.
        labelled: int64, the labelled images of the training set.
        validation: int64, the validation set.
    """

    pool: NDArray[np.int64]
    labelled: NDArray[np.int64]
    validation: NDArray[np.int64]


HOLDOUT = 0.2
"""Share of the labelled pictures of a folder that are kept for validation where there is no test set."""
_MANY = 2**20
"""Images above which no more than ``_MOST_VALIDATION`` validate: a look at millions would take longer than training."""
_MOST_VALIDATION = 50_000


def split(
    dataset: Dataset,
    labels: int | Literal["all"],
    seed: int,
    holdout: float | Literal["auto"] = "auto",
    *,
    learns_labels: bool | None = None,
) -> Split:
    """Split the images: the last sixth is the validation set (MNIST's last 10,000), the others are the training set.

    A folder of pictures may be mostly unlabelled. There, a random fraction of each class's labelled images is the
    validation set; at least one image of each class stays in the training set. If the data set has a validation set of
    its own, that is used.

    If the last sixth would leave a class out of either set, as in files sorted by class, the last sixth of each class
    is used instead. The labelled images are a random sample of the training set, the same number of each class. If
    the number is no multiple, some random classes get one more; a class with too few images gives all of them.

    Of more than a million images, 50,000 validate at most.

    Duplicates of an image stay in one set. An unlabelled duplicate of a validation image is in neither set, and so is a
    duplicate of a test image of a folder.

    Args:
        dataset: The data set.
        labels: Number of labelled images, or ``all``; 0 for a run without labels.
        seed: Seed of the random selection.
        holdout: That share, for a collection; ``auto``: ``HOLDOUT``, or 0 where there is a test set and labels are
            learnt from.
        learns_labels: Whether they are; by default if ``labels`` is not 0.

    Raises:
        AaeError: There are fewer labels than classes, more labels than training images, or no classes.
    """
    if labels != 0:
        dataset.require_classes()
    num_classes = len(dataset.classes)
    kept = _held_out(dataset, seed, holdout, learns_labels=labels != 0 if learns_labels is None else learns_labels)
    label = dataset.train_label
    # Training on a duplicate of an image is training on the image.
    is_kept = np.zeros(len(label), bool)
    is_kept[dataset.first_copy[kept]] = True
    is_pool = ~is_kept[dataset.first_copy]
    if dataset.is_collection and len(dataset.test_image):
        is_pool &= ~dataset.is_tested
    if dataset.is_validation is not None:
        is_pool &= ~dataset.is_validation
    pool = np.flatnonzero(is_pool)
    learnt = np.flatnonzero(is_pool & (label >= 0))
    missing = np.flatnonzero(np.bincount(label[learnt], minlength=num_classes) == 0)
    if labels != 0 and len(missing):
        raise AaeError(
            f"Every labelled image of the class '{dataset.classes[missing[0]]}' is a copy of one that is tested on.",
            "Take the copies out of the test or validation images.",
        )
    validation = np.flatnonzero(kept)
    if len(validation) > (most := _most_validation(len(label))):
        validation = np.sort(np.random.default_rng(seed).choice(validation, most, replace=False))
    return Split(pool, _draw(learnt, label[learnt], num_classes, labels, seed), validation)


def _held_out(
    dataset: Dataset, seed: int, holdout: float | Literal["auto"], *, learns_labels: bool
) -> NDArray[np.bool_]:
    """Give the labelled images that validate: bool (N,)."""
    if dataset.is_validation is not None:
        return _given(dataset, holdout)
    if not dataset.is_collection:
        _refuse(holdout, dataset, "has test images of its own")
        return _last_sixth(dataset)
    # Labels that nobody learns from cost nothing, and name and evaluate clusters.
    by_default = 0.0 if learns_labels and len(dataset.test_label) else HOLDOUT
    return _kept_back(dataset, seed, by_default if holdout == "auto" else holdout)


def _most_validation(num_images: int) -> int:
    return _MOST_VALIDATION if num_images > _MANY else num_images


def _given(dataset: Dataset, holdout: float | Literal["auto"]) -> NDArray[np.bool_]:
    """Give the labelled images that the data set keeps for validation itself: bool (N,)."""
    _refuse(holdout, dataset, "says itself which images are for validation")
    given = np.zeros(len(dataset.train_label), bool) if dataset.is_validation is None else dataset.is_validation
    kept: NDArray[np.bool_] = given & (dataset.train_label >= 0) & ~dataset.is_tested
    return kept


def _refuse(holdout: float | Literal["auto"], dataset: Dataset, reason: str) -> None:
    if holdout != "auto":
        raise AaeError(
            f"{dataset.name} {reason}, so --holdout has no effect.",
            "Leave --holdout out, or put those images among the others.",
        )


def _last_sixth(dataset: Dataset) -> NDArray[np.bool_]:
    """Give the last sixth, of each class where it has to be: bool (N,)."""
    label, group = dataset.train_label, dataset.first_copy
    num_classes = len(dataset.classes)
    is_labelled = label >= 0
    sure = is_labelled & ~_contradicted(label, group)
    kept = np.zeros(len(label), bool)
    num_labelled, most = int(np.count_nonzero(is_labelled)), _most_validation(len(label))
    kept[_last(np.flatnonzero(sure), group, min(round(num_labelled / 6), most))] = True
    if any(np.count_nonzero(np.bincount(label[part & is_labelled])) < num_classes for part in (kept, ~kept)):
        kept[:] = False
        for members in _by_class(label, num_classes):
            count = min(round(len(members) / 6), math.ceil(len(members) * most / max(1, num_labelled)))
            kept[_last(members[sure[members]], group, count)] = True
    if not kept.any():
        raise AaeError("The data set is too small to keep images for validation.", "Give at least 4 images a class.")
    return kept


def _by_class(label: NDArray[np.int64], num_classes: int) -> list[NDArray[np.int64]]:
    """Give the places of the images of each class, in order; to look for each in turn takes hours with 60,000."""
    # There are at most 4,096 classes, and numpy sorts numbers of two bytes in a tenth of the time.
    order = np.argsort(label.astype(np.int16), kind="stable")
    return np.split(order, np.cumsum(np.bincount(label + 1, minlength=num_classes + 1)))[1:-1]


def _last(members: NDArray[np.int64], group: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Give the last so many images, and no copy of one that comes before."""
    ordered = group[members]
    if (ordered[1:] < ordered[:-1]).any():
        members = members[np.argsort(ordered, kind="stable")]
        ordered = group[members]
    start = len(members) - count
    if count and start > 0:
        later = np.flatnonzero(ordered[start:] != ordered[start - 1 : -1])
        # Where the last group is larger than that, it is taken whole, unless nothing else would be left.
        start = start + int(later[0]) if len(later) else int(np.searchsorted(ordered, ordered[-1]))
        if start > 0:
            return members[start:]
    return members[:0]


def _kept_back(dataset: Dataset, seed: int, share: float) -> NDArray[np.bool_]:
    """Give the labelled pictures of a folder that validate: bool (N,)."""
    label, group = dataset.train_label, dataset.first_copy
    tested = dataset.is_tested
    share = min(share, _most_validation(len(label)) / max(1, int(np.count_nonzero(label >= 0))))
    rng = np.random.default_rng(seed)
    unsure = _contradicted(label, group) | tested
    kept, is_shared = np.zeros(len(label), bool), _is_shared(group)
    for members in _by_class(label, len(dataset.classes)):
        # Python's own objects only for images that have copies: there may be millions without.
        size = Counter(group[members[is_shared[group[members]]]].tolist())
        chosen: set[int] = set()
        wanted, left = min(round(share * len(members)), len(members) - 1), len(members)
        for index in map(int, rng.permutation(members)):
            if wanted <= 0:
                break
            of = int(group[index])
            copies, first = size.get(of, 1), left == len(members)
            # The last picture of a class stays in the training set. The first one may have more duplicates than wanted.
            if unsure[index] or of in chosen or copies >= left or (copies > wanted and not first):
                continue
            chosen.add(of)
            wanted, left = wanted - copies, left - copies
        kept[members] = np.isin(group[members], list(chosen))
    return kept


def _contradicted(label: NDArray[np.int64], group: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the images with a duplicate of another label: bool (N,)."""
    found = np.zeros(len(label), bool)
    copies = np.flatnonzero(_is_shared(group)[group])
    groups, number = np.unique(group[copies], return_inverse=True)
    least, most = np.full(len(groups), np.iinfo(np.int64).max), np.full(len(groups), -1)
    is_labelled = label[copies] >= 0
    np.minimum.at(least, number[is_labelled], label[copies[is_labelled]])
    np.maximum.at(most, number[is_labelled], label[copies[is_labelled]])
    found[copies] = (least < most)[number]
    return found


def _is_shared(group: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the images that are the first of several copies: bool (N,)."""
    found = np.zeros(len(group), bool)
    found[group[group != np.arange(len(group))]] = True
    return found


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
    # The largest equal number of each class, or all it has, without exceeding the requested number.
    levels = range(int(available.max()) + 1)
    level = bisect_right(levels, labels, key=lambda level: int(np.minimum(available, level).sum())) - 1
    count = np.minimum(available, level)
    # Random classes with more images give the remainder, one image each.
    count[rng.permutation(np.flatnonzero(available > level))[: labels - count.sum()]] += 1
    chosen = [
        rng.choice(pool[members], number, replace=False)
        for members, number in zip(_by_class(label, num_classes), count, strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def write_labels(path: Path, dataset: Dataset, labelled: NDArray[np.int64]) -> None:
    """Write which images were labelled: ``index`` (into the training images) and ``label`` (the class's name).

    Pictures of a folder have a ``path`` too.
    """
    # Names of files may be bytes that are no UTF-8: they are written as they are on the disk.
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(("index", "label", "path") if dataset.is_collection else ("index", "label"))
        for index in map(int, labelled):
            row = (index, dataset.classes[dataset.train_label[index]])
            writer.writerow((*row, dataset.train_name[index]) if dataset.is_collection else row)
