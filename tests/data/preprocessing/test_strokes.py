"""Pieces of ink: found and measured exactly, and the right ones taken for the digit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from aaecli.data.preprocessing.strokes import SEVERAL, Piece, choose, label, pieces, thicken, width_of

Box = tuple[int, int, int, int]


def drawn(shape: tuple[int, int], *boxes: Box) -> np.ndarray:
    """Full ink in boxes (top, left, bottom, right), nothing elsewhere."""
    ink = np.zeros(shape, np.float32)
    for top, left, bottom, right in boxes:
        ink[top:bottom, left:right] = 1
    return ink


@pytest.mark.parametrize("density", [0.1, 0.4, 0.6, 0.9])
def test_pieces_are_those_of_scipy(density: float) -> None:
    rng = np.random.default_rng(0)
    for shape in ((1, 1), (1, 9), (9, 1), (17, 30), (40, 40)):
        mask = rng.random(shape) < density
        expected, num = ndimage.label(mask, np.ones((3, 3)))
        labels, count = label(mask)
        assert count == num
        np.testing.assert_array_equal(labels, expected)
        boxes = [
            tuple(part.start for part in box) + tuple(part.stop for part in box)
            for box in ndimage.find_objects(expected)
        ]
        areas = np.bincount(expected.ravel(), minlength=num + 1)[1:].tolist()
        assert pieces(labels, count) == [
            Piece(number + 1, area, box) for number, (area, box) in enumerate(zip(areas, boxes, strict=True))
        ]


def test_the_size_of_a_piece_is_its_longer_side() -> None:
    assert Piece(1, 9, (2, 3, 7, 5)).size == 5
    assert Piece(1, 9, (2, 3, 4, 9)).size == 6


DIGIT = (40, 70, 80, 110)


@pytest.mark.parametrize(
    "other",
    # The bar of a 5 above, below and beside it, and one that is off to a corner.
    [(28, 70, 34, 100), (88, 70, 94, 100), (40, 58, 70, 64), (40, 118, 70, 124), (28, 114, 36, 140)],
)
def test_what_is_near_belongs_to_the_digit(other: Box) -> None:
    ink = drawn((120, 180), DIGIT, other)
    chosen, warnings = choose(ink)
    np.testing.assert_array_equal(chosen, ink > 0)
    assert warnings == ()


@pytest.mark.parametrize(
    "other", [(5, 75, 15, 90), (105, 75, 115, 90), (45, 35, 60, 45), (45, 135, 60, 145), (5, 35, 20, 50)]
)
def test_what_is_far_and_small_is_left_out(other: Box) -> None:
    chosen, warnings = choose(drawn((120, 180), DIGIT, other))
    np.testing.assert_array_equal(chosen, drawn((120, 180), DIGIT) > 0)
    assert warnings == ()


def test_two_digits_are_odd() -> None:
    page = (40, 20, 80, 50), (40, 130, 80, 170), (40, 250, 80, 280)
    chosen, warnings = choose(drawn((120, 300), *page))
    np.testing.assert_array_equal(chosen, drawn((120, 300), page[1]) > 0)
    assert warnings == (SEVERAL,)


def test_specks_are_neither_taken_nor_odd() -> None:
    # A dot, and a hair that is long enough but has no ink.
    chosen, warnings = choose(drawn((120, 180), DIGIT, (84, 90, 88, 94), (30, 70, 31, 90)))
    np.testing.assert_array_equal(chosen, drawn((120, 180), DIGIT) > 0)
    assert warnings == ()


def test_no_ink_no_digit() -> None:
    chosen, warnings = choose(np.full((5, 7), 0.3, np.float32))
    assert chosen.shape == (5, 7)
    assert chosen.dtype == bool
    assert not chosen.any()
    assert warnings == ()


@pytest.mark.parametrize(
    "shadow",
    [
        (0, 0, 60, 60),
        (0, 60, 60, 120),
        (60, 0, 120, 60),
        (60, 60, 120, 120),
        (0, 40, 50, 90),
        # Too short for a stroke that ends at the edge.
        (0, 55, 55, 65),
        (65, 55, 120, 65),
        (55, 0, 65, 55),
        (55, 65, 65, 120),
    ],
)
def test_what_hangs_on_the_edge_is_no_digit(shadow: Box) -> None:
    # Smaller than the shadow, and at the other side of the middle.
    centre = (shadow[0] + shadow[2]) / 2, (shadow[1] + shadow[3]) / 2
    top, left = (20 if place > 60 else 75 for place in centre)
    digit = (top, left, top + 25, left + 25)
    chosen, warnings = choose(drawn((120, 120), digit, shadow))
    np.testing.assert_array_equal(chosen, drawn((120, 120), digit) > 0)
    assert warnings == ()


@pytest.mark.parametrize(
    "digit",
    [
        [(0, 55, 120, 65)],  # a 1 as high as the picture
        [(0, 10, 6, 110), (0, 104, 120, 110)],  # a 7 that touches two sides
        [(30, 0, 40, 100), (30, 50, 110, 60)],  # a stroke that ends at the edge
        [(30, 20, 40, 120), (30, 50, 110, 60)],
        [(20, 30, 30, 90), (20, 55, 120, 65)],
        [(90, 30, 100, 90), (0, 55, 100, 65)],
        [(0, 0, 8, 120), (0, 112, 80, 120)],  # one that touches three sides
    ],
)
def test_a_digit_that_was_cropped_tightly_is_one(digit: list[Box]) -> None:
    ink = drawn((120, 120), *digit)
    # A blot well inside: the digit wins against it, which a shadow would not.
    chosen, _ = choose(drawn((120, 120), *digit, (70, 76, 94, 100)))
    assert chosen[ink > 0].all()


@pytest.mark.parametrize("aside", [10, 367])
def test_the_middle_counts_for_more_than_the_rim(aside: int) -> None:
    for turn in (np.asarray, np.transpose):
        chosen, _ = choose(turn(drawn((100, 400), (40, 190, 60, 210), (40, aside, 63, aside + 23))))
        np.testing.assert_array_equal(chosen, turn(drawn((100, 400), (40, 190, 60, 210)) > 0))


def test_the_width_of_a_bar() -> None:
    # Twice the area by the length of the outline, which lies on the outermost pixels.
    assert width_of(drawn((40, 40), (5, 5, 35, 15)) > 0) == pytest.approx(2 * 300 / 76)
    assert width_of(drawn((40, 40), (0, 0, 40, 40)) > 0) == pytest.approx(2 * 1600 / 156)
    assert width_of(drawn((40, 40), (5, 5, 35, 6)) > 0) == 2
    assert width_of(np.zeros((4, 4), bool)) == 0


@pytest.mark.parametrize("radius", [1, 2, 3, 5])
def test_strokes_are_widened_evenly(radius: int) -> None:
    ink = drawn((9, 11), (4, 5, 5, 6))
    grown = thicken(ink, radius)
    assert grown.shape == (9 + 2 * (radius + 1), 11 + 2 * (radius + 1))
    y, x = np.indices(grown.shape) - np.reshape([4 + radius + 1, 5 + radius + 1], (2, 1, 1))
    far = np.hypot(y, x)
    # An octagon lies between the circle and, in its corners, half as far again.
    assert grown[(abs(y) + abs(x) <= radius)].all()
    assert not grown[far > 1.3 * radius].any()
    np.testing.assert_array_equal(grown, grown[::-1])
    np.testing.assert_array_equal(grown, grown[:, ::-1])
    np.testing.assert_array_equal(grown[:, 1:-1], grown.T[1:-1])
    assert (grown.sum(), grown[:, 5 + radius + 1].sum()) == ({1: 5, 2: 21, 3: 37, 5: 97}[radius], 2 * radius + 1)


def test_strokes_are_narrowed_evenly() -> None:
    ink = drawn((20, 30), (4, 6, 16, 24))
    narrow = thicken(ink, -2)
    assert narrow.shape == (22, 32)
    np.testing.assert_array_equal(narrow, drawn((22, 32), (7, 9, 15, 23)))
    # Soft edges move with the stroke.
    soft = drawn((9, 9), (2, 2, 7, 7)) / 2
    assert thicken(soft, -1).max() == 0.5
    np.testing.assert_array_equal(thicken(soft, 0)[1:-1, 1:-1], soft)
