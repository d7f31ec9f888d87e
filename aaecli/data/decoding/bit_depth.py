"""Pixels of more than eight bits, as scanners, cameras and microscopes give them, brought to eight."""

from __future__ import annotations

import numpy as np
from PIL import Image


def to_eight_bits(image: Image.Image, longest: int) -> Image.Image:
    """Bring 16-bit, 32-bit and float pixels to 0 … 255.

    Files of 16 bits often hold values of 10, 12 or 14, as cameras and scanners measure them, and seldom say so: white
    is the largest value of the fewest bits, of 8, 10, 12, 14 and 16, that hold the brightest pixel. Other numbers are
    taken by the range that they are meant for, 0 … 1 or 0 … 255, or without one by their own.

    Args:
        image: A picture of one number a pixel.
        longest: About the longer side, in pixels, of what comes back.
    """
    # Four bytes a pixel and several copies: a huge one is thinned out first.
    step = max(1, max(image.size) // longest)
    wide = np.nan_to_num(np.asarray(image)[::step, ::step].astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(wide.min()), float(wide.max())
    if image.mode.startswith("I;16") or (image.mode == "I" and low >= 0 and 255 < high <= 65535):
        low, high = 0.0, _white_of(high)
    elif low >= 0 and high <= 1 and image.mode == "F":
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    narrow = Image.fromarray(np.rint((wide - low) * (255 / max(high - low, 1e-6))).astype(np.uint8))
    narrow.info = image.info
    return narrow


def join_halves(upper: Image.Image, lower: Image.Image) -> Image.Image:
    """Bring colours of 16 bits, as their upper and their lower eight, to eight by the same rule.

    Args:
        upper: RGB or RGBA.
        lower: The same size and mode; it is only decoded where the upper bits are few.

    Returns:
        ``upper`` itself where its values use 15 or 16 bits.
    """
    high = np.asarray(upper)
    if high[..., :3].max() >= 64:
        return upper
    wide = high[..., :3].astype(np.float32) * 256 + np.asarray(lower)[..., :3]
    narrow = high.copy()
    narrow[..., :3] = np.rint(wide * (255 / _white_of(float(wide.max()))))
    joined = Image.fromarray(narrow)
    joined.info = upper.info
    return joined


def _white_of(brightest: float) -> float:
    return next(2.0**bits - 1 for bits in (8, 10, 12, 14, 16) if brightest < 2**bits or bits == 16)
