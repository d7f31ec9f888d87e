"""Tables of numbers as images, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Table:
    """How a row of numbers is an image.

    Attributes:
        shape: Of an image: (H, W) or (H, W, 3).
        low: The number that is black.
        high: The number that is white.
    """

    shape: tuple[int, ...]
    low: float
    high: float

    def to_images(self, rows: NDArray[Any]) -> NDArray[np.uint8]:
        """Turn rows (N, P) into uint8 (N, H, W) or (N, H, W, 3); numbers beyond black and white are taken for these."""
        if rows.dtype == np.uint8 and (self.low, self.high) == (0, 255):
            return np.ascontiguousarray(rows).reshape(-1, *self.shape)
        scaled = (rows.astype(np.float64) - self.low) / ((self.high - self.low) or 1.0)
        return np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8).reshape(-1, *self.shape)

    def to_rows(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn images in [0, 1] into rows (N, P) of the table's own numbers."""
        rows = images.reshape(len(images), -1) * np.float32(self.high - self.low) + np.float32(self.low)
        return np.asarray(rows, np.float32)


def fitting_table(rows: NDArray[Any], shape: tuple[int, ...]) -> Table:
    """Say how the rows (N, P) that an estimator learns from are images.

    uint8 is taken as it is, and so are floats in [0, 1]; of other numbers the smallest is black, the largest white.
    """
    if rows.dtype == np.uint8:
        return Table(shape, 0.0, 255.0)
    low, high = float(rows.min()), float(rows.max())
    return Table(shape, 0.0, 1.0) if low >= 0 and high <= 1 else Table(shape, low, high)


def shape_of(num_pixels: int, wanted: tuple[int, ...] | None) -> tuple[int, ...]:
    """Give the shape of an image of so many numbers: square where that goes, else one row, unless one is wanted.

    Raises:
        ValueError: The wanted shape has another number of them, or is none of an image.
    """
    if wanted is not None:
        shape = tuple(int(side) for side in wanted)
        if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] != 3) or math.prod(shape) != num_pixels:
            raise ValueError(
                f"image_shape {shape} does not fit: a row has {num_pixels} numbers, and a shape is (H, W) or (H, W, 3)."
            )
        return shape
    side = math.isqrt(num_pixels)
    return (side, side) if side * side == num_pixels else (1, num_pixels)


def as_rows(data: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Lay images (N, H, W) and (N, H, W, 3) out as rows (N, P); gives the shape of an image too, where there is one.

    Raises:
        ValueError: The last dimension of an array of four is not 3.
    """
    images = np.asarray(data) if isinstance(data, list) and data and np.ndim(data[0]) >= 2 else data
    if not isinstance(images, np.ndarray) or images.ndim not in (3, 4):
        return images, None
    if images.ndim == 4 and images.shape[3] != 3:
        raise ValueError(f"Images are (N, H, W) or (N, H, W, 3), and these are {images.shape}.")
    return images.reshape(len(images), -1), images.shape[1:]
