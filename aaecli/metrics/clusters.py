"""Naming what was found without labels: every cluster takes the name of a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def name_clusters(cluster_prob: NDArray[np.floating[Any]], label: NDArray[np.int64]) -> tuple[int, ...]:
    """Name each cluster after the image that is surest to be in it (the paper, section 6).

    The paper takes the images for it from those kept for validation, and evaluates on the test images. On the very
    images that named them, clusters of noise would seem to know something: each is right about its own image.

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


def cross_named_prob(
    cluster_prob: NDArray[np.floating[Any]], label: NDArray[np.int64], num_classes: int, seed: int = 0
) -> NDArray[np.float32]:
    """Give the probabilities of the classes where no other images are at hand to name the clusters by.

    The images are dealt into two halves, each class evenly, and the clusters are named anew for each half by the images
    of the other one.

    Args:
        cluster_prob: (N, C), rows sum to 1.
        label: (N,), the true classes of the same images.
        num_classes: Number of classes K.
        seed: Seed of the lot.

    Returns:
        (N, K), rows sum to 1; every class alike of a single image, which there is nothing to name by.
    """
    prob = np.full((len(label), num_classes), 1 / num_classes, np.float32)
    half = _halves(label, seed)
    for part in (half, ~half):
        if part.any() and not part.all():
            clusters = name_clusters(cluster_prob[~part], label[~part])
            prob[part] = class_prob(cluster_prob[part], clusters, num_classes)
    return prob


def _halves(label: NDArray[np.int64], seed: int) -> NDArray[np.bool_]:
    """Deal images (N,) into two halves, each class by itself, the odd ones in turn."""
    rng = np.random.default_rng(seed)
    half = np.zeros(len(label), bool)
    order = [index for value in np.unique(label) for index in rng.permutation(np.flatnonzero(label == value)).tolist()]
    half[order[::2]] = True
    return half
