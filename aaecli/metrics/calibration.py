"""How far confidence and accuracy are apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.metrics.registry import METRICS, metric

NUM_BINS = 15


@METRICS.register("expected_calibration_error")
@metric("calibration error", note=f"expected, {NUM_BINS} bins")
def calibration_error(label_prob: NDArray[np.floating[Any]], label: NDArray[np.int64]) -> float:
    """Average gap between confidence and accuracy over equal bins of confidence (Guo et al. 2017), in [0, 1]."""
    return expected_calibration_error(label_prob, label)


def expected_calibration_error(
    label_prob: NDArray[np.floating[Any]], label: NDArray[np.int64], num_bins: int = NUM_BINS
) -> float:
    """Give that gap for a number of bins.

    Args:
        label_prob: (N, K), rows sum to 1.
        label: (N,).
        num_bins: Number of bins.
    """
    confidence = np.nan_to_num(label_prob.max(1))  # of a training that diverges; it is stopped for that elsewhere
    correct = label_prob.argmax(1) == label
    # Bins are open below and closed above: a confidence of exactly 0.2 belongs to (0.133, 0.2].
    bin_index = np.clip(np.ceil(confidence * num_bins).astype(np.int64) - 1, 0, num_bins - 1)
    gap = np.bincount(bin_index, confidence - correct, num_bins)
    return float(np.abs(gap).sum() / len(label))
