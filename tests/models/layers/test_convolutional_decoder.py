"""The convolutional decoder: any image size, the same contract as the fully connected one."""

from __future__ import annotations

import pytest
import torch

from aaecli.config.resolve import resolve
from aaecli.models.layers.convolutional_decoder import ConvolutionalDecoder
from aaecli.models.networks import Networks


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 8, 8), (3, 32, 32), (1, 15, 21), (1, 1, 1), (3, 64, 33)])
@pytest.mark.parametrize("channels", [(8,), (8, 6), (8, 6, 4)])
def test_it_draws_images_of_any_size(shape, channels):
    decoder = ConvolutionalDecoder(7, shape, channels).eval()
    assert decoder(torch.rand(3, 7)).shape == (3, *shape)


def test_every_pixel_depends_on_the_code():
    decoder = ConvolutionalDecoder(5, (1, 15, 21), (8, 6)).eval()
    drawn = decoder(torch.stack([torch.zeros(5), torch.ones(5)]))
    assert (drawn[0] != drawn[1]).all()


def test_drawing_while_training_uses_the_running_statistics_and_leaves_them():
    network = {"decoder": "convolutional", "decoder_options": {"channels": [6, 4]}}
    settings = resolve(flags={"network": network}).network
    decoder = Networks("semisupervised", (3, 12, 12), 4, settings).decoder
    decoder(torch.randn(8, 4 + settings.style_dim))  # the statistics are no longer those of the start
    before = {name: value.clone() for name, value in decoder.state_dict().items()}
    latent = torch.randn(5, 4 + settings.style_dim)
    drawn = decoder.decode_with_running_statistics(latent)
    assert all(torch.equal(value, before[name]) for name, value in decoder.state_dict().items())
    assert torch.allclose(drawn, decoder.eval()(latent), atol=1e-6)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
