"""Digits as the world writes and prints them, drawn by a program: skeletons under several pens, fonts, barred sevens.

All are light on black, scaled and centred as MNIST's are. Nobody's handwriting is in them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from aaecli.data.preprocessing.normalise import centre_on_canvas

SHAPE = (28, 28)
_CANVAS = 160
_HEIGHT = 90
"""Height in pixels of the digits before they are scaled down."""
_Line = Sequence[tuple[float, float]]

ANGULAR: dict[str, list[list[_Line]]] = {
    "1": [
        [[(0.55, 0), (0.5, 1)]],
        [[(0.12, 0.36), (0.55, 0), (0.5, 1)]],
        [[(0.05, 0.5), (0.55, 0), (0.5, 1)]],
        [[(0.25, 0.22), (0.55, 0), (0.5, 1)], [(0.2, 1), (0.82, 0.99)]],
    ],
    "4": [
        [[(0.3, 0), (0.1, 0.6), (0.92, 0.58)], [(0.72, 0.22), (0.66, 1)]],
        [[(0.36, 0), (0.08, 0.55), (0.9, 0.55)], [(0.74, 0.02), (0.7, 1)]],
        [[(0.68, 1), (0.7, 0), (0.06, 0.68), (0.95, 0.68)]],
        [[(0.6, 0), (0.06, 0.6), (0.95, 0.6)], [(0.62, 0.36), (0.6, 1)]],
    ],
    "7": [
        [[(0.1, 0.04), (0.9, 0.02), (0.38, 1)]],
        [[(0.1, 0.04), (0.9, 0.02), (0.38, 1)], [(0.3, 0.5), (0.88, 0.48)]],
        [[(0.1, 0.04), (0.85, 0.02), (0.55, 1)], [(0.35, 0.52), (0.92, 0.5)]],
        [[(0.08, 0.2), (0.12, 0.03), (0.9, 0.03), (0.45, 1)], [(0.32, 0.52), (0.88, 0.48)]],
        [[(0.08, 0.2), (0.12, 0.03), (0.9, 0.03), (0.45, 1)]],
    ],
}
"""Strokes of straight lines, as points of a box of width and height 1, y downwards."""
CURVED: dict[str, list[list[_Line]]] = {
    "0": [
        [
            [
                *((0.5, 0), (0.22, 0.14), (0.08, 0.5), (0.22, 0.86), (0.5, 1)),
                *((0.78, 0.86), (0.92, 0.5), (0.78, 0.14), (0.5, 0)),
            ]
        ]
    ],
    "2": [
        [[(0.12, 0.22), (0.5, 0), (0.86, 0.26), (0.5, 0.65), (0.1, 1), (0.1, 1), (0.92, 0.98)]],
        [
            [
                *((0.12, 0.2), (0.5, 0), (0.85, 0.25), (0.5, 0.75), (0.2, 0.98)),
                *((0.1, 0.84), (0.36, 0.8), (0.62, 0.96), (0.97, 0.92)),
            ]
        ],
    ],
    "3": [
        [[(0.12, 0.12), (0.5, 0), (0.82, 0.22), (0.42, 0.47), (0.42, 0.47), (0.88, 0.72), (0.5, 1), (0.1, 0.88)]],
        [[(0.15, 0.03), (0.15, 0.03), (0.85, 0.03), (0.85, 0.03), (0.42, 0.42), (0.88, 0.68), (0.5, 1), (0.1, 0.9)]],
    ],
    "5": [
        [
            [(0.25, 0.02), (0.2, 0.42), (0.2, 0.42), (0.6, 0.38), (0.88, 0.68), (0.55, 1), (0.12, 0.92)],
            [(0.24, 0.02), (0.85, 0)],
        ],
    ],
    "6": [[[(0.72, 0), (0.3, 0.32), (0.12, 0.7), (0.42, 1), (0.82, 0.77), (0.5, 0.53), (0.15, 0.74)]]],
    "8": [
        [
            [
                *((0.82, 0.14), (0.5, 0), (0.2, 0.2), (0.5, 0.46), (0.84, 0.75)),
                *((0.5, 1), (0.16, 0.76), (0.5, 0.46), (0.8, 0.22), (0.8, 0.12)),
            ]
        ]
    ],
    "9": [
        [[(0.82, 0.2), (0.45, 0.02), (0.16, 0.26), (0.45, 0.5), (0.82, 0.2), (0.82, 0.2), (0.76, 1)]],
        [[(0.82, 0.2), (0.45, 0.02), (0.16, 0.26), (0.45, 0.5), (0.82, 0.2), (0.82, 0.2), (0.72, 0.84), (0.25, 0.98)]],
    ],
}
"""Strokes that bend at their points, but for a point that stands twice: a corner."""


def written(digit: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Write a digit with a pen: a skeleton with its points moved, slanted, narrower or wider; (28, 28)."""
    is_angular = digit in ANGULAR
    variants = (ANGULAR if is_angular else CURVED)[digit]
    strokes = variants[rng.integers(len(variants))]
    width, slant = rng.uniform(0.4, 0.85), rng.normal(0, 0.18)
    turn = rng.normal(0, math.radians(4))
    nib, lean = (rng.uniform(1, 2.6) if rng.random() < 0.3 else 1.0), rng.uniform(0.3, 1.2)
    radius = _HEIGHT * rng.uniform(0.025, 0.085)
    matrix = np.array([[width, -slant], [0, 1]])
    matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) @ matrix
    # A broad nib is a round one on stretched paper.
    paper = np.array([[math.cos(lean), math.sin(lean)], [-math.sin(lean), math.cos(lean)]])
    stretch = paper.T @ np.diag([nib, 1.0]) @ paper
    canvas = Image.new("L", (int(_CANVAS * 2.6),) * 2)
    drawing, middle = ImageDraw.Draw(canvas), canvas.width / 2
    for stroke in strokes:
        points = np.array(stroke) - 0.5
        points = points + rng.normal(0, 0.025, points.shape)
        line = (points if is_angular else _curve(points)) @ matrix.T * _HEIGHT @ stretch.T + middle
        _draw(drawing, line, radius * nib)
    if nib > 1:
        canvas = _transformed(canvas, stretch)
    return fitted(np.asarray(canvas, np.float32) / 255)


def printed(digit: str, font: Path, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Print a digit in a font, a little turned and squeezed: (28, 28)."""
    canvas = Image.new("L", (_CANVAS * 2, _CANVAS * 2))
    loaded = ImageFont.truetype(str(font), int(_HEIGHT * 1.3))
    ImageDraw.Draw(canvas).text((_CANVAS, _CANVAS), digit, 255, font=loaded, anchor="mm")
    turn, squeeze = rng.normal(0, math.radians(3)), math.exp(rng.normal(0, 0.1))
    cos, sin = math.cos(turn), math.sin(turn)
    matrix = np.array([[cos * squeeze, -sin], [sin * squeeze, cos]])
    return fitted(np.asarray(_transformed(canvas, matrix), np.float32) / 255)


def barred(seven: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8] | None:
    """Draw a bar through the stem of a seven (28, 28); None where its middle is not one stroke: it may have a bar."""
    rows = np.flatnonzero(seven.max(1) > 100)
    height = rows[-1] - rows[0] + 1
    row = rows[0] + round(height * rng.uniform(0.42, 0.6))
    ink = np.flatnonzero(seven[row] > 100)
    if not len(ink) or ink[-1] - ink[0] > 6 or height < 14:
        return None
    thick = len(ink)
    half, rise = height * rng.uniform(0.16, 0.34), rng.normal(0, 0.12)
    centre = ink.mean() + rng.normal(0, 0.08) * height
    scale = 4
    large = Image.fromarray(seven).resize((28 * scale, 28 * scale), Image.Resampling.BICUBIC)
    line = np.array([(centre - half, row + half * rise), (centre + half, row - half * rise)])
    _draw(ImageDraw.Draw(large), (line + 0.5) * scale, scale * np.clip(thick * rng.uniform(0.3, 0.45), 0.6, 2.2))
    return fitted(np.asarray(large, np.float32) / 255)


def fitted(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale and centre a digit as MNIST's are: (28, 28)."""
    rows, columns = (np.flatnonzero((ink > 0.3).any(side)) for side in (1, 0))
    return centre_on_canvas(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], SHAPE)


def _transformed(canvas: Image.Image, matrix: NDArray[np.float64]) -> Image.Image:
    """Give each place the pixel at the place that a matrix (2, 2) leads to from it, around the middle."""
    middle = np.array(canvas.size) / 2
    offset = middle - matrix @ middle
    coefficients = (*matrix[0], offset[0], *matrix[1], offset[1])
    return canvas.transform(canvas.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)


def _draw(drawing: ImageDraw.ImageDraw, line: NDArray[np.float64], radius: float) -> None:
    """Draw a line with round ends and corners."""
    points = [tuple(point) for point in line.tolist()]
    drawing.line(points, 255, max(1, round(2 * radius)))
    for x, y in points:
        drawing.ellipse((x - radius, y - radius, x + radius, y + radius), 255)


def _curve(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lead a smooth line through points (P, 2), with corners at those that stand twice (Catmull and Rom 1974)."""
    return np.concatenate([*_pieces(points), points[-1:]])


def _pieces(points: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    share = np.linspace(0, 1, 10, endpoint=False)[:, None]
    padded = np.concatenate([points[:1], points, points[-1:]])
    for before, start, stop, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        yield 0.5 * (
            2 * start
            + (stop - before) * share
            + (2 * before - 5 * start + 4 * stop - after) * share**2
            + (3 * start - before - 3 * stop + after) * share**3
        )
