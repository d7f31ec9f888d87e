"""Accuracy with its 95 % interval, and the error."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.metrics.registry import METRICS, Estimate, metric


def wilson_interval(num_correct: int, num_total: int, z: float = 1.959964) -> tuple[float, float]:
    """Give the Wilson score interval of a proportion (Wilson 1927); 95 % with the default ``z``.

    Returns:
        Lower and upper bound in [0, 1].
    """
    share = num_correct / num_total
    denominator = 1 + z**2 / num_total
    centre = (share + z**2 / (2 * num_total)) / denominator
    half = z * math.sqrt(share * (1 - share) / num_total + z**2 / (4 * num_total**2)) / denominator
    # The interval holds the proportion; at 0 and 1 rounding would leave it out by the last digit.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


@METRICS.register("accuracy")
@metric("accuracy", is_fraction=True)
def accuracy(label_prob: NDArray[np.floating[Any]], label: NDArray[np.int64]) -> Estimate:
    """Fraction of images whose most probable class is the true one."""
    num_correct = _num_correct(label_prob, label)
    return Estimate(num_correct / len(label), *wilson_interval(num_correct, len(label)))


@METRICS.register("error")
@metric("error", is_fraction=True, outputs=("report",))
def error(label_prob: NDArray[np.floating[Any]], label: NDArray[np.int64]) -> float:
    """Fraction of the others."""
    return 1 - _num_correct(label_prob, label) / len(label)


def _num_correct(label_prob: NDArray[np.floating[Any]], label: NDArray[np.int64]) -> int:
    return int(np.count_nonzero(label_prob.argmax(1) == label))
