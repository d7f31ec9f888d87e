"""Precision, recall and F1 of each class. One that divides nothing by nothing is 0, as in scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.metrics.registry import METRICS, metric

_Prob = NDArray[np.floating[Any]]


@METRICS.register("precision")
@metric("precision", is_fraction=True)
def precision(label_prob: _Prob, label: NDArray[np.int64]) -> NDArray[np.float64]:
    """Fraction of the images that are classified as a class that are of it (K,)."""
    hits, _, num_predicted = _counts(label_prob, label)
    return hits / np.maximum(num_predicted, 1)


@METRICS.register("recall")
@metric("recall", is_fraction=True)
def recall(label_prob: _Prob, label: NDArray[np.int64]) -> NDArray[np.float64]:
    """Fraction of the images of a class that are classified as it (K,)."""
    hits, num_true, _ = _counts(label_prob, label)
    return hits / np.maximum(num_true, 1)


@METRICS.register("f1")
@metric("F1", is_fraction=True)
def f1(label_prob: _Prob, label: NDArray[np.int64]) -> NDArray[np.float64]:
    """Harmonic mean of precision and recall (K,)."""
    hits, num_true, num_predicted = _counts(label_prob, label)
    values: NDArray[np.float64] = 2 * hits / np.maximum(num_true + num_predicted, 1)
    return values


@METRICS.register("num_images")
@metric("images")
def num_images(label_prob: _Prob, label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of images of each class (K,)."""
    return np.bincount(label, minlength=label_prob.shape[1])


def _counts(label_prob: _Prob, label: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Count for each class the images that are classified rightly, those of it, and those classified as it."""
    predicted, num_classes = label_prob.argmax(1), label_prob.shape[1]
    return tuple(np.bincount(values, minlength=num_classes) for values in (label[predicted == label], label, predicted))
