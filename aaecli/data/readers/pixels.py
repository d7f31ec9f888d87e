"""Arrays of pixels, whatever their type and layout, as uint8 images (N, H, W) or (N, H, W, 3)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aaecli.errors import AaeError

_ROWS = 4096
"""Images that are converted together: a copy of all of them as floats would take eight times their memory."""
_HINT = "Images are (N, H, W), (N, H, W, 3) or (N, H · W), of bytes, of numbers from 0 to 255, or from 0 to 1."


class Layout(NamedTuple):
    """How pixels lie in an array.

    Attributes:
        height: Of an image, in pixels.
        width: Of an image, in pixels.
        channels: 1 or 3.
        is_channels_first: Whether the array is (N, C, H, W).
    """

    height: int
    width: int
    channels: int
    is_channels_first: bool = False

    @property
    def num_values(self) -> int:
        """Values of an image."""
        return self.height * self.width * self.channels


def square_layout(num_values: int) -> Layout | None:
    """Give the layout of square images of so many values in a row, None where they make none."""
    for channels in (1, 3):
        side = math.isqrt(num_values // channels)
        if side * side * channels == num_values and side:
            return Layout(side, side, channels)
    return None


def image_layout(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> Layout:
    """Tell by its shape and type how an array holds images.

    Args:
        shape: Of the array.
        dtype: Type of its values.
        name: What to call it in an error.

    Raises:
        AaeError: It holds none.
    """
    layout = None
    if dtype.kind in "iubf":
        match shape:
            case (_, values):
                layout = square_layout(values)
            case (_, height, width):
                layout = Layout(height, width, 1)
            case (_, height, width, 1 | 3 as channels):
                layout = Layout(height, width, channels)
            case (_, 1 | 3 as channels, height, width):
                layout = Layout(height, width, channels, is_channels_first=True)
    if layout is None:
        raise AaeError(f"{name} has shape {shape} and type {dtype}, which are no images.", _HINT)
    return layout


def as_images(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Bring an array of images to bytes: floats within [0, 1] are multiplied by 255, booleans are black and white.

    Args:
        values: As ``image_layout`` knows them.
        name: What to call it in an error.

    Returns:
        uint8 (N, H, W) or (N, H, W, 3).

    Raises:
        AaeError: It holds no images, or values beyond 0 to 255.
    """
    layout = image_layout(values.shape, values.dtype, name)
    shape = (len(values), layout.height, layout.width, layout.channels)
    if layout.is_channels_first:
        values = values.transpose(0, 2, 3, 1)
    if values.dtype == np.uint8:
        pixels = values.reshape(shape)
    else:
        scale = _scale(values, name)
        pixels = np.empty(shape, np.uint8)
        for start in range(0, len(values), _ROWS):
            part = values[start : start + _ROWS]
            pixels[start : start + _ROWS] = np.rint(part.astype(np.float32) * scale).reshape(-1, *shape[1:])
    return np.ascontiguousarray(pixels[..., 0] if layout.channels == 1 else pixels)


def _scale(values: NDArray[Any], name: str) -> np.float32:
    """Give what pixels are multiplied by, to be from 0 to 255."""
    if values.size == 0:
        return np.float32(1)
    low, high = values.min(), values.max()
    # Not a number is in no range.
    if not (low >= 0 and high <= 255):
        raise AaeError(f"{name} holds pixels from {low} to {high}.", _HINT)
    is_unit = values.dtype.kind == "b" or (values.dtype.kind == "f" and high <= 1)
    return np.float32(255 if is_unit else 1)
