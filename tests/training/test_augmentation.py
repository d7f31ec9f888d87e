"""Warps: bounded, smooth, each image its own."""

from __future__ import annotations

import math

import pytest
import torch

from aaecli.config.augmentation import Augmentation
from aaecli.training.augmentation import brightness_and_contrast, cutout, stroke_width, warp


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def centre(image):
    """Centre of mass (row, column) of each image, in pixels."""
    mass = image.sum((1, 2, 3))
    rows = torch.arange(image.shape[2]).view(1, 1, -1, 1)
    columns = torch.arange(image.shape[3]).view(1, 1, 1, -1)
    return torch.stack([(image * rows).sum((1, 2, 3)) / mass, (image * columns).sum((1, 2, 3)) / mass], 1)


def block(num=200, size=(28, 28)):
    image = torch.zeros(num, 1, *size)
    image[:, :, size[0] // 2 - 4 : size[0] // 2 + 4, size[1] // 2 - 4 : size[1] // 2 + 4] = 1
    return image


def test_nothing_asked_is_nothing_done():
    image = torch.rand(5, 1, 28, 28)
    assert torch.allclose(warp(image), image, atol=1e-5)
    assert torch.equal(cutout(image, 0), image)
    assert torch.equal(stroke_width(image, 0.0), image)


@pytest.mark.parametrize("size", [(28, 28), (20, 40)])
def test_a_shift_moves_the_centre_by_at_most_its_bound_in_both_directions(size):
    image = block(size=size)
    distance = centre(warp(image, shift=3)) - centre(image)
    assert distance.abs().max() <= 3.01
    for axis in (0, 1):
        assert distance[:, axis].max() > 2
        assert distance[:, axis].min() < -2


def test_scale_changes_the_mass_within_its_bound():
    mass = warp(block(), scale=0.2).sum((1, 2, 3)) / 64
    assert mass.min() >= torch.tensor(-0.4).exp() - 0.05
    assert mass.max() <= torch.tensor(0.4).exp() + 0.05
    assert mass.std() > 0.05


def test_rotation_keeps_centre_and_mass():
    image = block()
    turned = warp(image, rotation=30)
    assert (centre(turned) - centre(image)).abs().max() < 0.05
    assert ((turned.sum((1, 2, 3)) - 64).abs() < 3).all()
    assert (turned - image).abs().amax((1, 2, 3)).max() > 0.3


@pytest.mark.parametrize("size", [(28, 28), (20, 40), (44, 16)])
def test_what_is_turned_keeps_its_form_in_oblong_images_too(size):
    rows, columns = (torch.arange(side) - (side - 1) / 2 for side in size)
    image = ((rows[:, None] ** 2 + columns**2) < 36).float().expand(200, 1, *size)  # a disc
    turned = warp(image, rotation=80)
    assert (turned - image).abs().amax((1, 2, 3)).max() < 0.9
    mass = turned.sum((1, 2, 3))
    height = (turned * rows[:, None] ** 2).sum((1, 2, 3)) / mass
    width = (turned * columns**2).sum((1, 2, 3)) / mass
    tilt = (turned * rows[:, None] * columns).sum((1, 2, 3)) / mass
    assert (height / width - 1).abs().max() < 0.1
    assert (tilt / height).abs().max() < 0.1


@pytest.mark.parametrize("size", [(28, 28), (20, 40)])
def test_a_shear_leans_by_its_angle_in_pixels(size):
    image = torch.zeros(300, 1, *size)
    image[..., 4:-4, size[1] // 2] = 1  # an upright line
    leaning = warp(image, shear=0.5)
    columns = torch.arange(size[1])
    place = (leaning * columns).sum(3)[:, 0] / leaning.sum(3)[:, 0]  # (B, H), where the line is in each row
    lean = (place[:, -6] - place[:, 5]) / (size[0] - 11)
    assert 0.4 < lean.abs().max() <= 0.51


def test_the_elastic_field_bends_smoothly_by_about_its_deviation():
    ramp = (torch.arange(28.0) / 28).expand(400, 1, 28, 28)
    moved = (warp(ramp, elastic=1.0) - ramp)[:, :, 6:22, 6:22] * 28
    assert 0.5 < moved.std() < 1.2
    assert (moved[..., 1:] - moved[..., :-1]).abs().mean() < 0.3


@pytest.mark.parametrize("axis", [0, 1])
def test_the_elastic_field_bends_oblong_images_as_far_in_either_direction(axis):
    size = (20, 60)
    ramp = (torch.arange(size[axis]) / size[axis]).expand(size[::-1] if axis == 0 else size)
    ramp = (ramp.T if axis == 0 else ramp).expand(200, 1, *size)
    moved = (warp(ramp, elastic=1.0) - ramp)[:, :, 5:-5, 5:-5] * size[axis]
    assert 0.5 < moved.std() < 1.2


def test_each_image_is_warped_by_amounts_of_its_own():
    warped = warp(block(3), rotation=10, scale=0.1, shear=0.1, shift=2, elastic=1)
    assert not torch.allclose(warped[0], warped[1])
    assert not torch.allclose(warped[1], warped[2])


def test_strokes_get_up_to_a_pixel_thicker_or_thinner_on_each_side():
    image = block()  # eight pixels wide
    seen = stroke_width(image, 1.0)
    width = seen.sum((1, 2, 3)).sqrt()
    assert 6 <= width.min() < 6.2
    assert 9.8 < width.max() <= 10
    assert 80 < int((width > 8).sum()) < 120
    assert (centre(seen) - centre(image)).abs().max() < 1e-4


def test_half_of_it_leaves_half_of_each_pixel_that_is_lost_and_adds_half_of_those_beside():
    image = block(500)
    seen = stroke_width(image, 0.5)
    inside, beside = seen[image > 0].view(500, -1), seen[image == 0].view(500, -1)
    assert (inside.amin(), inside.amax()) == (pytest.approx(0.5, abs=0.01), 1)
    assert (beside.amin(), beside.amax()) == (0, pytest.approx(0.5, abs=0.01))
    # Each image one of the two.
    assert ((inside.amin(1) == 1) | (beside.amax(1) == 0)).all()


@pytest.mark.parametrize("side", [1, 4, 7])
def test_cutout_blanks_one_square(side):
    holes = cutout(torch.ones(300, 1, 28, 28), side) == 0
    assert holes.sum((1, 2, 3)).max() == side * side
    assert holes.any(2).sum((1, 2)).max() == side
    # The squares reach every pixel.
    assert holes.any(0).float().mean() > 0.2


def test_every_other_image_is_mirrored():
    torch.manual_seed(0)
    image = torch.zeros(400, 3, 12, 12)
    image[..., :3] = 1
    seen = warp(image, horizontal_flip=True)
    mirrored = seen[:, 0, 6, -1] > 0.9
    assert 150 < int(mirrored.sum()) < 250
    torch.testing.assert_close(seen[mirrored], image[mirrored].flip(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(seen[~mirrored], image[~mirrored], atol=1e-5, rtol=0)


def test_light_changes_brightness_and_contrast_within_bounds():
    torch.manual_seed(0)
    ramp = torch.linspace(0.2, 0.6, 16).view(1, 1, 4, 4).expand(500, 3, 4, 4)
    brighter = brightness_and_contrast(ramp, 0.3, 0.0).mean((1, 2, 3)) / 0.4
    assert brighter.min() < 0.8
    assert 1.25 < brighter.max() < math.exp(0.3) + 1e-5
    contrast = brightness_and_contrast(ramp, 0.0, 0.3)
    torch.testing.assert_close(contrast.mean((1, 2, 3)), torch.full((500,), 0.4))
    spread = contrast.std((1, 2, 3)) / ramp[0].std()
    assert spread.min() < 0.8
    assert spread.max() > 1.25
    assert brightness_and_contrast(ramp, 3.0, 0.0).max() <= 1


def test_the_strokes_augmentation_is_the_default_presets():
    from aaecli.config.resolve import resolve

    assert Augmentation.of_set("strokes") == resolve().augmentation


def test_a_vertical_flip_turns_about_half_of_the_images_upside_down():
    image = torch.zeros(400, 1, 6, 6)
    image[:, :, :2] = 1
    upper = warp(image, vertical_flip=True)[:, 0, 0, 0]
    assert 0.4 < upper.mean() < 0.6


def test_what_comes_in_from_outside_is_a_reflection_or_black():
    image = torch.full((50, 1, 8, 8), 0.7)
    assert torch.allclose(warp(image, shift=4, reflection_padding=True), image, atol=1e-5)
    assert warp(image, shift=4).min() == 0
