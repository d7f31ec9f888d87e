"""Transposed convolutions from a latent code to an image."""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn


class ConvolutionalDecoder(nn.Module):
    """A coarse map from a fully connected layer, doubled by a transposed convolution in every further stage.

    The last layer gives each 2 × 2 pixels as channels of one place, as the convolutional encoders read them. Each layer
    but the last is followed by batch normalisation and ReLU.

    Args:
        num_inputs: Dimensions of the code, label and style together.
        image_shape: Channels, height and width.
        channels: Channels of each stage, the coarsest first.
    """

    def __init__(self, num_inputs: int, image_shape: tuple[int, int, int], channels: tuple[int, ...]) -> None:
        super().__init__()
        self.image_shape = image_shape
        factor = 2 ** len(channels)
        height, width = (math.ceil(size / factor) for size in image_shape[1:])
        num_coarse = channels[0] * height * width
        layers: list[nn.Module] = [
            nn.Linear(num_inputs, num_coarse, bias=False),
            nn.BatchNorm1d(num_coarse),
            nn.ReLU(),
            nn.Unflatten(1, (channels[0], height, width)),
        ]
        for before, after in pairwise(channels):
            layers += [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], 4 * image_shape[0], 3, 1, 1), nn.PixelShuffle(2))

    def forward(self, latent: Tensor) -> Tensor:
        """Give pixels (B, C, H, W), before the sigmoid, of codes (B, K + Z)."""
        drawn: Tensor = self.layers(latent)
        # Doubling leads beyond heights and widths that are no multiple.
        return drawn[..., : self.image_shape[1], : self.image_shape[2]]
