"""How the images of a data set look, measured without a network: it decides how they may be changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aaecli.config.automatic import DARK, Appearance

_SAMPLE = 2000
"""Pictures that are looked at; their nearest neighbours are found by comparing all with all."""
_QUERIES = 400
"""Pictures whose mirror images are looked up among them."""
_CELLS, _BINS = 4, 8


def appearance(image: NDArray[np.uint8], label: NDArray[np.int64]) -> Appearance:
    """Measure images.

    Args:
        image: uint8 (N, H, W) or (N, H, W, 3), N at least 1.
        label: int64 (N,), -1 for images without a label.
    """
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(image))[:_SAMPLE]
    sample = image[chosen]
    border = _border(sample)
    labelled = rng.permutation(np.flatnonzero(label >= 0))[:_SAMPLE]
    says = _agreement(_border(image[labelled]), label[labelled])
    grey = _grey(sample)
    feature = orientation_histograms(grey)
    queries = grey[:_QUERIES]
    near = _nearest(feature[: len(queries)], feature)
    return Appearance(
        size=max(image.shape[1:3]),
        in_colour=image.ndim == 4,
        black=float((grey <= DARK / 255).mean()),
        ground_variation=float(border.std(0).mean()),
        ground_says_class=says,
        mirrored=_at_home(queries[:, :, ::-1], feature, near),
        upturned=_at_home(queries[:, ::-1], feature, near),
        num_labelled=int((label >= 0).sum()),
    )


def orientation_histograms(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Describe pictures (N, H, W) by 8 directions of edges in 4 × 4 cells: (N, 128), of length 1.

    An edge counts alike whichever of its sides is the lighter one (Dalal and Triggs 2005, unsigned, without blocks).
    """
    down, across = np.gradient(grey, axis=1), np.gradient(grey, axis=2)
    strength = np.hypot(across, down)
    direction = np.arctan2(down, across) % np.pi / np.pi * _BINS
    low = np.floor(direction)
    rest = direction - low
    low = low.astype(np.int64) % _BINS
    rows, columns = (np.arange(_CELLS) * size // _CELLS for size in grey.shape[1:])
    found = np.empty((len(grey), _CELLS, _CELLS, _BINS), np.float32)
    for number in range(_BINS):
        part = strength * ((low == number) * (1 - rest) + ((low + 1) % _BINS == number) * rest)
        found[..., number] = np.add.reduceat(np.add.reduceat(part, rows, axis=1), columns, axis=2)
    feature = np.sqrt(found.reshape(len(grey), -1))
    return np.asarray(feature / np.maximum(np.linalg.norm(feature, axis=1, keepdims=True), 1e-6), np.float32)


def _grey(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    scaled = image.astype(np.float32) / np.float32(255)
    return np.asarray(scaled.mean(-1), np.float32) if image.ndim == 4 else scaled


def _border(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the mean colour of each picture's outermost pixels in [0, 1]: (N, 1) or (N, 3)."""
    scaled = (image if image.ndim == 4 else image[..., None]).astype(np.float32) / 255
    sides = np.concatenate([scaled[:, 0], scaled[:, -1], scaled[:, :, 0], scaled[:, :, -1]], axis=1)
    return np.asarray(sides.mean(1), np.float32)


def _nearest(query: NDArray[np.float32], feature: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each query's highest cosine (Q,) with the features; query i is never compared with feature i."""
    cosine = query @ feature.T
    own = np.arange(len(query))
    cosine[own, own] = -1
    return np.asarray(cosine.max(1), np.float32)


def _at_home(changed: NDArray[np.float32], feature: NDArray[np.float32], near: NDArray[np.float32]) -> float:
    """Give the fraction of changed pictures (Q, H, W) that are nearer to the others than they were unchanged."""
    return float((_nearest(orientation_histograms(changed), feature) > near).mean())


def _agreement(colour: NDArray[np.float32], label: NDArray[np.int64]) -> float:
    """Give how much more often than by chance the nearest colour is that of a picture of the same class."""
    if len(label) < 2:
        return 0.0
    distance = ((colour[:, None] - colour) ** 2).sum(-1)
    np.fill_diagonal(distance, np.inf)
    fraction = np.bincount(label) / len(label)
    return float((label[distance.argmin(1)] == label).mean() - (fraction**2).sum())
