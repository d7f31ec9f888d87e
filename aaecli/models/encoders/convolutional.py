"""An encoder of convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.config.network import require_widths
from aaecli.config.parsing import require
from aaecli.config.registries import ENCODERS

if TYPE_CHECKING:
    from aaecli.models.layers.convolutional import ConvolutionalEncoder


@dataclass(frozen=True)
class ConvolutionalEncoderOptions:
    """Shape of the convolutional encoder.

    Attributes:
        channels: Channels of each stage of two 3 × 3 convolutions; each stage after the first halves the image.
        features: Width of the last layer.
    """

    channels: tuple[int, ...] = (32, 64)
    features: int = 256

    def __post_init__(self) -> None:
        require_widths("channels", self.channels)
        require(1 <= self.features <= 2**16, "features", "at least 1 and at most 65536", self.features)


@ENCODERS.register("convolutional", options=ConvolutionalEncoderOptions)
def convolutional(image_shape: tuple[int, int, int], options: ConvolutionalEncoderOptions) -> ConvolutionalEncoder:
    """Stages of convolutions with batch normalisation."""
    from aaecli.models.layers.convolutional import ConvolutionalEncoder

    return ConvolutionalEncoder(image_shape, options.channels, options.features)
