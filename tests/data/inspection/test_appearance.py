"""How images look: grounds, blackness, and which of their mirror images look at home."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.data.inspection import appearance as inspection
from aaecli.data.inspection.appearance import appearance


def strokes(rng, num=300, *, both_ways=False):
    """Draw strokes from the upper left to the lower right; half of them the other way, where told."""
    down, across = np.mgrid[:16, :16]
    offset = rng.uniform(-3, 3, (num, 1, 1))
    slope = rng.uniform(0.6, 0.8, (num, 1, 1))
    image = np.exp(-np.abs(down - 8 - slope * (across - 8) - offset))
    if both_ways:
        image[::2] = image[::2, :, ::-1]
    return (image * 255).astype(np.uint8)


def unlabelled(image):
    return np.full(len(image), -1)


def test_strokes_on_black_are_told_from_things_on_any_ground():
    rng = np.random.default_rng(0)
    dark = strokes(rng)
    ground = rng.uniform(0, 255, (len(dark), 1, 1, 3))
    coloured = np.where(dark[..., None] > 100, 255 - ground, ground).astype(np.uint8)
    seen = appearance(dark, unlabelled(dark))
    assert seen.black > 0.5
    assert not seen.in_colour
    assert not seen.on_any_ground
    seen = appearance(coloured, unlabelled(coloured))
    assert seen.in_colour
    assert seen.on_any_ground
    assert seen.size == 16


def test_a_ground_that_tells_the_class_is_found():
    rng = np.random.default_rng(0)
    label = np.arange(100) % 2
    image = np.broadcast_to(np.where(label, 230, 20)[:, None, None] + rng.integers(0, 9, (100, 8, 8)), (100, 8, 8))
    seen = appearance(image.astype(np.uint8), label)
    assert seen.ground_says_class == pytest.approx(0.5)
    assert not seen.on_any_ground


def test_mirror_images_are_at_home_where_pictures_go_both_ways():
    rng = np.random.default_rng(0)
    one, both = strokes(rng), strokes(rng, both_ways=True)
    assert appearance(one, unlabelled(one)).mirrored < 0.2
    assert appearance(both, unlabelled(both)).mirrored == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("num", [1, 2, 5])
def test_a_few_images_are_measured_too(num):
    image = np.random.default_rng(0).integers(0, 256, (num, 8, 8), np.uint8)
    seen = appearance(image, np.zeros(num, np.int64))
    assert 0 <= seen.mirrored <= 1
    assert 0 < seen.recolouring_p_value <= 1
    assert appearance(image, unlabelled(image)).mirroring_p_value == 1


def test_what_is_measured_is_a_draw_and_not_what_comes_first(monkeypatch):
    monkeypatch.setattr(inspection, "_SAMPLE", 60)
    rng = np.random.default_rng(0)
    image = rng.integers(100, 256, (200, 8, 8), np.uint8)
    image[100:] = 0
    label = np.full(200, -1)
    assert 0.3 < appearance(image, label).black < 0.7
    # Of those with a label, the first half has one ground, and the other half two that tell the class.
    label = np.arange(200) % 2
    image[:100], image[100:] = 120, np.where(label[100:], 230, 20)[:, None, None]
    image = (image + rng.integers(0, 9, image.shape)).astype(np.uint8)
    assert appearance(image, label).ground_says_class > 0.15
