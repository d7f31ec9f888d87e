"""The convolutional encoder: any image size, the same contract as the fully connected one."""

from __future__ import annotations

import pytest
import torch

from aaecli.config.resolve import resolve
from aaecli.models.layers.convolutional import ConvolutionalEncoder
from aaecli.models.networks import Networks


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 8, 8), (3, 32, 32), (1, 15, 21), (1, 1, 1), (3, 64, 33)])
@pytest.mark.parametrize("channels", [(8,), (8, 12), (4, 6, 8)])
def test_it_reads_images_of_any_size(shape, channels):
    body = ConvolutionalEncoder(shape, channels, 7).eval()
    assert body.features(torch.rand(3, *shape)).shape == (3, 7)


def test_each_stage_after_the_first_halves_the_image():
    body = ConvolutionalEncoder((1, 28, 28), (4, 6, 8), 5)
    assert body.output[0].in_features == 8 * 4 * 4


def test_every_pixel_counts():
    # The last row and column of an odd image lie beside the padding.
    torch.manual_seed(0)
    body = ConvolutionalEncoder((1, 5, 5), (6, 6), 4).eval()
    image = torch.zeros(1, 1, 5, 5, requires_grad=True)
    body.features(image + 0.5).square().sum().backward()
    assert (image.grad != 0).all()


def test_the_encoder_gives_what_the_fully_connected_one_gives():
    settings = resolve(
        flags={"network": {"encoder": "convolutional", "encoder_options": {"channels": [4, 6], "features": 9}}}
    ).network
    encoder = Networks("semisupervised", (1, 28, 28), 10, settings).encoder.eval()
    encoding = encoder(torch.rand(5, 1, 28, 28))
    assert encoding.label_logits.shape == (5, 10)
    assert encoding.style.shape == (5, settings.style_dim)
