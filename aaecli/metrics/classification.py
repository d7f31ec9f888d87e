"""What a classifier's answers are worth. numpy only, so that torch and onnxruntime are judged by the same code."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


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


def expected_calibration_error(
    label_prob: NDArray[np.floating[Any]], label: NDArray[np.int64], num_bins: int = 15
) -> float:
    """Average gap between confidence and accuracy over equal bins of confidence (Guo et al. 2017), in [0, 1].

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


def confusion_matrix(predicted: NDArray[np.int64], label: NDArray[np.int64], num_classes: int) -> NDArray[np.int64]:
    """Count images by true class (row) and predicted class (column): (K, K)."""
    return np.bincount(label * num_classes + predicted, minlength=num_classes**2).reshape(num_classes, num_classes)


def evaluate(
    label_prob: NDArray[np.floating[Any]], label: NDArray[np.int64], classes: tuple[str, ...]
) -> dict[str, Any]:
    """Judge predictions against true labels.

    Args:
        label_prob: (N, K), rows sum to 1.
        label: (N,).
        classes: Names of the K classes.

    Returns:
        ``num_images``, ``accuracy``, ``accuracy_interval`` (95 %), ``error``, ``expected_calibration_error``, all in
        [0, 1]; ``classes``: a list with ``class``, ``precision``, ``recall``, ``f1`` and ``num_images`` of each;
        ``confusion``: rows are true classes. A precision, recall or F1 that divides nothing by nothing is 0, as in
        scikit-learn.
    """
    matrix = confusion_matrix(label_prob.argmax(1), label, len(classes))
    hits = np.diag(matrix)
    num_true, num_predicted = matrix.sum(1), matrix.sum(0)
    precision = hits / np.maximum(num_predicted, 1)
    recall = hits / np.maximum(num_true, 1)
    f1 = 2 * hits / np.maximum(num_true + num_predicted, 1)
    num_correct = int(hits.sum())
    return {
        "num_images": len(label),
        "accuracy": num_correct / len(label),
        "accuracy_interval": list(wilson_interval(num_correct, len(label))),
        "error": 1 - num_correct / len(label),
        "expected_calibration_error": expected_calibration_error(label_prob, label),
        "classes": [
            {
                "class": name,
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "num_images": int(num_true[index]),
            }
            for index, name in enumerate(classes)
        ],
        "confusion": matrix.tolist(),
    }


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
