"""A decoder of transposed convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.config.network import require_widths
from aaecli.config.registries import DECODERS

if TYPE_CHECKING:
    from aaecli.models.layers.convolutional_decoder import ConvolutionalDecoder


@dataclass(frozen=True)
class ConvolutionalDecoderOptions:
    """Shape of the convolutional decoder.

    Attributes:
        channels: Channels of each stage, the coarsest first; each stage doubles the image.
    """

    channels: tuple[int, ...] = (128, 64, 32)

    def __post_init__(self) -> None:
        require_widths("channels", self.channels)


@DECODERS.register("convolutional", options=ConvolutionalDecoderOptions)
def convolutional(
    num_inputs: int, image_shape: tuple[int, int, int], options: ConvolutionalDecoderOptions
) -> ConvolutionalDecoder:
    """Transposed convolutions with batch normalisation."""
    from aaecli.models.layers.convolutional_decoder import ConvolutionalDecoder

    return ConvolutionalDecoder(num_inputs, image_shape, options.channels)
