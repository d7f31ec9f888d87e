"""Stages of convolutions over an image."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvolutionalEncoder(nn.Module):
    """Stages of two 3 × 3 convolutions each, then one fully connected layer over what is left of the image.

    The image enters folded, each 2 × 2 pixels as channels of one place, and every later stage halves height and
    width by a stride of 2: a processor spends most of a small network's time on the full-size first layer, which
    learns little. Each convolution is followed by batch normalisation and ReLU.

    Args:
        image_shape: Channels, height and width.
        channels: Channels of each stage.
        num_features: Width of the last layer.
    """

    def __init__(self, image_shape: tuple[int, int, int], channels: tuple[int, ...], num_features: int) -> None:
        super().__init__()
        self.num_features = num_features
        height, width = (math.ceil(size / 2) for size in image_shape[1:])
        self.padding = (0, 2 * width - image_shape[2], 0, 2 * height - image_shape[1])
        layers: list[nn.Module] = []
        num_inputs = 4 * image_shape[0]
        for stage, num_outputs in enumerate(channels):
            stride = 2 if stage else 1
            height, width = math.ceil(height / stride), math.ceil(width / stride)
            layers += [*convolution(num_inputs, num_outputs, stride), *convolution(num_outputs, num_outputs, 1)]
            num_inputs = num_outputs
        self.convolutions = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.output = nn.Sequential(
            nn.Linear(num_inputs * height * width, num_features, bias=False),
            nn.BatchNorm1d(num_features),
            nn.ReLU(),
        )

    def features(self, image: Tensor) -> Tensor:
        """Give the features (B, num_features) of images (B, C, H, W)."""
        folded = F.pixel_unshuffle(F.pad(image, self.padding), 2)  # (B, 4 C, H / 2, W / 2)
        # Channels last is the order in which processors and tensor cores convolve, up to 1.6 times as fast.
        maps = self.convolutions(folded.contiguous(memory_format=torch.channels_last))  # (B, channels[-1], h, w)
        features: Tensor = self.output(maps.flatten(1))
        return features


def convolution(num_inputs: int, num_outputs: int, stride: int) -> tuple[nn.Module, ...]:
    """Make a 3 × 3 convolution with batch normalisation and ReLU."""
    return nn.Conv2d(num_inputs, num_outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(num_outputs), nn.ReLU()
