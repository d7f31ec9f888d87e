"""Any picture of a digit becomes what MNIST would have made of it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from aaecli.data.decoding.pictures import decode
from aaecli.data.preprocessing.normalise import BLANK, _cut, _resize, _shrink, centre_on_canvas, normalise, pass_through
from aaecli.data.preprocessing.sheet import find_sheet
from aaecli.data.preprocessing.strokes import SEVERAL, label, width_of
from tests.data.redraw import REDRAWINGS, dark_on_white, encode, enlarged


def likeness(one, other):
    """Cosine of the angle between two images, after a small blur that forgives half a pixel."""
    vectors = []
    for image in (one, other):
        small = Image.fromarray(image).resize((14, 14), Image.Resampling.BOX)
        vectors.append(np.asarray(small, float).ravel())
    return vectors[0] @ vectors[1] / (np.linalg.norm(vectors[0]) * np.linalg.norm(vectors[1]) + 1e-9)


def test_every_mnist_image_passes_bit_for_bit(mnist):
    for images in (mnist.train_image, mnist.test_image):
        same, as_it_is = pass_through(images)
        assert as_it_is.all()
        assert np.array_equal(same, images)


def test_dark_on_white_mnist_is_turned_exactly(mnist):
    same, as_it_is = pass_through(255 - mnist.test_image)
    assert as_it_is.mean() > 0.999
    assert np.array_equal(same, mnist.test_image)


@pytest.mark.parametrize("redraw", REDRAWINGS)
def test_redrawn_digits_come_back(mnist, redraw):
    rng = np.random.default_rng(1)
    back = [
        likeness(normalise(decode(redraw(digit, rng), "x").pixels).image, digit) for digit in mnist.test_image[100:112]
    ]
    assert np.mean(np.array(back) > 0.8) >= 0.9
    assert np.median(back) > 0.93


@pytest.mark.parametrize("shape", [(28, 28), (32, 32), (20, 24)])
def test_result_has_the_models_shape(mnist, shape):
    pixels = decode(dark_on_white(mnist.test_image[0], np.random.default_rng(0)), "x").pixels
    image = normalise(pixels, shape).image
    assert image.shape == shape
    assert image.dtype == np.uint8
    assert image.max() == 255


def test_centre_of_mass_and_box_are_mnists():
    ink = np.zeros((200, 100), np.float32)
    ink[:, 40:60] = 1
    ink[150:, :] = 1
    image = centre_on_canvas(ink, (28, 28)).astype(float)
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 10)
    assert image.sum(1) @ np.arange(28) / image.sum() == pytest.approx(14, abs=0.5)
    assert image.sum(0) @ np.arange(28) / image.sum() == pytest.approx(14, abs=0.5)


def test_small_off_centre_28_pixel_drawing_is_brought_to_the_middle(mnist):
    digit = mnist.test_image[0]
    small = np.asarray(Image.fromarray(digit[4:24, 4:24]).resize((12, 12), Image.Resampling.BOX))
    corner = np.zeros((28, 28), np.uint8)
    corner[1:13, 1:13] = small
    assert likeness(corner, digit) < 0.5
    assert likeness(normalise(corner).image, digit) > 0.85


def test_thin_and_thick_strokes_get_a_usual_width():
    canvas = np.full((400, 400), 255, np.uint8)
    widths = []
    for stroke in (2, 6, 40, 110):
        drawn = canvas.copy()
        drawn[60:340, 200 - stroke // 2 : 200 + (stroke + 1) // 2] = 0
        drawn[60 : 60 + stroke, 100:300] = 0
        widths.append(width_of(normalise(drawn).image > 128))
    assert min(widths) >= 1.2
    assert max(widths) <= 6
    # A tenth of the box of 20 for the thin one; of a usual width is the third.
    assert widths[1] == pytest.approx(2, abs=0.4)
    assert widths[2] == pytest.approx(2.5, abs=0.4)


@pytest.mark.parametrize("grey", [0, 7, 128, 255])
def test_blank_picture_is_called_blank(grey):
    result = normalise(np.full((90, 120), grey, np.uint8))
    assert result.warnings == (BLANK,)
    assert not result.image.any()


def test_paper_grain_alone_is_blank():
    rng = np.random.default_rng(0)
    assert normalise(np.clip(rng.normal(220, 6, (300, 300)), 0, 255).astype(np.uint8)).warnings == (BLANK,)


def test_two_digits_far_apart_are_odd(mnist):
    digit = 255 - np.asarray(Image.fromarray(mnist.test_image[0]).resize((140, 140)))
    page = np.full((200, 900), 255, np.uint8)
    page[30:170, 40:180] = digit
    page[30:170, 700:840] = digit
    assert normalise(page).warnings == (SEVERAL,)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (3, 2000)])
def test_tiny_and_narrow_pictures_do_not_fail(shape):
    rng = np.random.default_rng(0)
    assert normalise(rng.integers(0, 256, shape).astype(np.uint8)).image.shape == (28, 28)
    assert normalise(rng.integers(0, 256, (*shape, 3)).astype(np.uint8)).image.shape == (28, 28)


def test_invert_decides_the_polarity(mnist):
    rng = np.random.default_rng(3)
    ink = enlarged(mnist.test_image[0], rng)
    dark = decode(encode(255 * (1 - ink)), "x").pixels
    assert likeness(normalise(dark, invert=True).image, mnist.test_image[0]) > 0.9
    assert likeness(normalise(dark, invert=False).image, mnist.test_image[0]) < 0.8


def test_label_joins_what_touches_at_corners_only():
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 1], [0, 1, 1, 0]], bool)
    labels, count = label(mask)
    assert count == 2
    assert len(set(labels[mask].tolist())) == 2
    assert labels[0, 3] not in (labels[0, 0], 0)
    assert (labels > 0).tolist() == mask.tolist()


def test_label_joins_arms_that_meet_later():
    mask = np.array([[1, 0, 1, 0, 1], [1, 0, 1, 0, 1], [1, 1, 1, 1, 1]], bool)
    assert label(mask)[1] == 1
    assert label(~mask)[1] == 2


def test_bright_patch_of_light_is_no_sheet():
    y, x = np.mgrid[:200, :200]
    patch = 90 + 120 * np.exp(-((x - 100) ** 2 + (y - 100) ** 2) / 5000)
    assert find_sheet(patch.astype(np.float32)) is None


def test_light_strokes_are_no_sheet(mnist):
    for digit in mnist.test_image[:200]:
        large = np.asarray(Image.fromarray(digit).resize((140, 140)), np.float32)
        sheet = find_sheet(large)
        # Only the bar of a 1 can pass for one, and nothing is written on it.
        assert sheet is None or BLANK in normalise(sheet.astype(np.uint8)).warnings


def block(height, width, *, shape=(28, 28), down=0, right=0, ink=255, rim=0):
    """Ink in the middle of an image, moved by some pixels; centres of mass lie half a pixel beyond the true middle."""
    image = np.zeros(shape, np.uint8)
    top, left = (shape[0] - height + 1) // 2 + down, (shape[1] - width + 1) // 2 + right
    image[top : top + height, left : left + width] = ink
    image[0] = image[-1] = image[:, 0] = image[:, -1] = rim
    return image


TAKEN_AS_IT_IS = {
    "high": (block(19, 5), True),
    "wide": (block(5, 19), True),
    "just large enough": (block(13, 13), True),
    "too small": (block(11, 11), False),
    "as faint as MNIST's faintest": (block(19, 5, ink=128), True),
    "too faint": (block(19, 5, ink=120), False),
    "faint specks do not make it larger": (np.maximum(block(11, 11), block(19, 5, ink=40)), False),
    "almost black rim": (block(19, 5, rim=8), True),
    "grey rim": (block(19, 5, rim=20), False),
    "a little off": (block(15, 15, down=1, right=-1), True),
    "too high": (block(15, 15, down=-4), False),
    "too low": (block(15, 15, down=3), False),
    "too far left": (block(15, 15, right=-4), False),
    "too far right": (block(15, 15, right=3), False),
    "off its centre, but as large as the frame": (block(9, 24, down=6), True),
    "off its centre, but as high as the frame": (block(24, 9, right=-6), True),
    "empty": (np.zeros((28, 28), np.uint8), False),
}


def test_what_is_taken_as_it_is():
    images = np.stack([image for image, _ in TAKEN_AS_IT_IS.values()])
    same, as_it_is = pass_through(images)
    assert dict(zip(TAKEN_AS_IT_IS, as_it_is.tolist(), strict=True)) == {
        name: taken for name, (_, taken) in TAKEN_AS_IT_IS.items()
    }
    np.testing.assert_array_equal(same, images)


def test_dark_on_light_is_taken_only_where_it_could_not_be_anything_else():
    names = ("high", "wide", "just large enough", "off its centre, but as large as the frame", "empty")
    images = np.stack([TAKEN_AS_IT_IS[name][0] for name in names])
    same, as_it_is = pass_through(255 - images)
    np.testing.assert_array_equal(same, images)
    assert as_it_is.tolist() == [True, True, False, False, False]


def test_the_polarity_of_each_image_is_its_own_unless_it_is_named():
    light, dark = block(19, 5), 255 - block(5, 19)
    images = np.stack([light, dark, light])
    for invert, turned in ((None, [False, True, False]), (True, [True] * 3), (False, [False] * 3)):
        same, as_it_is = pass_through(images, invert=invert)
        expected = [255 - image if turn else image for image, turn in zip(images, turned, strict=True)]
        np.testing.assert_array_equal(same, expected)
        assert as_it_is.tolist() == [turn == own for turn, own in zip(turned, (False, True, False), strict=True)]
    # Half of the rim and no more is no light rim.
    half = np.zeros((28, 28), np.uint8)
    half[:, :14] = 255
    np.testing.assert_array_equal(pass_through(half[None])[0][0], half)
    # Little more than half of it is: two sides and a bit, whichever they are; the next pixels do not count.
    corner = np.zeros((28, 28), np.uint8)
    corner[0] = corner[:, 0] = corner[-1, :4] = 255
    for turns in range(4):
        turned = np.rot90(corner, turns)
        np.testing.assert_array_equal(pass_through(turned[None])[0][0], 255 - turned)
        np.testing.assert_array_equal(pass_through(np.pad(turned, 1)[None])[0][0], np.pad(turned, 1))


def test_images_need_not_be_square():
    for shape in ((20, 30), (30, 20)):
        image = block(13, 13, shape=shape)
        _, as_it_is = pass_through(np.stack([image, block(5, 5, shape=shape)]))
        assert as_it_is.tolist() == [True, False]
        np.testing.assert_array_equal(normalise(image, shape).image, image)
        # Another shape, so it is scaled: the block is cut out and fills the box, 20 of 28 of the shorter side.
        grown = normalise(np.kron(image, np.ones((5, 5), np.uint8)), shape).image
        rows, columns = np.flatnonzero((grown > 128).any(1)), np.flatnonzero((grown > 128).any(0))
        assert grown.shape == shape
        assert (len(rows), len(columns)) == (14, 14)


def placed(ink, shape=(28, 28)):
    image = centre_on_canvas(ink.astype(np.float32), shape)
    assert (image.shape, image.dtype) == (shape, np.uint8)
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    return image, (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)


def test_the_aspect_ratio_is_kept():
    assert placed(np.ones((60, 30)))[1] == (4, 10, 24, 20)
    assert placed(np.ones((30, 60)))[1] == (10, 4, 20, 24)
    assert placed(np.ones((1, 100)))[1] == (14, 4, 15, 24)
    assert placed(np.ones((100, 1)))[1] == (4, 14, 24, 15)
    assert placed(np.ones((1, 1)))[1] == (4, 4, 24, 24)
    # The box is in the shorter side of the image.
    assert placed(np.ones((14, 7)), (28, 42))[1] == (4, 16, 24, 26)
    assert placed(np.ones((7, 14)), (42, 28))[1] == (16, 4, 26, 24)


def test_the_heavier_side_lies_in_the_middle_as_far_as_the_image_goes():
    ink = np.full((20, 20), 0.02)
    ink[3] = ink[:, 16] = 1
    image, box = placed(ink)
    weight = image.astype(float)
    assert weight.sum(1) @ np.arange(28) / weight.sum() == pytest.approx(14, abs=0.5)
    assert weight.sum(0) @ np.arange(28) / weight.sum() == pytest.approx(14, abs=0.5)
    assert box[0] > 4 > box[1]
    for row, column, corner in ((0, 0, (8, 8)), (19, 19, (0, 0)), (0, 19, (8, 0))):
        ink = np.full((20, 20), 0.004)
        ink[row, column] = 1
        ink[abs(row - 1), column] = ink[row, abs(column - 1)] = 1
        assert placed(ink)[1][:2] == corner


def test_strokes_are_brought_to_full_light_by_the_third_brightest_pixel():
    ink = np.full((20, 20), 0.5)
    ink[0, 0] = ink[5, 5] = 1
    assert (placed(ink)[0][4:24, 4:24] == 255).all()
    ink = np.full((20, 20), 0.25)
    ink[:3, 0] = 0.5
    image, (top, left, *_) = placed(ink)
    assert image[top, left] == 255
    assert image[top + 9, left + 9] == 128
    assert not centre_on_canvas(np.zeros((20, 20), np.float32), (28, 28)).any()


def test_strokes_are_cut_out_with_two_pixels_of_their_soft_edge():
    ink = np.full((40, 50), 0.3, np.float32)
    ink[5:35, 20:24] = 1
    ink[5:35, 19] = 0.6
    chosen = ink > 0.9
    # What is chosen, and the edge that is more than half of a stroke; a haze further away is left out.
    expected = np.ones((30, 5), np.float32)
    expected[:, 0] = 0.6
    np.testing.assert_array_equal(_cut(ink, chosen), expected)
    ink[5:35, 17:20] = 0.6
    assert _cut(ink, chosen).shape[1] == 6
    np.testing.assert_array_equal(_cut(ink.T, chosen.T), _cut(ink, chosen).T)


@pytest.mark.parametrize("turn", [np.asarray, np.transpose])
@pytest.mark.parametrize(("drawn", "wanted"), [(4, 0.10), (60, 0.18)])
def test_very_thin_and_thick_strokes_get_the_width_that_is_wanted(drawn, wanted, turn):
    bar = turn(np.pad(np.ones((200, drawn), np.float32), 20))
    cut = _cut(bar, bar > 0)
    assert width_of(cut > 0.5) / 100 == pytest.approx(wanted, abs=0.015)


def test_large_pictures_are_brought_down_to_a_longest_side():
    rng = np.random.default_rng(0)
    for shape, expected in (
        ((800, 300), (400, 150)),
        ((300, 800), (150, 400)),
        ((1, 5000), (1, 400)),
        ((5000, 1), (400, 1)),
    ):
        assert _shrink(rng.random(shape, np.float32), 400).shape == expected
    for shape in ((400, 300), (20, 400), (7, 9)):
        grey = rng.random(shape, np.float32)
        assert _shrink(grey, 400) is grey


def test_resampling_averages_or_is_smooth_and_never_goes_beyond():
    values = np.random.default_rng(0).random((12, 9), np.float32)
    assert _resize(values, (12, 9)) is values
    small = _resize(values, (6, 5))
    np.testing.assert_array_equal(small, Image.fromarray(values).resize((5, 6), Image.Resampling.BILINEAR))
    for shape, size in (((12, 30), (6, 15)), ((30, 12), (15, 6))):
        oblong = np.random.default_rng(1).random(shape, np.float32)
        smaller = Image.fromarray(oblong).resize(size[::-1], Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(_resize(oblong, size), smaller)
    large = _resize(values, (30, 20))
    assert large.dtype == np.float32
    smooth = np.asarray(Image.fromarray(values).resize((20, 30), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(large, smooth.clip(0, values.max()))
    assert (smooth.min() < 0) or (smooth.max() > values.max())


def test_a_bar_that_looks_like_a_sheet_is_a_bar():
    page = np.full((300, 300), 10, np.uint8)
    page[50:250, 95:205] = 240
    assert find_sheet(page.astype(np.float32)) is not None
    result = normalise(page)
    assert result.warnings == ()
    assert result.image[14, 14] == 255
    assert not result.image[:, :4].any()


def test_a_digit_on_a_sheet_is_read_from_the_sheet(mnist):
    digit = np.asarray(Image.fromarray(mnist.test_image[1]).resize((140, 140)), np.float32) / 255
    table = np.full((400, 500), 70, np.float32)
    table[60:330, 100:400] = 230
    table[120:260, 170:310] -= 200 * digit
    pixels = table.astype(np.uint8)
    assert likeness(normalise(pixels).image, mnist.test_image[1]) > 0.9
    assert likeness(normalise(np.repeat(pixels[..., None], 3, 2)).image, mnist.test_image[1]) > 0.9
    # Whoever says what is ink says it of the whole picture.
    assert likeness(normalise(pixels, invert=False).image, mnist.test_image[1]) < 0.7
