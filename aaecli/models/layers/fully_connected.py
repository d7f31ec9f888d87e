"""Fully connected layers: the article's encoder and decoder, and what every discriminator is of."""

from __future__ import annotations

import math
from typing import cast

from torch import Tensor, nn


def hidden_layers(num_inputs: int, widths: tuple[int, ...], *, batch_norm: bool, dropout: float) -> nn.Sequential:
    """Give hidden layers: each of one width, with ReLU."""
    layers: list[nn.Module] = []
    for width in widths:
        layers.append(nn.Linear(num_inputs, width, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm1d(width))
        layers.append(nn.ReLU())
        if dropout:
            layers.append(nn.Dropout(dropout))
        num_inputs = width
    return nn.Sequential(*layers)


class FullyConnectedEncoder(nn.Module):
    """Hidden layers over all pixels of an image.

    Args:
        image_shape: Channels, height and width.
        widths: Widths of the hidden layers.
        batch_norm: Batch normalisation after each.
        dropout: Probability that a unit is dropped while training.
    """

    def __init__(
        self, image_shape: tuple[int, int, int], widths: tuple[int, ...], *, batch_norm: bool, dropout: float
    ) -> None:
        super().__init__()
        self.num_features = widths[-1]
        self.layers = hidden_layers(math.prod(image_shape), widths, batch_norm=batch_norm, dropout=dropout)

    def features(self, image: Tensor) -> Tensor:
        """Give the features (B, num_features) of images (B, C, H, W)."""
        return cast(Tensor, self.layers(image.flatten(1)))


class FullyConnectedDecoder(nn.Module):
    """Hidden layers over a latent code, and one unit a pixel.

    Args:
        num_inputs: Dimensions of the code, label and style together.
        image_shape: Channels, height and width.
        widths: Widths of the hidden layers.
        batch_norm: Batch normalisation after each.
    """

    def __init__(
        self, num_inputs: int, image_shape: tuple[int, int, int], widths: tuple[int, ...], *, batch_norm: bool
    ) -> None:
        super().__init__()
        self.image_shape = image_shape
        self.layers = hidden_layers(num_inputs, widths, batch_norm=batch_norm, dropout=0.0)
        self.output = nn.Linear(widths[-1], math.prod(image_shape))

    def forward(self, latent: Tensor) -> Tensor:
        """Give pixels (B, C, H, W), before the sigmoid, of codes (B, K + Z)."""
        pixels: Tensor = self.output(self.layers(latent))  # (B, C * H * W)
        return pixels.view(-1, *self.image_shape)
