"""Which of very many points may be neighbours: random projection trees, whose leaves are compared point by point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_LEAF = 256
"""Points of a leaf, at most."""
_AXES = 16
"""Principal axes that points are split along."""
_MOST = 8
"""Partners of a point in a leaf that are given, the nearest ones: all could be alike."""
_STEP = 1e-6
"""Of the positions along a direction, which are some hundredths apart."""
_SAMPLE = 20_000
"""Points that the principal axes are found from."""


def nearby_cosine(point: NDArray[np.float32], rank: int, num_trees: int) -> NDArray[np.float32]:
    """Give the cosine of each point (N,) with its ``rank``-th neighbour, or with a farther one; -1 where there is none.

    Args:
        point: float32 (N, D), of length 1.
        rank: Which neighbour, 1 for the nearest.
        num_trees: How many trees are grown; the nearest neighbours of all leaves count.
    """
    found = np.full(len(point), -1, np.float32)
    for leaves in _trees(point, num_trees, seed=1):
        for leaf in leaves:
            if len(leaf) > rank:
                product = point[leaf] @ point[leaf].T
                # The point itself is its nearest neighbour.
                nearby = np.partition(product, len(leaf) - 1 - rank, axis=1)[:, len(leaf) - 1 - rank]
                found[leaf] = np.maximum(found[leaf], nearby)
    return found


def neighbour_pairs(
    point: NDArray[np.float32], cosine: NDArray[np.float32], num_trees: int
) -> Iterator[NDArray[np.int64]]:
    """Find pairs of points that are near to each other.

    Args:
        point: float32 (N, D), of length 1.
        cosine: (N,), the least cosine of a point with a partner; of a pair, that of both points is kept to.
        num_trees: How many trees are grown.

    Yields:
        int64 (P, 2) for each tree, the first point of a pair before the second. A pair may come again. Of points with
        more than eight such neighbours in a leaf, the nearest eight: they hang together all the same.
    """
    for leaves in _trees(point, num_trees, seed=0):
        yield np.concatenate([_pairs_in(point, cosine, leaf) for leaf in leaves])


def _trees(point: NDArray[np.float32], num_trees: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Give the leaves (L, S) of trees: which points are in each of them.

    Each tree halves the points again and again, at the median along a random direction (Dasgupta and Freund 2008). A
    pair that one tree has split another one has not. The time of a tree is in proportion to N log N.
    """
    num = len(point)
    if num < 2:
        return
    rng = np.random.default_rng(seed)
    along = _along_axes(point, rng)
    scale = along.std(0)
    depth = max(0, int(np.ceil(np.log2(num / _LEAF))))
    size = -(-num // 2**depth)
    for _ in range(num_trees):
        # Leaves of one size: some points are in two of them.
        order = np.concatenate([rng.permutation(num), rng.integers(0, num, size * 2**depth - num)])
        for level in range(depth):
            # An axis along which the points differ more may be split more often.
            direction = rng.standard_normal(along.shape[1]) * scale
            # In whole steps: points alike to the last bits are in no order, so that each tree splits them elsewhere.
            value = np.rint(along @ (direction / _STEP).astype(np.float32))[order].reshape(2**level, -1)
            rank = np.argpartition(value, value.shape[1] // 2, axis=1)
            order = np.take_along_axis(order.reshape(2**level, -1), rank, 1).reshape(-1)
        yield order.reshape(2**depth, size)


def _along_axes(point: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Give the coordinates of the points along the axes that they differ most along: (N, A)."""
    sample = point[rng.permutation(len(point))[:_SAMPLE]]
    _, axes = np.linalg.eigh(np.cov(sample, rowvar=False))
    return np.asarray(point @ axes[:, -_AXES:].astype(np.float32), np.float32)


def _pairs_in(point: NDArray[np.float32], cosine: NDArray[np.float32], leaf: NDArray[np.int64]) -> NDArray[np.int64]:
    inside, least = point[leaf], cosine[leaf]
    product = inside @ inside.T
    first, second = np.divmod(np.flatnonzero(product >= least[:, None]), len(leaf))
    kept = (first < second) & (product[first, second] >= least[second])
    first, second = first[kept], second[kept]
    crowded = np.flatnonzero(np.bincount(first, minlength=len(leaf)) > _MOST)
    if len(crowded):
        later = np.where(np.arange(len(leaf)) > crowded[:, None], product[crowded], -1)
        nearest = np.argpartition(-later, _MOST, axis=1)[:, :_MOST]
        fewer = ~np.isin(first, crowded)
        first = np.concatenate([first[fewer], np.repeat(crowded, _MOST)])
        second = np.concatenate([second[fewer], nearest.reshape(-1)])
    # A point that stands in a leaf twice is no pair.
    other = leaf[first] != leaf[second]
    return np.sort(np.stack([leaf[first[other]], leaf[second[other]]], 1), 1)
