"""Edges: the same for light on dark and dark on light, in whatever colours."""

from __future__ import annotations

import math

import pytest
import torch

from aaecli.models.layers.edges import edges


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_light_on_dark_and_dark_on_light_are_alike():
    image = torch.rand(2, 3, 16, 16)
    assert torch.allclose(edges(1 - image), edges(image), atol=1e-5)


def test_the_order_of_the_colours_says_nothing():
    image = torch.rand(2, 3, 16, 16)
    assert torch.allclose(edges(image[:, [2, 0, 1]]), edges(image), atol=1e-5)


def test_a_plain_image_has_no_edges():
    assert edges(torch.full((1, 3, 12, 12), 0.6))[:, :2].abs().max() == 0
    assert edges(torch.full((1, 3, 12, 12), 0.6)).max() < 0.1


@pytest.mark.parametrize("degrees", [0, 30, 90, 135])
def test_the_direction_is_twice_the_angle_of_the_gradient(degrees):
    down, across = torch.meshgrid(torch.arange(15.0), torch.arange(15.0), indexing="ij")
    angle = math.radians(degrees)
    ramp = 0.5 + 0.02 * (math.cos(angle) * (across - 7) + math.sin(angle) * (down - 7))
    cosine, sine, strength = edges(ramp[None, None])[0, :, 7, 7].tolist()
    assert cosine / strength == pytest.approx(math.cos(2 * angle), abs=0.1)
    assert sine / strength == pytest.approx(math.sin(2 * angle), abs=0.1)


def test_a_faint_picture_has_nearly_the_edges_of_a_strong_one():
    image = torch.rand(1, 1, 20, 20)
    strong, faint = edges(image), edges(0.5 + (image - 0.5) * 0.4)
    assert (strong - faint).abs().mean() < 0.2 * strong.abs().mean()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 5), (3, 8, 8), (1, 15, 21)])
def test_images_of_any_size_have_edges(shape):
    assert edges(torch.rand(2, *shape)).shape == (2, 3, *shape[1:])
