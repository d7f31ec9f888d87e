"""Flags on lone straight strokes: which images get one, and what it looks like."""

from __future__ import annotations

import math

import pytest
import torch

from aaecli.config.augmentation import Augmentation
from aaecli.config.registries import AUGMENTATIONS
from aaecli.training.added_strokes import add_flags, centred, draw_line, find_stroke


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def stem(lean=0.0, radius=1.2, size=(28, 28), length=18.0, num=1):
    """Draw a stroke that leans to the right by so many degrees."""
    middle = torch.tensor([(size[1] - 1) / 2, (size[0] - 1) / 2])
    way = torch.tensor([math.sin(math.radians(lean)), -math.cos(math.radians(lean))]) * length / 2
    blank = torch.zeros(num, *size)
    ends = ((middle + sign * way).expand(num, 2) for sign in (1, -1))
    return draw_line(blank, *ends, torch.full((num,), radius))[:, None]


@pytest.mark.parametrize("lean", [-30, -10, 0, 20, 40])
@pytest.mark.parametrize("radius", [0.8, 1.2, 2.0])
def test_a_stroke_is_found_where_it_is(lean, radius):
    found = find_stroke(stem(lean, radius)[:, 0])
    assert bool(found.is_straight)
    way = torch.tensor([math.sin(math.radians(lean)), -math.cos(math.radians(lean))]) * 9
    assert torch.dist(found.top[0], 13.5 + way) < 1.5
    assert torch.dist(found.bottom[0], 13.5 - way) < 1.5
    assert abs(float(found.radius) - radius) < 0.6


def test_what_is_no_upright_stroke_stays(mnist):
    lying = stem(70)
    cross = torch.maximum(stem(45), stem(-45))
    dot, blank = stem(length=3.0), torch.zeros(1, 1, 28, 28)
    others = torch.cat([lying, cross, dot, blank])
    assert torch.equal(add_flags(others, 1.0), others)
    image = torch.from_numpy(mnist.train_image[:4000].copy())[:, None] / 255
    label = torch.from_numpy(mnist.train_label[:4000].copy())
    is_straight = find_stroke(image[:, 0]).is_straight
    assert is_straight[label == 1].float().mean() > 0.9
    assert is_straight[label != 1].float().mean() < 0.003


@pytest.mark.parametrize("lean", [-20, 0, 15, 35])
def test_a_flag_falls_to_the_left_of_the_top(lean):
    image = stem(lean, num=400)
    # No more than a quarter of a batch gets one.
    drawn = add_flags(torch.cat([image, torch.zeros(1200, 1, 28, 28)]), 1.0)[:400]
    added = [(new - old).clamp_min(0) for new, old in zip(centred(drawn[:, 0]), centred(image[:, 0]), strict=True)]
    assert all(float(ink.sum()) > 3 for ink in added)
    # Above the lower third of the image, where there are no feet, what is new lies to the left of the stem.
    down, across = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    stem_x = 13.5 - (down - 13.5) * math.tan(math.radians(lean))
    ink = drawn[:, 0] * (down < 18)
    to_left = (ink * (across < stem_x - 1)).sum()
    assert to_left > 2 * (ink * (across > stem_x + 5)).sum()


def test_a_fraction_gets_a_flag_and_a_quarter_of_these_a_foot():
    image = torch.cat([stem(num=500), torch.zeros(1500, 1, 28, 28)])
    changed = (add_flags(image, 0.5) != image).flatten(1).any(1)
    assert 0.4 < changed[:500].float().mean() < 0.6
    assert not changed[500:].any()
    assert torch.equal(add_flags(image, 0.0), image)
    low = add_flags(image, 1.0)[:500, 0, 20:]
    widths = (low > 0.5).any(1).sum(1)
    assert 0.15 < (widths > 6).float().mean() < 0.4


@pytest.mark.parametrize(("channels", "size"), [(1, (28, 28)), (3, (32, 32)), (1, (20, 36))])
def test_shapes_and_range_stay_and_the_mass_is_in_the_middle(channels, size):
    image = stem(size=size, length=size[0] * 0.7, num=12).expand(-1, channels, -1, -1)
    drawn = add_flags(image, 1.0)
    assert drawn.shape == image.shape
    assert 0 <= float(drawn.min()) <= float(drawn.max()) <= 1
    changed = drawn[(drawn != image).flatten(1).any(1)].mean(1)
    assert len(changed) == 3
    mass = changed.sum((1, 2))
    for side, length in ((1, size[0]), (2, size[1])):
        place = torch.arange(length).view(*(length if axis == side else 1 for axis in range(3)))
        assert (((changed * place).sum((1, 2)) / mass) - (length - 1) / 2).abs().max() <= 0.51


def test_it_runs_without_values():
    assert add_flags(torch.empty(8, 1, 28, 28, device="meta"), 0.5).shape == (8, 1, 28, 28)


def test_the_set_for_digits_has_flags():
    augmentation = Augmentation.of_set("digits")
    assert augmentation.acting[0] == "flags"
    assert next(iter(AUGMENTATIONS)) == "flags"
