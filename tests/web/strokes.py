"""Digits as strokes, in a square of side 1: what a hand would draw, in three hands."""

from __future__ import annotations

import math

Points = list[tuple[float, float]]


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Points:
    """Points on an ellipse, angles in degrees, counted clockwise from the right as on a screen."""
    steps = max(4, int(abs(end - start) / 36))
    angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


_DIGITS: dict[int, list[Points]] = {
    0: [_arc(0.5, 0.5, 0.22, 0.34, -90, 270)],
    1: [[(0.5, 0.16), (0.5, 0.84)]],
    2: [[*_arc(0.5, 0.34, 0.2, 0.18, 190, 380), (0.3, 0.82), (0.74, 0.82)]],
    3: [[*_arc(0.48, 0.33, 0.19, 0.17, 200, 450), *_arc(0.48, 0.67, 0.22, 0.18, -90, 160)]],
    4: [[(0.36, 0.16), (0.28, 0.54), (0.72, 0.54)], [(0.64, 0.16), (0.6, 0.86)]],
    5: [[(0.68, 0.17), (0.36, 0.17), (0.34, 0.45), *_arc(0.48, 0.63, 0.21, 0.2, -110, 150)]],
    6: [[(0.6, 0.14), (0.42, 0.34), (0.32, 0.6), *_arc(0.5, 0.66, 0.18, 0.18, 180, -180)]],
    7: [[(0.28, 0.18), (0.7, 0.18), (0.46, 0.84)]],
    8: [[*_arc(0.5, 0.33, 0.16, 0.16, 90, -270), *_arc(0.5, 0.67, 0.2, 0.18, -90, 270)]],
    9: [[*_arc(0.5, 0.34, 0.17, 0.17, 0, -360), (0.66, 0.4), (0.6, 0.86)]],
}
HANDS = ((0.0, 1.0, 0.0), (-0.18, 0.85, 0.04), (0.12, 0.75, -0.06))
"""Of each hand: how far it slants, its size, and how far from the middle it writes."""


def drawing(digit: int, hand: int) -> list[Points]:
    """Give the strokes of a digit as one of the hands draws it."""
    slant, size, shift = HANDS[hand]
    return [
        [(0.5 + shift + size * (x - 0.5 - slant * (y - 0.5)), 0.5 - shift + size * (y - 0.5)) for x, y in stroke]
        for stroke in _DIGITS[digit]
    ]
