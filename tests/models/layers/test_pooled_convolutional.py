"""The encoder for pictures: any image size and colour, and features that say what is there and not where."""

from __future__ import annotations

import pytest
import torch

from aaecli.models.layers.pooled_convolutional import PooledConvolutionalEncoder


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 5), (3, 8, 8), (1, 15, 21), (3, 64, 33)])
@pytest.mark.parametrize(("sees", "planes"), [("edges", (3, 3)), ("pixels", (1, 3)), ("both", (4, 6))])
def test_images_of_any_size_and_colour_are_encoded(shape, sees, planes):
    encoder = PooledConvolutionalEncoder(shape, (4, 6), sees).eval()
    assert encoder.num_features == 6
    assert encoder.features(torch.rand(3, *shape)).shape == (3, 6)
    assert encoder.convolutions[0].in_channels == 4 * planes[shape[0] == 3]


def test_what_sees_edges_answers_alike_for_other_colours():
    torch.manual_seed(0)
    encoder, image = PooledConvolutionalEncoder((3, 16, 16), (4, 6), "edges").eval(), torch.rand(2, 3, 16, 16)
    for changed in (1 - image, image[:, [1, 2, 0]]):
        assert torch.allclose(encoder.features(changed), encoder.features(image), atol=1e-4)


def test_where_a_thing_is_changes_little():
    torch.manual_seed(0)
    encoder = PooledConvolutionalEncoder((1, 32, 32), (4, 6), "pixels").eval()
    image = torch.full((1, 1, 32, 32), 0.5)
    image[:, :, 8:14, 8:14] = torch.rand(6, 6)
    moved = encoder.features(image.roll((8, 8), (2, 3)))
    assert torch.allclose(moved, encoder.features(image), atol=1e-5)
