"""Ink is told from paper in any light, of any colour, in either polarity."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from aaecli.data.preprocessing.ink import _longest_run, _slide, extract, is_dark_on_light, light, otsu, to_grey

STROKES = np.zeros((120, 160), bool)
STROKES[20:100, 70:80] = True
STROKES[50:60, 40:120] = True


def gradient(low: float, high: float) -> np.ndarray:
    """Paper in light that falls off from right to left."""
    return np.tile(np.linspace(low, high, 160, dtype=np.float32), (120, 1))


def test_a_grey_picture_stays_as_it_is() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    grey = to_grey(pixels)
    assert grey.dtype == np.float32
    np.testing.assert_array_equal(grey, pixels)


@pytest.mark.parametrize(
    ("pen", "channel"),
    [
        ((60, 180, 230), 0),
        ((240, 60, 240), 1),
        ((250, 220, 40), 2),
        # Red differs enough as well, but blue more.
        ((100, 245, 60), 2),
        # Blue ink and black are dark enough as they are, and the brightness has less noise.
        ((20, 40, 200), None),
        ((10, 10, 10), None),
    ],
)
@pytest.mark.parametrize("scale", [1, 3])
def test_a_pale_pen_is_seen_in_the_colour_that_it_lacks(pen, channel, scale) -> None:
    strokes = np.kron(STROKES, np.ones((scale, scale), bool))
    pixels = np.where(strokes[..., None], np.array(pen), 245).astype(np.uint8)
    grey = to_grey(pixels)
    assert grey.dtype == np.float32
    expected = Image.fromarray(pixels).convert("L") if channel is None else pixels[..., channel]
    np.testing.assert_array_equal(grey, expected)


@pytest.mark.parametrize("dark_ink", [True, False])
@pytest.mark.parametrize("turn", [False, True])
def test_the_light_is_the_paper_without_its_strokes(dark_ink, turn) -> None:
    paper = gradient(120, 220)
    grey = np.where(STROKES, paper - 80 if dark_ink else paper + 30, paper)
    if turn:
        paper, grey = paper.T, grey.T
    found = light(grey, dark_ink=dark_ink)
    assert (found.shape, found.dtype) == (grey.shape, np.float32)
    assert np.abs(found - paper).max() < 8


@pytest.mark.parametrize("dark_ink", [True, False])
def test_the_light_follows_the_edge_of_a_shadow(dark_ink) -> None:
    paper = np.where(np.arange(160) < 60, 90, 220) * np.ones((120, 1), np.float32)
    grey = np.where(STROKES, paper * (0.3 if dark_ink else 1.15), paper).astype(np.float32)
    off = np.abs(light(grey, dark_ink=dark_ink) - paper)
    assert np.delete(off, np.s_[50:70], 1).max() < 8


@pytest.mark.parametrize("dark_ink", [True, False])
def test_a_stroke_that_leaves_the_picture_is_no_shadow(dark_ink) -> None:
    grey = np.full((100, 100), 128, np.float32)
    grey[:, 45:55] = 30 if dark_ink else 230
    assert np.abs(light(grey, dark_ink=dark_ink) - 128).max() < 1
    # The table beside the sheet goes on beyond the picture.
    grey[:, :30] = 30 if dark_ink else 230
    found = light(grey, dark_ink=dark_ink)
    assert np.abs(found[:, :25] - grey[:, :25]).max() < 8
    assert np.abs(found[:, 40:] - 128).max() < 8


@pytest.mark.parametrize("dark", [True, False])
def test_the_longest_stretch_of_the_edge_is_counted_around_its_corners(dark) -> None:
    def run(places: list[tuple[int, int]]) -> float:
        coarse = np.full((8, 11), 100, np.uint8)
        coarse[4, 5] = 30 if dark else 170
        for place in places:
            coarse[place] = 40 if dark else 160
        return _longest_run(coarse, dark=dark) * 34

    assert run([]) == 0
    assert run([(0, 3), (0, 4), (0, 5), (0, 7), (0, 8)]) == pytest.approx(3)
    assert run([(0, 0)]) == pytest.approx(1)
    corners = {
        "top left": [(2, 0), (1, 0), (0, 0), (0, 1)],
        "top right": [(0, 9), (0, 10), (1, 10), (2, 10)],
        "bottom right": [(6, 10), (7, 10), (7, 9), (7, 8)],
        "bottom left": [(7, 1), (7, 0), (6, 0), (5, 0)],
    }
    for places in corners.values():
        assert run([*places, (0, 5), (4, 10)]) == pytest.approx(4)
    edge = [(y, x) for y in range(8) for x in range(11) if y in (0, 7) or x in (0, 10)]
    assert run(edge) == pytest.approx(34)
    assert run([place for place in edge if place != (7, 5)]) == pytest.approx(33)


@pytest.mark.parametrize("reach", [1, 3])
def test_a_window_slides_over_all_places_that_it_fits_into(reach) -> None:
    values = np.random.default_rng(0).integers(0, 256, (12, 17)).astype(np.uint8)
    inner = np.s_[reach:-reach, reach:-reach]
    for widest, reference in ((True, ndimage.maximum_filter), (False, ndimage.minimum_filter)):
        np.testing.assert_array_equal(_slide(values, reach, widest=widest), reference(values, 2 * reach + 1)[inner])


@pytest.mark.parametrize("dark_ink", [True, False])
@pytest.mark.parametrize("paper", [np.full((120, 160), 128, np.float32), gradient(60, 190), gradient(60, 190)[::-1].T])
def test_the_polarity_is_found_in_even_and_uneven_light(dark_ink, paper) -> None:
    strokes = STROKES if paper.shape == STROKES.shape else STROKES.T
    grey = np.where(strokes, paper + (-50 if dark_ink else 50), paper).astype(np.float32)
    assert is_dark_on_light(grey) is dark_ink


@pytest.mark.parametrize("dark_ink", [True, False])
def test_a_shadow_is_no_ink(dark_ink) -> None:
    # Most of the paper as light (or dark) as the ink, faint strokes on it, and a shadow (or a lamp) over the rest.
    paper = np.where(np.arange(160) < 110, *((60, 230) if dark_ink else (230, 60))) * np.ones((120, 1), np.float32)
    for strokes in (STROKES, np.roll(STROKES, -20, 1)):
        grey = np.where(strokes, paper + (-30 if dark_ink else 20), paper).astype(np.float32)
        assert is_dark_on_light(grey) is dark_ink
        assert is_dark_on_light(np.ascontiguousarray(grey.T)) is dark_ink


@pytest.mark.parametrize("dark_ink", [True, False])
def test_a_few_strokes_outweigh_much_texture(dark_ink) -> None:
    sign = -1 if dark_ink else 1
    dots = np.kron(np.random.default_rng(0).random((24, 32)) < 0.3, np.ones((5, 5)))
    grey = gradient(80, 180) - 30 * sign * dots
    grey[40:100, 70:76] += 70 * sign
    assert is_dark_on_light(grey.astype(np.float32)) is dark_ink


@pytest.mark.parametrize("dark_ink", [True, False])
def test_ink_is_full_on_strokes_and_none_on_paper(dark_ink) -> None:
    for paper in (np.full((120, 160), 150, np.float32), gradient(100, 200)):
        grey = np.where(STROKES, paper * 0.4 if dark_ink else np.minimum(paper + 100, 255), paper).astype(np.float32)
        ink = extract(grey, dark_ink=dark_ink)
        assert (ink.shape, ink.dtype) == (grey.shape, np.float32)
        assert ink.min() >= 0
        assert ink.max() <= 1
        assert ink[STROKES].min() > 0.7
        assert np.quantile(ink[STROKES], 0.5) > 0.95
        assert ink[~STROKES].max() < 0.2


def test_half_tones_stay_between() -> None:
    grey = np.where(STROKES, 50, 200).astype(np.float32)
    grey[20:35, 20:35] = 125
    ink = extract(grey, dark_ink=True)
    assert ink[22:33, 22:33] == pytest.approx(np.full((11, 11), 0.5), abs=0.05)


def test_a_faint_contrast_or_one_below_the_grain_is_no_ink() -> None:
    rng = np.random.default_rng(0)
    assert extract(np.full((60, 80), 99, np.float32), dark_ink=True) is None
    for contrast, grain, is_blank in ((8, 0, True), (20, 0, False), (10, 8, True), (70, 6, False)):
        for sign, dark_ink in ((-1, True), (1, False)):
            paper = 230 if dark_ink else 100
            grey = paper + sign * contrast * STROKES + rng.normal(0, 1, STROKES.shape) * grain
            found = extract(np.clip(grey, 0, 255).astype(np.float32), dark_ink=dark_ink)
            assert (found is None) == is_blank, (contrast, grain, dark_ink)


def test_grain_is_taken_off_the_paper() -> None:
    grain = np.random.default_rng(0).normal(0, 4, STROKES.shape)
    ink = extract((np.where(STROKES, 60, 190) + grain).astype(np.float32), dark_ink=True)
    assert (ink[~STROKES] == 0).mean() > 0.85
    assert ink[STROKES].mean() > 0.9


def test_otsus_level_leaves_the_least_variance_within_the_groups() -> None:
    rng = np.random.default_rng(0)
    for share, gap in ((0.5, 5), (0.1, 8), (0.8, 4)):
        values = np.abs(np.concatenate((rng.normal(3, 1, 2000), rng.normal(3 + gap, 1, round(2000 * share)))))
        values = values.astype(np.float32)
        edge = np.linspace(0, values.max(), 129)
        binned = (np.clip(np.digitize(values, edge), 1, 128) - 0.5) * values.max() / 128

        def within(level: float, binned: np.ndarray = binned) -> float:
            groups = binned[binned <= level], binned[binned > level]
            return sum(len(group) * float(group.var()) for group in groups if len(group))

        best = min(edge[1:-1], key=within)
        assert otsu(values) == pytest.approx(best, rel=1e-5)


def test_otsu_of_a_single_value_puts_nothing_above() -> None:
    for value in (0, 7):
        values = np.full(50, value, np.float32)
        assert not (values > otsu(values)).any()
