"""What labelled images say of mirrors and of other colours."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.data.inspection.class_invariance import class_invariance

PER_CLASS = 20


def scene(rng, label, *, shape, hue=None, side=16):
    """Draw a thing on a ground of any colour: ``shape`` gives its mask; ``hue`` its colour, any where it is None."""
    image = np.empty((len(label), side, side, 3))
    for number, kind in enumerate(label):
        mask = np.roll(shape(kind, side), rng.integers(-2, 3, 2), (0, 1))[..., None]
        ink = rng.uniform(0, 255, 3) if hue is None else hue(kind, rng)
        image[number] = np.where(mask, ink, rng.uniform(0, 255, 3))
    return (image + rng.normal(0, 4, image.shape)).clip(0, 255).astype(np.uint8)


def arrow(kind, side):
    """An arrow to the left, right, top or bottom."""
    down, across = np.mgrid[:side, :side]
    middle = side // 2
    shaft = (abs(down - middle) <= 1) & (across > 2) & (across < side - 3)
    head = (across < middle) & (abs(down - middle) <= across - 2)
    return np.rot90(shaft | head, kind)


def blob(kind, side):
    down, across = np.mgrid[:side, :side] - side / 2
    return down**2 + across**2 < (side / 3) ** 2


def letter(kind, side):
    """Three things that a mirror leaves as they are: a bar, a T, a U."""
    down, across = np.mgrid[:side, :side]
    bar = (abs(across - side // 2) <= 1) & (down > 2) & (down < side - 3)
    top = (abs(down - 4) <= 1) & (across > 2) & (across < side - 3)
    return (bar, bar | top, top[::-1] | ((down > 2) & (abs(abs(across - side / 2) - 4) <= 1)))[kind]


def labels(num_classes):
    return np.repeat(np.arange(num_classes), PER_CLASS)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("turning", ["mirroring", "upturning"])
def test_arrows_are_others_in_a_mirror(seed, turning):
    label = labels(4)
    image = scene(np.random.default_rng(seed), label, shape=arrow)
    assert getattr(class_invariance(image, label), turning) < 0.1
    assert getattr(class_invariance(image[..., 0], label), turning) < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_what_goes_both_ways_stays_in_its_class(seed):
    label = labels(2)
    rng = np.random.default_rng(seed)
    image = scene(rng, label, shape=lambda kind, side: arrow(2 * rng.integers(2) + kind, side))
    assert class_invariance(image, label).mirroring > 0.25
    assert class_invariance(image, label).upturning > 0.25


@pytest.mark.parametrize("seed", range(5))
def test_lamps_that_differ_in_colour_alone_are_others_in_other_colours(seed):
    label = labels(3)
    image = scene(np.random.default_rng(seed), label, shape=blob, hue=lambda kind, rng: 220 * np.eye(3)[kind] + 20)
    assert class_invariance(image, label).recolouring < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_light_and_dark_cells_are_others_in_the_negative(seed):
    label = labels(2)
    image = scene(np.random.default_rng(seed), label, shape=blob, hue=lambda kind, rng: 230 - 200 * kind)[..., 0]
    assert class_invariance(image, label).recolouring < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_shapes_of_any_colour_stay_what_they_are(seed):
    label = labels(3)
    image = scene(np.random.default_rng(seed), label, shape=letter)
    assert class_invariance(image, label).recolouring > 0.1
    assert class_invariance(image[..., 0], label).recolouring > 0.1
    assert class_invariance(image, label).mirroring > 0.25


@pytest.mark.parametrize("num", [0, 1, 2])
def test_too_few_labels_say_nothing(num):
    image = np.random.default_rng(0).integers(0, 256, (num, 8, 8, 3), np.uint8)
    label = np.arange(num)
    assert class_invariance(image, label).recolouring == 1
    assert class_invariance(image, label).mirroring == 1


def test_plain_images_and_many_labels_are_no_trouble():
    label = np.arange(3000) % 300
    assert class_invariance(np.zeros((3000, 8, 8, 3), np.uint8), label).recolouring == 1
