"""Which connected pieces of ink are the digit, and how wide its strokes are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aaecli.data.preprocessing.ink import Float

SEVERAL = "several strokes far apart"


@dataclass(frozen=True)
class Piece:
    """A connected piece of ink: its number in the label map, pixels, and box (top, left, bottom, right; open end)."""

    number: int
    area: int
    box: tuple[int, int, int, int]

    @property
    def size(self) -> int:
        """Longer side of the box."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


def label(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Number the 8-connected pieces of a mask from 1, as ``scipy.ndimage.label`` does; 0 is the outside.

    Runs of each row are joined with the runs that they touch in the row above (He et al. 2008).

    Returns:
        int32 (H, W) and the number of pieces.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1)
    row, start = np.nonzero(change == 1)
    end = np.nonzero(change == -1)[1]
    parent = list(range(len(row)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    first = np.searchsorted(row, np.arange(height + 1)).tolist()
    starts, ends = start.tolist(), end.tolist()
    for y in range(1, height):
        upper, upper_end = first[y - 1], first[y]
        for run in range(first[y], first[y + 1]):
            while upper < upper_end and ends[upper] < starts[run]:
                upper += 1
            touching = upper
            while touching < upper_end and starts[touching] <= ends[run]:
                one, other = root(run), root(touching)
                parent[max(one, other)] = min(one, other)
                touching += 1
    roots, number = np.unique([root(run) for run in range(len(row))], return_inverse=True)
    labels = np.zeros((height, width), np.int32)
    for run, value in enumerate(number.tolist()):
        labels[row[run], starts[run] : ends[run]] = value + 1
    return labels, len(roots)


def pieces(labels: NDArray[np.int32], count: int) -> list[Piece]:
    """Measure each piece."""
    y, x = np.nonzero(labels)
    number = labels[y, x] - 1
    area = np.bincount(number, minlength=count)
    low = np.full((2, count), np.iinfo(np.int64).max)
    high = np.full((2, count), -1)
    for axis, coordinate in enumerate((y, x)):
        np.minimum.at(low[axis], number, coordinate)
        np.maximum.at(high[axis], number, coordinate)
    return [
        Piece(k + 1, int(area[k]), (int(low[0, k]), int(low[1, k]), int(high[0, k]) + 1, int(high[1, k]) + 1))
        for k in range(count)
    ]


def choose(ink: Float) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Pick the pieces that make the digit: the largest one that lies free, and what is near it.

    Args:
        ink: (H, W) in [0, 1].

    Returns:
        The mask of the chosen pieces, and warnings about the rest.
    """
    labels, count = label(ink > 0.4)
    if count == 0:
        return np.zeros(ink.shape, np.bool_), ()
    found = pieces(labels, count)
    main = max(found, key=lambda piece: _prominence(piece, labels))
    near, warnings = [main], []
    for piece in found:
        is_speck = piece.area < 0.015 * main.area or piece.size < 0.12 * main.size
        if piece is main or is_speck or _hangs_on_edge(piece, labels):
            continue
        if _gap(piece.box, main.box) <= 0.4 * main.size:
            near.append(piece)
        elif piece.area >= 0.3 * main.area:
            warnings.append(SEVERAL)
    return np.isin(labels, [piece.number for piece in near]), tuple(warnings[:1])


def _prominence(piece: Piece, labels: NDArray[np.int32]) -> float:
    height, width = labels.shape
    top, left, bottom, right = piece.box
    off_centre = max(abs((top + bottom) / 2 / height - 0.5), abs((left + right) / 2 / width - 0.5))
    # A long thin scratch has a large box and little ink; a speck of dirt the reverse.
    value: float = math.sqrt(piece.area) * piece.size * (1 - 0.8 * off_centre)
    return value * (0.1 if _hangs_on_edge(piece, labels) else 1.0)


def _hangs_on_edge(piece: Piece, labels: NDArray[np.int32]) -> bool:
    """Tell whether a piece hangs on the picture's edge, as the shadow of a hand or the end of the sheet does.

    A digit that was cropped tightly touches the edge with the ends and bends of its strokes only, or on many sides.
    """
    top, left, bottom, right = piece.box
    height, width = labels.shape
    sides = {"top": top == 0, "bottom": bottom == height, "left": left == 0, "right": right == width}
    if not any(sides.values()):
        return False
    if sum(sides.values()) >= 3 or (bottom - top >= 0.9 * height and right - left < 0.9 * width):
        return False
    rims = {"top": labels[0], "bottom": labels[-1], "left": labels[:, 0], "right": labels[:, -1]}
    contact = max(float((rim == piece.number).mean()) for side, rim in rims.items() if sides[side])
    reach = max((bottom - top) / height, (right - left) / width)
    return contact > 0.1 or reach < 0.5


def _gap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    vertical = max(0, max(one[0], other[0]) - min(one[2], other[2]))
    horizontal = max(0, max(one[1], other[1]) - min(one[3], other[3]))
    return math.hypot(vertical, horizontal)


def width_of(mask: NDArray[np.bool_]) -> float:
    """Estimate the width of the strokes in pixels: twice the area by the length of the outline."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:] & mask
    outline = int(mask.sum() - inner.sum())
    return 2 * int(mask.sum()) / max(outline, 1)


def thicken(ink: Float, radius: int) -> Float:
    """Widen the strokes by ``radius`` pixels on each side, or narrow them where it is negative; (H, W) grows by it."""
    grown = np.pad(ink, max(radius, 0) + 1)
    combine = np.maximum if radius > 0 else np.minimum
    for step in range(abs(radius)):
        # A plus and a square in turn make an octagon, which is nearly round.
        upright = combine(combine(np.roll(grown, 1, 0), np.roll(grown, -1, 0)), grown)
        if step % 2:
            grown = combine(combine(np.roll(upright, 1, 1), np.roll(upright, -1, 1)), upright)
        else:
            grown = combine(combine(np.roll(grown, 1, 1), np.roll(grown, -1, 1)), upright)
    return grown
