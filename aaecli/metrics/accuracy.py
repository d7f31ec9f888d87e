"""Accuracy with its 95 % interval, and the error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.metrics.registry import METRICS, Estimate, metric
from aaecli.metrics.wilson_interval import wilson_interval


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
