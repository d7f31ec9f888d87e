"""Histograms of oriented gradients: what pictures show, whatever their colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CELLS, _BINS = 4, 8


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
    feature = np.sqrt(found.reshape(len(grey), _CELLS * _CELLS * _BINS))
    return np.asarray(feature / np.maximum(np.linalg.norm(feature, axis=1, keepdims=True), 1e-6), np.float32)


def grey_values(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the mean over the channels of images (N, H, W) or (N, H, W, 3), in [0, 1]: (N, H, W)."""
    scaled = image.astype(np.float32) / np.float32(255)
    return np.asarray(scaled.mean(-1), np.float32) if image.ndim == 4 else scaled
