"""How much of one class each cluster is, whatever it is called."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.metrics.registry import METRICS, metric


@METRICS.register("cluster_purity")
@metric("cluster purity", is_fraction=True, note="images of the most frequent class of their cluster", of="cluster")
def cluster_purity(cluster_prob: NDArray[np.floating[Any]], label: NDArray[np.int64]) -> float:
    """Fraction of images that are of the most frequent class of their cluster (Manning et al. 2008, section 16.3)."""
    num_clusters, num_classes = cluster_prob.shape[1], int(label.max()) + 1
    counts = np.bincount(cluster_prob.argmax(1) * num_classes + label, minlength=num_clusters * num_classes)
    return float(counts.reshape(num_clusters, num_classes).max(1).sum() / len(label))
