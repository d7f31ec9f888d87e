"""The encoder for small pictures of anything on any ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aaecli.config.network import require_widths
from aaecli.config.registries import ENCODERS

if TYPE_CHECKING:
    from aaecli.models.layers.pooled_convolutional import PooledConvolutionalEncoder


@dataclass(frozen=True)
class PicturesEncoderOptions:
    """What the encoder sees, and its shape.

    Attributes:
        sees: ``edges``, their strength and direction without sign or colour, in which grounds and colours differ
            little; ``pixels``; or ``both``.
        channels: Channels of each stage of two 3 × 3 convolutions; each stage after the first halves the image. The
            last ones are the number of features.
    """

    sees: Literal["edges", "pixels", "both"] = "edges"
    channels: tuple[int, ...] = (32, 64, 128)

    def __post_init__(self) -> None:
        require_widths("channels", self.channels)


@ENCODERS.register("pictures", options=PicturesEncoderOptions)
def pictures(image_shape: tuple[int, int, int], options: PicturesEncoderOptions) -> PooledConvolutionalEncoder:
    """Stages of convolutions over edges, and the mean of each channel over the image."""
    from aaecli.models.layers.pooled_convolutional import PooledConvolutionalEncoder

    return PooledConvolutionalEncoder(image_shape, options.channels, options.sees)
