"""Separating ink from paper: polarity, illumination, and the extent of the strokes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Float = NDArray[np.float32]

_COARSE = 64
"""Longer side that the light is measured at."""
_MIN_CONTRAST = 14.0
"""Levels of 255 between ink and paper below which a picture counts as blank."""


def to_grey(pixels: NDArray[np.uint8]) -> Float:
    """Bring a picture to one channel, the one in which ink and paper differ most: float32 (H, W), 0 … 255.

    A pale pen hardly differs from paper in brightness, but it does in one of the three colours.
    """
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    grey = np.asarray(Image.fromarray(pixels).convert("L"), np.float32)
    best, spread = grey, _spread(grey)
    for channel in range(3):
        other = pixels[..., channel].astype(np.float32)
        # The brightness is the average of three noises; a single channel must be clearly better.
        if (scaled := _spread(other)) > 1.6 * spread:
            best, spread = other, scaled / 1.6
    return best


def _spread(grey: Float) -> float:
    """Distance of the 2 % of pixels that differ most from the typical one, in levels."""
    sample = _sample(grey)
    return float(np.quantile(np.abs(sample - np.median(sample)), 0.98))


def _sample(values: Float) -> Float:
    """Every few pixels: enough of them for a median."""
    step = max(1, round((values.size / 20_000) ** 0.5))
    return values[::step, ::step].ravel()


def light(grey: Float, *, dark_ink: bool) -> Float:
    """Measure the light on the paper: the picture without its strokes, (H, W).

    A morphological closing (for dark ink; opening for light ink) with a window wider than any stroke follows the edge
    of a shadow as well as a slow gradient, which a blur or a fitted plane would not.
    """
    height, width = grey.shape
    scale = _COARSE / max(height, width)
    size = (max(3, round(width * scale)), max(3, round(height * scale)))
    shrunk = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.BOX)
    coarse = np.asarray(shrunk.filter(ImageFilter.MedianFilter(3)))
    reach = max(size) // 5
    # A stroke that touches an edge ends there: mirrored, it stays narrower than the window. A shadow or the table that
    # takes up a long stretch of the edge goes on beyond it.
    mode: Literal["edge", "symmetric"] = "edge" if _longest_run(coarse, dark=dark_ink) > 0.18 else "symmetric"
    padded = np.pad(coarse, 2 * reach, mode=mode)
    closed = _slide(_slide(padded, reach, widest=dark_ink), reach, widest=not dark_ink)
    soft = Image.fromarray(closed).filter(ImageFilter.BoxBlur(1.5))
    return np.asarray(soft.resize((width, height), Image.Resampling.BICUBIC), np.float32)


def _longest_run(coarse: NDArray[np.uint8], *, dark: bool) -> float:
    """Longest stretch along the edge that is not paper, as a share of the edge's length."""
    edge = np.concatenate((coarse[0], coarse[1:, -1], coarse[-1, -2::-1], coarse[-2:0:-1, 0])).astype(np.float32)
    low, high = float(coarse.min()), float(coarse.max())
    other = edge < high - 0.3 * (high - low) if dark else edge > low + 0.3 * (high - low)
    if other.all() or not other.any():
        return float(other.mean())
    # The edge is a ring: start behind a place that is paper.
    ring = np.roll(other, -int(np.argmin(other)))
    change = np.flatnonzero(np.diff(np.concatenate(([False], ring, [False])).astype(np.int8)))
    return float((change[1::2] - change[::2]).max()) / len(ring)


def _slide(values: NDArray[np.uint8], reach: int, *, widest: bool) -> NDArray[np.uint8]:
    """Take the largest (or smallest) value within ``reach`` of each pixel, in a square; the rim of that width goes."""
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(values, 2 * reach + 1, axis)
        values = windows.max(-1) if widest else windows.min(-1)
    return values


def is_dark_on_light(grey: Float) -> bool:
    """Find the polarity: the border is mostly paper, and strokes deviate from the paper to one side."""
    rim = max(1, round(0.04 * min(grey.shape)))
    border = np.concatenate([part.ravel() for part in (grey[:rim], grey[-rim:], grey[:, :rim], grey[:, -rim:])])
    low, high = np.quantile(_sample(grey), (0.005, 0.995)).tolist()
    paper = float(np.median(border))
    # Where the border is even, it is paper, and the further of the two extremes is the ink.
    if np.quantile(border, 0.85) - np.quantile(border, 0.15) < 0.2 * max(high - low, 1):
        return bool(paper - low > high - paper)
    # Elsewhere the light is uneven. Around most places there is more paper than ink, so the median is paper.
    coarse = Image.fromarray(grey).resize((_COARSE // 2, _COARSE // 2), Image.Resampling.BOX)
    reach = _COARSE // 8
    padded = np.pad(np.asarray(coarse), reach, mode="symmetric")
    around = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1, 2 * reach + 1))
    deviation = (np.asarray(coarse) - np.median(around, axis=(2, 3))) / 255
    # Cubes keep the sign and let a few strong strokes outweigh much weak texture.
    return float((deviation**3).sum()) <= 0


def extract(grey: Float, *, dark_ink: bool) -> Float | None:
    """Give the ink: float32 (H, W), 0 paper and 1 a full stroke; None where the picture is blank."""
    paper = light(grey, dark_ink=dark_ink)
    ink = paper - grey if dark_ink else grey - paper
    # In a shadow ink and paper both reflect less, so the contrast is relative to the paper's light.
    if dark_ink:
        ink *= 255 / np.clip(paper, 40, None)
    sample = _sample(ink)
    level = otsu(np.clip(sample, 0, None))
    strokes, bare = sample[sample > level], sample[sample <= level]
    if strokes.size == 0:
        return None
    full = float(np.quantile(strokes, 0.75))
    noise = 1.4826 * float(np.median(np.abs(bare - np.median(bare))))
    if full < max(_MIN_CONTRAST, 5 * noise):
        return None
    floor = min(2 * noise, 0.3 * full)
    extracted: Float = np.clip((ink - floor) / (full - floor), 0, 1)
    return extracted


def otsu(values: Float) -> float:
    """Find the level that parts the values best into two groups (Otsu 1979)."""
    top = max(float(values.max()), 1e-6)
    count, edge = np.histogram(values, 128, (0, top))
    centre = (edge[:-1] + edge[1:]) / 2
    below = np.cumsum(count)
    above = below[-1] - below
    moment = np.cumsum(count * centre)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (moment / below - (moment[-1] - moment) / above) ** 2
    return float(edge[int(np.nanargmax(between)) + 1]) if np.isfinite(between).any() else top
