"""Naming what was found without labels: every cluster takes the name of a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def name_clusters(cluster_prob: NDArray[np.floating[Any]], label: NDArray[np.int64]) -> tuple[int, ...]:
    """Name each cluster after the image that is surest to be in it (the paper, section 6).

    Args:
        cluster_prob: (N, C), rows sum to 1.
        label: (N,), the true classes of the same images.

    Returns:
        The class of each of the C clusters. Several may have the same; a class may have none.
    """
    return tuple(label[cluster_prob.argmax(0)].tolist())


def class_prob(
    cluster_prob: NDArray[np.floating[Any]], clusters: Sequence[int], num_classes: int
) -> NDArray[np.float32]:
    """Add up the probabilities of the clusters of each class.

    Args:
        cluster_prob: (N, C), rows sum to 1.
        clusters: The class of each cluster.
        num_classes: Number of classes K.

    Returns:
        (N, K), rows sum to 1.
    """
    member = np.zeros((len(clusters), num_classes), np.float32)
    member[np.arange(len(clusters)), list(clusters)] = 1
    summed: NDArray[np.float32] = cluster_prob.astype(np.float32) @ member
    return summed


def unnamed(count: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Give classes to clusters where no image has a label to name them by: a class each, called by its number.

    Returns:
        The names of the classes, and the class of each cluster.
    """
    return tuple(f"cluster {number}" for number in range(1, count + 1)), tuple(range(count))
