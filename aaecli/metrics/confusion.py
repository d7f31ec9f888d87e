"""Which classes are taken for which."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.metrics.registry import METRICS, metric


def confusion_matrix(predicted: NDArray[np.int64], label: NDArray[np.int64], num_classes: int) -> NDArray[np.int64]:
    """Count images by true class (row) and predicted class (column): (K, K)."""
    return np.bincount(label * num_classes + predicted, minlength=num_classes**2).reshape(num_classes, num_classes)


@METRICS.register("confusion")
@metric("Confusion: true classes down, predicted across")
def confusion(label_prob: NDArray[np.floating[Any]], label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of images of each true class (row) by the predicted class (column)."""
    return confusion_matrix(label_prob.argmax(1), label, label_prob.shape[1])
