"""Ruled lines come off, and the strokes that cross them stay."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.data.preprocessing.ruling import _fill, _grow, remove_lines

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


@pytest.mark.parametrize(("left", "right"), [(20, 180), (0, 160), (40, 200)])
def test_a_thin_dash_that_misses_an_edge_stays(left: int, right: int) -> None:
    # As thin and as long as a line may be: only where it ends tells it from one.
    ink = np.zeros((SIDE, SIDE), np.float32)
    ink[60:62, left:right] = 1
    ink[90:190, 80:120] = 1
    np.testing.assert_array_equal(remove_lines(ink), ink)


def test_a_dash_between_lines_stays() -> None:
    # It covers as much of the width as a line must, and begins and ends where only the lines go on.
    dash = np.zeros((SIDE, SIDE), np.float32)
    dash[88:96, 20:180] = 1
    for lines in (ruled(), ruled(0.03)):
        found = remove_lines(np.maximum(dash, lines))
        np.testing.assert_array_equal(found[dash == 1], 1)
        assert (found[dash == 0] > 0.1).mean() < 0.005


def test_lines_alone_are_left_rather_than_nothing() -> None:
    lines = ruled(strength=1, thickness=5)
    np.testing.assert_array_equal(remove_lines(lines), lines)


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (2, 300)])
def test_pictures_of_any_shape_come_back_in_it(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for density in (0, 0.1, 1):
        ink = (rng.random(shape) < density).astype(np.float32)
        assert remove_lines(ink).shape == shape


def test_a_band_keeps_what_crosses_it_and_what_is_much_darker() -> None:
    straight = np.zeros((40, 30), np.float32)
    thick, first, middle, last = slice(4, 8), slice(0, 1), slice(20, 22), slice(39, 40)
    is_line = np.zeros(40, bool)
    for band in (thick, first, middle, last):
        is_line[band] = True
        straight[band] = 0.3
    expected = straight.copy()
    expected[first] = expected[middle] = expected[last] = 0
    straight[12:22, 5:8] = expected[12:22, 5:8] = 1  # dark, and ends in the band
    straight[12:30, 12:15] = expected[12:30, 12:15] = 0.5  # hardly darker, and crosses it
    straight[12:22, 18] = expected[12:20, 18] = 0.5  # hardly darker, and ends in it
    straight[22:30, 21] = expected[22:30, 21] = 0.5
    straight[36:, 10] = expected[36:, 10] = 1  # ends at the picture's edge
    straight[36:, 20] = expected[36:39, 20] = 0.5
    # Slants: it leaves the band a pixel beside where it came in.
    straight[12:21, 25] = straight[21:30, 26] = 0.5
    expected[12:30, 25:27] = straight[12:30, 25:27]
    # A pixel to both sides of what crosses cannot be told from a slant.
    expected[20:22, [11, 15]] = 0.3
    np.testing.assert_array_equal(_fill(straight, is_line), expected)


def test_a_band_as_dark_as_a_stroke_keeps_only_what_crosses_it() -> None:
    straight = np.zeros((40, 30), np.float32)
    straight[20:22] = 0.8
    straight[12:22, 5:8] = straight[12:30, 12:15] = 1
    expected = straight.copy()
    expected[20:22] = 0
    expected[20:22, 11:16] = [0.8, 1, 1, 1, 0.8]
    np.testing.assert_array_equal(_fill(straight, np.arange(40) // 2 == 10), expected)


def test_the_rims_of_a_line_are_rows_that_are_covered_more_than_others() -> None:
    covered = np.zeros(20)
    covered[1:8] = [0.3, 0.3, 0.3, 0.3, 1, 0.2, 0.3]
    assert np.flatnonzero(_grow(np.arange(20) == 5, covered)).tolist() == [3, 4, 5]
    assert np.flatnonzero(_grow(np.arange(20) == 14, covered[::-1])).tolist() == [14, 15, 16]
    # Where much is written everywhere, a rim stands out from that.
    assert np.flatnonzero(_grow(np.arange(20) == 5, covered.clip(0.16))).tolist() == [5]
    assert np.flatnonzero(_grow(np.arange(20) == 5, covered.clip(0.14))).tolist() == [3, 4, 5]


@pytest.mark.parametrize("upright", [False, True])
def test_a_line_that_leaves_a_strip_at_top_and_bottom_comes_off(upright: bool) -> None:
    # Neither margin has ink: the line goes from the top, right of the left one, to the bottom, left of the right one.
    y, x = np.mgrid[:36, :400]
    line = np.where(np.abs(y - 18 - 0.115 * (x - 200)) < 1, 0.5, 0).astype(np.float32)
    assert not line[:, :33].any()
    assert not line[:, -33:].any()
    strokes = np.zeros_like(line)
    strokes[5:31, 60:75] = strokes[5:31, 320:335] = 1
    ink = np.maximum(line, strokes)
    found = remove_lines(ink.T).T if upright else remove_lines(ink)
    assert found[:, 100:300].max() < 0.2
    assert found[18, 65] == 1
