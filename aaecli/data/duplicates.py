"""Images that occur more than once: of two labels one is wrong, and a test image that was learnt from tests nothing."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Duplicates:
    """Groups of places of images that are alike to the pixel.

    Attributes:
        contradicting: Labelled images of different classes.
        labelled: Labelled images with copies among the other labelled or the unlabelled ones, one label a group.
        unlabelled: Unlabelled images with copies among themselves.
        tested: Test images with copies among the images to learn from.
    """

    contradicting: tuple[tuple[int, ...], ...] = ()
    labelled: tuple[tuple[int, ...], ...] = ()
    unlabelled: tuple[tuple[int, ...], ...] = ()
    tested: tuple[tuple[int, ...], ...] = ()


def find_duplicates(image: NDArray[np.uint8], label: NDArray[np.int64], num_train: int) -> Duplicates:
    """Find images that are alike.

    Args:
        image: uint8 (N, …), the images to learn from before those of the test. Images of a single shade are left out.
        label: int64 (N,), -1 without a label.
        num_train: Number of images to learn from.
    """
    flat = image.reshape(len(image), -1)
    is_plain = flat.max(1, initial=0) == flat.min(1, initial=255)
    candidates = np.flatnonzero(~is_plain)
    # Eight bytes each, and Python's own objects only for what recurs: a folder may hold a hundred thousand.
    digests = (
        int.from_bytes(hashlib.blake2b(row.data, digest_size=8).digest())
        for row in (flat[place] for place in candidates)
    )
    _, first, count = np.unique(
        np.fromiter(digests, np.uint64, len(candidates)), return_inverse=True, return_counts=True
    )
    recurring = np.flatnonzero(count[first] > 1)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for row in recurring.tolist():
        groups[int(first[row])].append(int(candidates[row]))
    found: dict[str, list[tuple[int, ...]]] = {
        kind: [] for kind in ("contradicting", "labelled", "unlabelled", "tested")
    }
    for group in groups.values():
        train = [place for place in group if place < num_train]
        labels = {int(label[place]) for place in train} - {-1}
        if len(train) < len(group) and train:
            found["tested"].append(tuple(group))
        if len(labels) > 1:
            found["contradicting"].append(tuple(train))
        elif len(train) > 1:
            found["labelled" if labels else "unlabelled"].append(tuple(train))
    return Duplicates(**{kind: tuple(groups) for kind, groups in found.items()})
