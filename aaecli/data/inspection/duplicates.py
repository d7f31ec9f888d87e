"""Images that occur more than once: of two labels one is wrong, and a test image that was learnt from tests nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROWS = 4096
"""Images that are looked at together: a copy of all of them would double the memory."""


@dataclass(frozen=True)
class Duplicates:
    """Groups of places of images that are alike to the pixel.

    Attributes:
        contradicting: Labelled images of different classes.
        labelled: Labelled images with copies among the other labelled or the unlabelled ones, one label a group.
        unlabelled: Unlabelled images with copies among themselves.
        tested: Test images with copies among the images to learn from or to validate on.
        validated: Images to validate on with copies among those to learn from.
    """

    contradicting: tuple[tuple[int, ...], ...] = ()
    labelled: tuple[tuple[int, ...], ...] = ()
    unlabelled: tuple[tuple[int, ...], ...] = ()
    tested: tuple[tuple[int, ...], ...] = ()
    validated: tuple[tuple[int, ...], ...] = ()


def find_duplicates(
    image: NDArray[np.uint8],
    label: NDArray[np.int64],
    num_train: int,
    is_validation: NDArray[np.bool_] | None = None,
) -> Duplicates:
    """Find images that are alike.

    Args:
        image: uint8 (N, …), the images to learn from before those of the test. Images of a single shade are left out.
        label: int64 (N,), -1 without a label.
        num_train: Number of images to learn from, those to validate on included.
        is_validation: bool (num_train,), which of them are only validated on.
    """
    flat = image.reshape(len(image), -1)
    is_plain = flat.max(1, initial=0) == flat.min(1, initial=255)
    return classify_groups(_groups(flat, np.flatnonzero(~is_plain)), label, num_train, is_validation)


def classify_groups(
    groups: Iterable[tuple[int, ...]],
    label: NDArray[np.int64],
    num_train: int,
    is_validation: NDArray[np.bool_] | None = None,
) -> Duplicates:
    """Tell what groups of images that are alike mean; the other arguments are those of ``find_duplicates``."""
    found: dict[str, list[tuple[int, ...]]] = {
        kind: [] for kind in ("contradicting", "labelled", "unlabelled", "tested", "validated")
    }
    for group in groups:
        train = tuple(index for index in group if index < num_train)
        labels = {int(label[index]) for index in train} - {-1}
        if len(train) < len(group) and train:
            found["tested"].append(group)
        if is_validation is not None and len({bool(is_validation[index]) for index in train}) > 1:
            found["validated"].append(train)
        if len(labels) > 1:
            found["contradicting"].append(train)
        elif len(train) > 1:
            found["labelled" if labels else "unlabelled"].append(train)
    return Duplicates(**{kind: tuple(groups) for kind, groups in found.items()})


def first_copies(image: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Give the place of the first image (N,) that is alike to the pixel, for each of the images (N, …)."""
    first = np.arange(len(image))
    for group in _groups(image.reshape(len(image), -1), first.copy()) if len(image) else ():
        first[list(group)] = group[0]
    return first


def has_copy(image: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which of the images (N, …) are among others (M, …), alike to the pixel: bool (N,)."""
    found = np.zeros(len(image), bool)
    if not len(image) or not len(others):
        return found
    flat, other = image.reshape(len(image), -1), others.reshape(len(others), -1)
    fingerprint, others_fingerprint = fingerprints(flat), fingerprints(other)
    known = {other[index].tobytes() for index in np.flatnonzero(np.isin(others_fingerprint, fingerprint)).tolist()}
    for index in np.flatnonzero(np.isin(fingerprint, others_fingerprint)).tolist():
        found[index] = flat[index].tobytes() in known
    return found


def _groups(flat: NDArray[np.uint8], candidates: NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Give the groups of two or more rows (N, D) that are alike, among some of them."""
    return groups_alike(fingerprints(flat), candidates, lambda index: flat[index].tobytes())


def groups_alike(
    fingerprint: NDArray[np.uint64], candidates: NDArray[np.int64], content: Callable[[int], bytes]
) -> list[tuple[int, ...]]:
    """Give the groups of two or more images that are alike.

    Args:
        fingerprint: uint64 (N,), those of all images.
        candidates: int64 (C,), the images to group, in ascending order.
        content: Gives all values of an image: only those are compared whose fingerprints are the same.
    """
    _, first, count = np.unique(fingerprint[candidates], return_inverse=True, return_counts=True)
    # Python's own objects only for what may recur: a folder may hold a hundred thousand.
    groups: defaultdict[bytes, list[int]] = defaultdict(list)
    for index in candidates[count[first] > 1].tolist():
        groups[content(index)].append(index)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def fingerprints(flat: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Give each row (N, D) a number (N,) that rows alike share, and others hardly ever.

    Eight pixels are a word; the words are weighted with odd random numbers and added up, modulo 2^64. That takes a
    tenth of the time of a digest of each row.
    """
    num, width = flat.shape
    words = -(-width // 8)
    weight = np.random.default_rng(0).integers(0, 2**63, words, np.uint64) * np.uint64(2) + np.uint64(1)
    fingerprint = np.empty(num, np.uint64)
    for start in range(0, num, _ROWS):
        rows = flat[start : start + _ROWS]
        padded = np.zeros((len(rows), words * 8), np.uint8)
        padded[:, :width] = rows
        word = padded.view(np.uint64)
        # A product passes on what is high in a word to little of the sum: let it stand lower, too.
        word ^= word >> np.uint64(29)
        fingerprint[start : start + _ROWS] = (word * weight).sum(1, dtype=np.uint64)
    return fingerprint
