"""Turning any picture of a digit into what the model saw: MNIST's own procedure, after ink and paper are told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BOX = 20 / 28
"""Side of the box that the strokes are scaled into, as a share of the image (LeCun et al. 1998: 20 of 28 pixels)."""


@dataclass(frozen=True)
class Normalised:
    """A picture as the model sees it.

    Attributes:
        image: uint8 (H, W), light on black.
        oddities: What makes it unlike a picture of one digit; empty for most.
    """

    image: NDArray[np.uint8]
    oddities: tuple[str, ...] = ()


def normalise(
    pixels: NDArray[np.uint8], shape: tuple[int, int] = (28, 28), *, invert: bool | None = None
) -> Normalised:
    """Normalise a picture."""
    grey = pixels if pixels.ndim == 2 else np.asarray(Image.fromarray(pixels).convert("L"))
    border = np.concatenate((grey[0], grey[-1], grey[:, 0], grey[:, -1]))
    dark_on_light = bool(np.median(border) > 127) if invert is None else invert
    if dark_on_light:
        grey = 255 - grey
    if grey.shape == shape:
        return Normalised(grey)
    paper = np.median(border if not dark_on_light else 255 - border)
    ink = np.clip(grey.astype(np.float32) - paper, 0, None)
    ink *= 255 / max(ink.max(), 1)
    mask = ink > 64
    if not mask.any():
        return Normalised(np.zeros(shape, np.uint8), ("blank",))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8)
    scale = BOX * min(shape) / max(crop.shape)
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    small = np.asarray(Image.fromarray(crop).resize(size, Image.Resampling.BOX))
    small = np.rint(small * (255 / max(int(small.max()), 1))).astype(np.uint8)
    weight = small.astype(np.float64)
    cy = (weight.sum(1) @ np.arange(size[1])) / weight.sum()
    cx = (weight.sum(0) @ np.arange(size[0])) / weight.sum()
    top = min(max(round((shape[0] - 1) / 2 - cy), 0), shape[0] - size[1])
    left = min(max(round((shape[1] - 1) / 2 - cx), 0), shape[1] - size[0])
    image = np.zeros(shape, np.uint8)
    image[top : top + size[1], left : left + size[0]] = small
    return Normalised(image)
