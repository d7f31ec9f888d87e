"""Removing ruled lines and grids, horizontal or slightly tilted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aaecli.data.preprocessing.ink import Float

_SLOPES = np.linspace(-0.12, 0.12, 49)
"""Tangents of the angles that are tried: 7° to either side, in steps of a quarter of a degree."""
_SPAN = 0.7
"""Share of the picture's width that a line covers; a stroke that ends inside the picture covers less."""


def remove_lines(ink: Float) -> Float:
    """Remove lines that cross the whole picture, and keep the strokes that cross them.

    Args:
        ink: (H, W) in [0, 1].

    Returns:
        The same without lines; unchanged where what looked like lines is most of the ink.
    """
    cleaned = _remove_level(_remove_level(ink).T).T
    strong = (ink > 0.5).sum()
    return cleaned if (cleaned > 0.5).sum() >= 0.15 * strong else ink


def _remove_level(ink: Float) -> Float:
    height, width = ink.shape
    edge = max(2, width // 12)
    is_ink = ink > 0.15
    # A line ends at left and right, or leaves at top or bottom: at both ends only where the picture is a strip.
    # Most drawings have a margin, and the search below is half of what it costs to prepare one.
    is_strip = height <= abs(_SLOPES[0]) * width + 2
    if not is_strip and not is_ink[:, :edge].any() and not is_ink[:, -edge:].any():
        return ink
    y, x = np.nonzero(is_ink)
    if len(x) < _SPAN * width:
        return ink
    best: tuple[float, float] = (0.0, 0.0)
    offset = int(np.ceil(abs(_SLOPES[0]) * width)) + 1
    for slope in _SLOPES:
        profile = np.bincount(np.rint(y - slope * (x - width / 2)).astype(np.int64) + offset, minlength=1)
        # Squares: a line that is met at its own angle falls into few rows.
        best = max(best, (float((profile.astype(np.float64) ** 2).sum()), float(slope)))
    slope = best[1]
    shift = np.rint(slope * (np.arange(width) - width / 2)).astype(np.int64)
    rows = np.arange(-offset, height + offset)[:, None] + shift
    inside = (rows >= 0) & (rows < height)
    straight = np.where(inside, ink[np.clip(rows, 0, height - 1), np.arange(width)], 0)
    present = straight > 0.15
    # Rows at the top and bottom of a tilted picture are partly outside it.
    possible = inside.sum(1)
    covered = present.sum(1) / np.maximum(possible, 1)
    reaches = (present[:, :edge].any(1) | ~inside[:, :edge].any(1)) & (
        present[:, -edge:].any(1) | ~inside[:, -edge:].any(1)
    )
    is_line = (covered >= _SPAN) & reaches & (possible >= 0.5 * width)
    if not is_line.any():
        return ink
    straight = _fill(straight, _grow(is_line, covered))
    level = ink.copy()
    level[rows[inside], np.broadcast_to(np.arange(width), rows.shape)[inside]] = straight[inside]
    return level


def _grow(is_line: NDArray[np.bool_], covered: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Add the blurred rims of a line: rows next to it that are covered more than by chance."""
    rim = covered > max(0.25, 2 * float(np.median(covered)))
    grown = is_line
    for _ in range(2):
        grown = grown | (rim & (np.roll(grown, 1) | np.roll(grown, -1)))
    return grown


def _fill(straight: Float, is_line: NDArray[np.bool_]) -> Float:
    """Replace each band of rows by what crosses it: ink found on both sides, or much darker than the line."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_line, [False])).astype(np.int8)))
    filled = straight.copy()
    for top, bottom in zip(edges[::2], edges[1::2], strict=True):
        if bottom - top > 0.08 * len(straight):
            continue
        band = straight[top:bottom]
        above = straight[max(0, top - 2) : top].max(0, initial=0)
        below = straight[bottom : bottom + 2].max(0, initial=0)
        # A slanting stroke leaves the band a little to the side of where it came in.
        reach = (bottom - top) // 2
        crossing = np.minimum(_widen(above, reach), _widen(below, reach))
        typical = float(np.median(band.max(0)))
        darker = np.where(band > min(1.5 * typical + 0.1, 0.9), band, 0)
        filled[top:bottom] = np.maximum(np.minimum(band, crossing), darker if typical < 0.7 else 0)
    return filled


def _widen(row: Float, reach: int) -> Float:
    padded = np.pad(row, reach, mode="edge")
    widened: Float = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(1)
    return widened
