"""Changes of colour and ground: each image its own, within [0, 1], and no more than is asked for."""

from __future__ import annotations

import pytest
import torch

from aaecli.config.augmentation import Augmentation
from aaecli.config.registries import AUGMENTATIONS
from aaecli.training.colour_augmentation import (
    invert,
    mix_channels,
    permute_channels,
    random_erasing,
    replace_ground,
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_everything_at_once_stays_within_the_range():
    table = {"channel_mixing": 1.5, "channel_permutation": True, "inversion": 0.5, "ground": 0.5, "random_erasing": 4}
    settings = Augmentation.from_table(table)
    assert settings.acting == ["ground", "colours", "random_erasing"]
    image = changed = torch.rand(50, 3, 12, 10)
    for name in settings.acting:
        changed = AUGMENTATIONS[name](changed, settings.bounds[name])
    assert changed.shape == image.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert not torch.allclose(changed, image)


def test_mixed_channels_are_weighted_means():
    image = torch.rand(40, 3, 4, 4)
    mixed = mix_channels(image, 1.5)
    assert (mixed <= image.amax(1, keepdim=True) + 1e-6).all()
    assert (mixed >= image.amin(1, keepdim=True) - 1e-6).all()
    grey = torch.rand(4, 1, 4, 4).expand(-1, 3, -1, -1)
    assert torch.allclose(mix_channels(grey, 1.5), grey, atol=1e-6)


def test_mixing_keeps_most_of_a_channel_without_noise():
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)
    assert mix_channels(red, 0.0).flatten().tolist() == pytest.approx([0.91, 0.045, 0.045], abs=0.01)


def test_permuted_channels_are_the_same_ones_in_every_order():
    image = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1).expand(200, -1, 2, 2)
    permuted = permute_channels(image)
    assert torch.equal(permuted.sort(1).values, image)
    assert len({tuple(one.tolist()) for one in permuted[:, :, 0, 0]}) == 6


def test_a_fraction_is_inverted():
    image = torch.full((1000, 1, 2, 2), 0.25)
    inverted = invert(image, 0.3)
    assert 0.2 < (inverted == 0.75).all((1, 2, 3)).float().mean() < 0.4
    assert ((inverted == 0.75) | (inverted == 0.25)).all()


def test_the_ground_is_replaced_and_the_thing_stays():
    image = torch.rand(30, 3, 1, 1).expand(-1, -1, 16, 16).clone() * 0.4
    image[:, :, 5:11, 5:11] = 1.0
    changed = replace_ground(image, 1.0)
    assert (changed[:, :, 5:11, 5:11] == 1.0).all()
    assert torch.allclose(changed[:, :, 0, 0], image.roll(1, 0)[:, :, 0, 0], atol=1e-6)
    assert torch.equal(replace_ground(image, 0.0), image)


@pytest.mark.parametrize("shape", [(2, 1, 8, 8), (2, 3, 9, 13), (2, 1, 1, 1)])
def test_the_ground_of_images_of_any_size_is_replaced(shape):
    assert replace_ground(torch.rand(shape), 1.0).shape == shape


def test_a_rectangle_of_one_colour_is_hidden():
    image = torch.zeros(300, 3, 20, 20)
    hidden = (random_erasing(image, 8) > 0).all(1)
    rows, columns = hidden.any(2).sum(1), hidden.any(1).sum(1)
    assert rows.max() == 8
    assert columns.max() == 8
    assert len(torch.unique(rows)) > 3
