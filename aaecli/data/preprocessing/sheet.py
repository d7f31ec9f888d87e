"""A sheet of paper that lies on something darker or lighter, all of it in the picture: the digit is on the sheet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aaecli.data.preprocessing.ink import Float, otsu
from aaecli.data.preprocessing.strokes import label, pieces

_COARSE = 96
_LEAST_SIDE = 0.3
"""Shorter side of a sheet, as a share of the picture's longer side."""
_MOST_AT_EDGE = 0.1
"""Share of the picture's edge that a sheet may lie at."""
_SHARP = 0.6
"""Share of the step in brightness that happens at the sheet's edge itself."""
_LEAST_FULL = 0.6
"""Share of the sheet that is bare; the outline of a 0 or an 8 is mostly hole."""
_LEAST_RECTANGULAR = 0.88
"""Share of the smallest rectangle around it that a sheet fills, seen a little askew; an ellipse fills 0.79."""


def find_sheet(grey: Float) -> Float | None:
    """Find a sheet that does not reach the picture's edge, and give the picture with all around it papered over.

    Args:
        grey: (H, W), 0 … 255.

    Returns:
        The sheet alone (h, w), its surroundings as light as itself; None where there is no such sheet.
    """
    height, width = grey.shape
    scale = min(1.0, _COARSE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    coarse = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))
    border = np.concatenate((coarse[0], coarse[-1], coarse[:, 0], coarse[:, -1]))
    level = otsu(coarse)
    is_light = float(np.median(border)) <= level
    labels, count = label((coarse > level) if is_light else (coarse <= level))
    if count == 0:
        return None
    main = max(pieces(labels, count), key=lambda piece: piece.area)
    top, left, bottom, right = main.box
    if min(bottom - top, right - left) < _LEAST_SIDE * max(coarse.shape):
        return None
    bare = labels == main.number
    filled = _fill(bare) & _fill(bare.T).T
    if bare.sum() < _LEAST_FULL * filled.sum() or filled.sum() < _LEAST_RECTANGULAR * _smallest_rectangle(filled):
        return None
    edge = np.concatenate((filled[0], filled[-1], filled[:, 0], filled[:, -1]))
    if edge.mean() > _MOST_AT_EDGE or not _ends_sharply(coarse, filled):
        return None
    inner = _shrink(filled, max(1, round(0.03 * max(bottom - top, right - left))))
    if not (inner & bare).any():
        return None
    whole = np.asarray(Image.fromarray(inner).resize((width, height), Image.Resampling.NEAREST))
    rows, columns = np.flatnonzero(whole.any(1)), np.flatnonzero(whole.any(0))
    paper = np.median(coarse[inner & bare])
    papered: Float = np.where(whole, grey, paper).astype(np.float32)
    return papered[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _ends_sharply(coarse: Float, filled: NDArray[np.bool_]) -> bool:
    """Tell a sheet from a patch of light: within four pixels its edge takes most of the step to what is around it."""
    inside, outside = np.median(coarse[filled]), np.median(coarse[~filled])
    within = _shrink(filled, 1) & ~_shrink(filled, 3)
    beyond = _shrink(~filled, 1, goes_on=True) & ~_shrink(~filled, 3, goes_on=True)
    if not within.any() or not beyond.any():
        return False
    step = np.median(coarse[within]) - np.median(coarse[beyond])
    return bool(step / (inside - outside) > _SHARP)


def _fill(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill each row from its first to its last True."""
    filled: NDArray[np.bool_] = np.logical_or.accumulate(mask, 1) & np.logical_or.accumulate(mask[:, ::-1], 1)[:, ::-1]
    return filled


def _smallest_rectangle(mask: NDArray[np.bool_]) -> float:
    """Area of the smallest rectangle around a mask, at any angle in steps of 3 degrees."""
    y, x = np.nonzero(mask & ~_shrink(mask, 1))
    angle = np.deg2rad(np.arange(0, 90, 3))[:, None]
    along = np.cos(angle) * x + np.sin(angle) * y
    across = np.cos(angle) * y - np.sin(angle) * x
    return float(((np.ptp(along, axis=1) + 1) * (np.ptp(across, axis=1) + 1)).min())


def _shrink(mask: NDArray[np.bool_], by: int, *, goes_on: bool = False) -> NDArray[np.bool_]:
    """Take ``by`` pixels off the rim, in the four directions; at the picture's edge too, unless it goes on there."""
    for _ in range(by):
        padded = np.pad(mask, 1, constant_values=goes_on)
        mask = mask & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask
