"""Pictures that were resized, recompressed or shifted a little, among very many: groups of near duplicates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aaecli.data.inspection.low_frequencies import differences, equalised
from aaecli.data.inspection.projection_trees import nearby_cosine, neighbour_pairs

LEAST, MOST = 0.003, 0.05
"""Largest difference (1 - Fourier ring correlation) of near duplicates: 0.003 for strokes on black, as MNIST's images
are, of which one of a thousand has such a neighbour and is no copy of it."""
_PART = 0.3
"""Of the least difference that a picture could have from its fifth neighbour, a copy may have at most so much."""
_RANK = 5
_OF_EXPECTED = 2
"""So many times the expected difference is allowed for: of a resize, a shift and JPEG together."""
_TREES = 12
_TREES_OF_RANK = 2
_LEAST_CONTRAST = 0.004
"""Root of the energy in the low frequencies, of a grey level: there is nothing to compare below."""
_COLOUR = (0.01, 0.06)
"""Largest difference of the mean colours: in [0, 1], and as a part of the colour."""
_PAIRS = 4096
"""Pairs that are compared at once."""


@dataclass(frozen=True)
class NearDuplicates:
    """Groups of pictures that are copies of each other.

    Attributes:
        group: Of each group the places of its pictures, rising.
        difference: Of each group the largest difference by which one of its pictures was joined to it; 0 for copies
            to the pixel.
    """

    group: tuple[tuple[int, ...], ...]
    difference: tuple[float, ...]


def find_near_duplicates(
    amplitude: NDArray[np.complex64], colour: NDArray[np.float32], expected: NDArray[np.float32], reach: float
) -> NearDuplicates:
    """Find near duplicates.

    Args:
        amplitude: (N, F), as ``low_frequencies.amplitudes`` gives them.
        colour: (N, 3), likewise.
        expected: (N,), likewise: differences of copies.
        reach: Largest shift, as a part of a side.
    """
    kept = np.flatnonzero(np.linalg.norm(amplitude, axis=1) > _LEAST_CONTRAST)
    even, colour = equalised(amplitude[kept]), colour[kept]
    # A shift changes phases alone. Whatever it is, the magnitudes of a pair are as much alike as the pictures, or more.
    magnitude = np.abs(even)
    most = largest_differences(magnitude, expected[kept])
    groups = _Groups(len(kept))
    seen = np.empty(0, np.int64)
    for pairs in neighbour_pairs(magnitude, 1 - most, _TREES):
        number = np.unique(pairs[groups.apart(pairs)] @ np.array([len(kept), 1]))
        number = np.setdiff1d(number, seen, assume_unique=True)
        seen = np.union1d(seen, number)
        for start in range(0, len(number), _PAIRS):
            pair = np.stack(np.divmod(number[start : start + _PAIRS], len(kept)), 1)
            pair = pair[groups.apart(pair) & _alike_in_colour(colour[pair[:, 0]], colour[pair[:, 1]])]
            found = differences(even[pair[:, 0]], even[pair[:, 1]], reach)
            alike = found <= most[pair].min(1)
            groups.join(pair[alike], found[alike])
    return groups.named(kept)


def largest_differences(magnitude: NDArray[np.float32], expected: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give how much each picture may differ from a near duplicate (N,).

    Copies of a photograph, shifted or saved as JPEG, differ more than those of a stroke on black; what is expected of
    them counts as far as other pictures are not as near. A picture with five copies or more is held to ``LEAST``.

    Args:
        magnitude: (N, F), magnitudes of the equalised amplitudes.
        expected: (N,), differences of copies.
    """
    cosine = nearby_cosine(magnitude, _RANK, _TREES_OF_RANK)
    apart = np.where(cosine < 0, 1, 1 - cosine)
    return np.asarray(np.clip(np.minimum(LEAST + _OF_EXPECTED * expected, _PART * apart), LEAST, MOST), np.float32)


def _alike_in_colour(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.bool_]:
    least, part = _COLOUR
    alike: NDArray[np.bool_] = (np.abs(first - second) <= least + part * np.maximum(first, second)).all(1)
    return alike


class _Groups:
    """Which of N pictures have been joined: each leads to another of its group (Galler and Fischer 1964)."""

    def __init__(self, num: int) -> None:
        self._leads_to = np.arange(num)
        self._difference = np.zeros(num, np.float32)

    def apart(self, pair: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell of which pairs (P, 2) the pictures are in different groups."""
        end = self._end(pair)
        apart: NDArray[np.bool_] = end[:, 0] != end[:, 1]
        return apart

    def join(self, pair: NDArray[np.int64], difference: NDArray[np.float32]) -> None:
        """Join the pictures of pairs (P, 2), the most alike first, so that the groups keep the least differences."""
        order = np.argsort(difference, kind="stable")
        for first, second, value in zip(*pair[order].T.tolist(), difference[order].tolist(), strict=True):
            one, other = sorted(self._end(np.array([first, second])).tolist())
            if one != other:
                self._leads_to[other] = one
                self._difference[one] = max(value, self._difference[one], self._difference[other])

    def named(self, index: NDArray[np.int64]) -> NearDuplicates:
        """Give the groups of two or more, of pictures that stand at other places (N,)."""
        end = self._end(np.arange(len(index)))
        order = np.argsort(end, kind="stable")
        starts = np.flatnonzero(np.diff(end[order], prepend=-1))
        groups = [part for part in np.split(order, starts[1:]) if len(part) > 1]
        return NearDuplicates(
            tuple(tuple(index[part].tolist()) for part in groups),
            tuple(max(0.0, float(self._difference[part[0]])) for part in groups),
        )

    def _end(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        while True:
            end = self._leads_to[index]
            if (end == index).all():
                return end
            self._leads_to[index] = self._leads_to[end]
            index = end
