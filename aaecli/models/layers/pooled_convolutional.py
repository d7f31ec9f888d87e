"""Stages of convolutions over the edges of an image, and the mean over all places."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aaecli.models.layers.convolutional import convolution
from aaecli.models.layers.edges import CHANNELS, edges


class PooledConvolutionalEncoder(nn.Module):
    """Stages of two 3 × 3 convolutions each; the features are the mean of each channel: what is there and not where.

    As in ``ConvolutionalEncoder``, each 2 × 2 pixels enter as channels of one place.

    Args:
        image_shape: Channels, height and width.
        channels: Channels of each stage.
        sees: ``edges``, ``pixels`` or ``both``.
    """

    def __init__(self, image_shape: tuple[int, int, int], channels: tuple[int, ...], sees: str) -> None:
        super().__init__()
        self.num_features = channels[-1]
        self.sees = sees
        self.padding = (0, image_shape[2] % 2, 0, image_shape[1] % 2)
        layers: list[nn.Module] = []
        num_inputs = 4 * {"pixels": image_shape[0], "edges": CHANNELS, "both": CHANNELS + image_shape[0]}[sees]
        for stage, num_outputs in enumerate(channels):
            layers += [
                *convolution(num_inputs, num_outputs, 2 if stage else 1),
                *convolution(num_outputs, num_outputs, 1),
            ]
            num_inputs = num_outputs
        self.convolutions = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, image: Tensor) -> Tensor:
        """Give the features (B, num_features) of images (B, C, H, W)."""
        folded = F.pixel_unshuffle(F.pad(self._seen(image), self.padding), 2)
        maps: Tensor = self.convolutions(folded.contiguous(memory_format=torch.channels_last))  # (B, F, h, w)
        return maps.mean((2, 3))

    def _seen(self, image: Tensor) -> Tensor:
        if self.sees == "edges":
            return edges(image)
        # Centred, since the zeros of the padding have to mean nothing.
        pixels = image - 0.5
        return pixels if self.sees == "pixels" else torch.cat([edges(image), pixels], 1)
