"""A sheet of paper is found on a table, and nothing else is taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from aaecli.data.preprocessing.sheet import _fill, _shrink, _smallest_rectangle, find_sheet

TABLE, PAPER, PEN = 60, 200, 20


def on_table(top: int, left: int, bottom: int, right: int, shape: tuple[int, int] = (300, 400)) -> np.ndarray:
    """A sheet with a cross on it."""
    grey = np.full(shape, TABLE, np.float32)
    grey[top:bottom, left:right] = PAPER
    y, x = (top + bottom) // 2, (left + right) // 2
    grey[y - 30 : y + 30, x - 4 : x + 4] = PEN
    grey[y - 4 : y + 4, x - 25 : x + 35] = PEN
    return grey


@pytest.mark.parametrize("turn", [False, True])
@pytest.mark.parametrize("is_light", [False, True])
@pytest.mark.parametrize(
    "box", [(60, 80, 250, 330), (20, 20, 150, 200), (140, 180, 280, 380), (30, 40, 180, 390), (5, 30, 295, 370)]
)
def test_the_sheet_alone_is_given(box: tuple[int, int, int, int], is_light: bool, turn: bool) -> None:
    grey = on_table(*box)
    top, left, bottom, right = box
    if not is_light:
        grey = 255 - grey
    if turn:
        grey, (top, left, bottom, right) = grey.T, (left, top, right, bottom)
    found = find_sheet(grey)
    assert found is not None
    assert found.dtype == np.float32
    # A rim of three hundredths goes, the shadow of the sheet's edge with it, give or take the coarse picture's pixels.
    rim = 0.03 * max(bottom - top, right - left)
    for length, whole in zip(found.shape, (bottom - top, right - left), strict=True):
        assert whole - 2 * rim - 18 <= length <= whole - rim
    values, count = np.unique(found, return_counts=True)
    paper, pen = (PAPER, PEN) if is_light else (255 - PAPER, 255 - PEN)
    assert set(values.tolist()) <= {paper, pen}
    # All that was written is there still.
    assert count[values == pen].item() == (grey == pen).sum()


def test_what_is_around_a_tilted_sheet_is_papered_over() -> None:
    flat = Image.fromarray(on_table(70, 70, 230, 330)).rotate(6, Image.Resampling.BICUBIC, fillcolor=TABLE)
    found = find_sheet(np.asarray(flat))
    assert found is not None
    assert np.abs(found[[0, 0, -1, -1], [0, -1, 0, -1]] - PAPER).max() < 4
    assert found.shape[0] > 150
    # The table would be a level between; there is only paper, pen, and the soft edge of what was written.
    assert ((found > TABLE - 10) & (found < TABLE + 10)).mean() < 0.01


def ellipse() -> np.ndarray:
    y, x = np.mgrid[:300, :400]
    return np.where(((y - 150) / 100) ** 2 + ((x - 200) / 130) ** 2 < 1, PAPER, TABLE).astype(np.float32)


def outline() -> np.ndarray:
    """A large 0."""
    grey = np.full((300, 400), TABLE, np.float32)
    grey[50:250, 120:280] = PAPER
    grey[80:220, 150:250] = TABLE
    return grey


NO_SHEETS = {
    "ellipse": ellipse(),
    "outline": outline(),
    "small": on_table(100, 150, 180, 240),
    "narrow": on_table(20, 150, 280, 230),
    "to three edges of the picture": on_table(0, 0, 200, 400),
    "to two edges of the picture": on_table(0, 0, 200, 300),
    "to an edge of the picture": on_table(100, 60, 300, 330),
    "one colour": np.full((300, 400), 99, np.float32),
}


@pytest.mark.parametrize("kind", NO_SHEETS)
def test_what_is_no_sheet(kind: str) -> None:
    assert find_sheet(NO_SHEETS[kind]) is None
    assert find_sheet(np.ascontiguousarray(NO_SHEETS[kind].T)) is None


def test_a_sheet_has_a_sharp_edge() -> None:
    assert find_sheet(on_table(60, 80, 250, 330)) is not None
    y, x = np.mgrid[:300, :400]
    inside = np.minimum(np.minimum(y - 60, 250 - y), np.minimum(x - 80, 330 - x))
    for reach, is_sheet in ((5, True), (45, False)):
        soft = TABLE + (PAPER - TABLE) * np.clip(0.5 + inside / reach, 0, 1)
        assert (find_sheet(soft.astype(np.float32)) is not None) == is_sheet


@pytest.mark.parametrize("angle", [0, 17, 45, 80])
def test_the_smallest_rectangle_around_a_turned_one_is_about_itself(angle: int) -> None:
    flat = np.zeros((160, 160), np.uint8)
    flat[50:110, 30:130] = 255
    mask = np.asarray(Image.fromarray(flat).rotate(angle, Image.Resampling.NEAREST)) > 0
    assert _smallest_rectangle(mask) == pytest.approx(6000, rel=0.08)
    assert _smallest_rectangle(mask) >= mask.sum()


def test_rows_are_filled_and_rims_taken_off() -> None:
    mask = np.array([[0, 1, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0]], bool)
    assert _fill(mask).astype(int).tolist() == [
        [0, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1], [0, 0, 1, 0, 0, 0]
    ]  # fmt: skip
    square = np.ones((7, 9), bool)
    for by in (0, 1, 2):
        np.testing.assert_array_equal(_shrink(square, by), np.pad(square[by : 7 - by, by : 9 - by], by))
    # Four directions: a pixel that lacks one neighbour goes, corners do not count.
    square[0, 0] = False
    assert _shrink(square, 1).sum() == 5 * 7
