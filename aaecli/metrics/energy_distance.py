"""How unlike two distributions are, from samples of both."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def energy_distance(first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]]) -> float:
    """Estimate how unlike two distributions are from draws of both (Székely and Rizzo 2004).

    Args:
        first: (N, Z).
        second: (M, Z).

    Returns:
        2 E|x − y| − E|x − x'| − E|y − y'| without bias: around 0 for the same distribution, so it may be just below.
    """
    num_first, num_second = len(first), len(second)
    between = _distances(first, second).mean()
    within_first = _distances(first, first).sum() / (num_first * (num_first - 1))
    within_second = _distances(second, second).sum() / (num_second * (num_second - 1))
    return float(2 * between - within_first - within_second)


def _distances(first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    a, b = first.astype(np.float64), second.astype(np.float64)
    squared = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * a @ b.T
    distances: NDArray[np.float64] = np.sqrt(np.maximum(squared, 0))
    if first is second:
        np.fill_diagonal(distances, 0)  # what rounding leaves there would count
    return distances
