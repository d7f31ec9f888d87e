"""Ruled lines come off, and the strokes that cross them stay."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.data.ruling import remove_lines

SIDE = 200


def ruled(slope: float = 0, spacing: int = 50, thickness: int = 2, strength: float = 0.5) -> np.ndarray:
    """Lines across the whole picture."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.where((np.rint(y - slope * x) + 1000 * spacing - 15) % spacing < thickness, strength, 0).astype(
        np.float32
    )


def strokes() -> np.ndarray:
    """A cross of two thick strokes; the level one ends inside the picture."""
    ink = np.zeros((SIDE, SIDE), np.float32)
    ink[40:170, 95:110] = 1
    ink[85:100, 45:155] = 1
    return ink


@pytest.mark.parametrize("slope", [0, 0.03, -0.06, 0.11])
@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("strength", [0.3, 0.6])
def test_lines_come_off_and_strokes_stay(slope: float, upright: bool, strength: float) -> None:
    lines = ruled(slope, strength=strength)
    ink = np.maximum(strokes(), lines.T if upright else lines)
    found = remove_lines(ink)
    assert found.shape == ink.shape
    off = np.abs(found - strokes())
    assert off.max(initial=0, where=strokes() == 0) <= strength + 1e-6
    # Where a line runs along a stroke it cannot be told from it, and beside a stroke a pixel of it may stay.
    assert (off > 0.1).sum() < 0.08 * strokes().sum()
    assert (off[strokes() == 0] > 0.1).mean() < 0.001


def test_a_grid_comes_off() -> None:
    found = remove_lines(np.maximum(strokes(), np.maximum(ruled(), ruled().T)))
    np.testing.assert_array_equal(found[strokes() == 1], 1)
    # Dots stay where lines cross.
    assert (found[strokes() == 0] > 0.1).mean() < 0.01


def test_lines_as_strong_as_the_strokes_come_off_too() -> None:
    found = remove_lines(np.maximum(strokes(), ruled(strength=1)))
    np.testing.assert_array_equal(found[strokes() == 1], 1)
    assert found[strokes() == 0].sum() < 20


def test_the_blurred_rims_of_a_line_come_off_too() -> None:
    lines = np.zeros((SIDE, SIDE), np.float32)
    for row in (20, 70, 130, 180):
        lines[row - 2 : row + 3] = np.array([0.2, 0.4, 0.6, 0.4, 0.2])[:, None]
    # The rim is not seen everywhere along the line.
    lines[:, ::2] *= lines[:, ::2] > 0.5
    found = remove_lines(np.maximum(strokes(), lines))
    np.testing.assert_array_equal(found[strokes() == 1], 1)
    assert found[strokes() == 0].sum() < 30


@pytest.mark.parametrize(
    ("top", "left", "bottom", "right"),
    [
        (60, 20, 70, 180),  # a dash that is long, but ends inside the picture on both sides
        (60, 0, 70, 180),
        (60, 20, 70, 200),
        (60, 0, 70, 100),  # one that comes from the edge and covers half of it
        (60, 0, 100, 200),  # a band, too thick for a line
    ],
)
def test_strokes_that_are_no_lines_stay(top: int, left: int, bottom: int, right: int) -> None:
    ink = np.zeros((SIDE, SIDE), np.float32)
    ink[top:bottom, left:right] = 1
    ink[90:190, 95:110] = 1
    np.testing.assert_array_equal(remove_lines(ink), ink)
    np.testing.assert_array_equal(remove_lines(ink.T), ink.T)


def test_lines_alone_are_left_rather_than_nothing() -> None:
    lines = ruled(strength=1, thickness=5)
    np.testing.assert_array_equal(remove_lines(lines), lines)


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (2, 300)])
def test_pictures_of_any_shape_come_back_in_it(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for density in (0, 0.1, 1):
        ink = (rng.random(shape) < density).astype(np.float32)
        assert remove_lines(ink).shape == shape
