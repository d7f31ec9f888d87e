"""Any picture of a digit becomes what MNIST would have made of it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from aaecli.data.normalise import BLANK, normalise, pass_through, place
from aaecli.data.pictures import decode
from aaecli.data.sheet import find_sheet
from aaecli.data.strokes import SEVERAL, label, width_of
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
    back = [likeness(normalise(decode(redraw(digit, rng), "x")).image, digit) for digit in mnist.test_image[100:112]]
    assert np.mean(np.array(back) > 0.8) >= 0.9
    assert np.median(back) > 0.93


@pytest.mark.parametrize("shape", [(28, 28), (32, 32), (20, 24)])
def test_result_has_the_models_shape(mnist, shape):
    pixels = decode(dark_on_white(mnist.test_image[0], np.random.default_rng(0)), "x")
    image = normalise(pixels, shape).image
    assert image.shape == shape
    assert image.dtype == np.uint8
    assert image.max() == 255


def test_centre_of_mass_and_box_are_mnists():
    ink = np.zeros((200, 100), np.float32)
    ink[:, 40:60] = 1
    ink[150:, :] = 1
    image = place(ink, (28, 28)).astype(float)
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


@pytest.mark.parametrize("grey", [0, 7, 128, 255])
def test_blank_picture_is_called_blank(grey):
    result = normalise(np.full((90, 120), grey, np.uint8))
    assert result.oddities == (BLANK,)
    assert not result.image.any()


def test_paper_grain_alone_is_blank():
    rng = np.random.default_rng(0)
    assert normalise(np.clip(rng.normal(220, 6, (300, 300)), 0, 255).astype(np.uint8)).oddities == (BLANK,)


def test_two_digits_far_apart_are_odd(mnist):
    digit = 255 - np.asarray(Image.fromarray(mnist.test_image[0]).resize((140, 140)))
    page = np.full((200, 900), 255, np.uint8)
    page[30:170, 40:180] = digit
    page[30:170, 700:840] = digit
    assert normalise(page).oddities == (SEVERAL,)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (3, 2000)])
def test_tiny_and_narrow_pictures_do_not_fail(shape):
    rng = np.random.default_rng(0)
    assert normalise(rng.integers(0, 256, shape).astype(np.uint8)).image.shape == (28, 28)
    assert normalise(rng.integers(0, 256, (*shape, 3)).astype(np.uint8)).image.shape == (28, 28)


def test_invert_decides_the_polarity(mnist):
    rng = np.random.default_rng(3)
    ink = enlarged(mnist.test_image[0], rng)
    dark = decode(encode(255 * (1 - ink)), "x")
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
        assert sheet is None or BLANK in normalise(sheet.astype(np.uint8)).oddities
