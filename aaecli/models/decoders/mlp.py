"""The article's decoder: fully connected layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.config.network import require_widths
from aaecli.config.registries import DECODERS

if TYPE_CHECKING:
    from aaecli.models.layers.fully_connected import FullyConnectedDecoder


@dataclass(frozen=True)
class MlpDecoderOptions:
    """Shape of the fully connected decoder.

    Attributes:
        hidden: Widths of the hidden layers.
        batch_norm: Batch normalisation after each hidden layer.
    """

    hidden: tuple[int, ...] = (1000, 1000)
    batch_norm: bool = False

    def __post_init__(self) -> None:
        require_widths("hidden", self.hidden)


@DECODERS.register("mlp", options=MlpDecoderOptions)
def mlp(num_inputs: int, image_shape: tuple[int, int, int], options: MlpDecoderOptions) -> FullyConnectedDecoder:
    """Fully connected layers, as in the article."""
    from aaecli.models.layers.fully_connected import FullyConnectedDecoder

    return FullyConnectedDecoder(num_inputs, image_shape, options.hidden, batch_norm=options.batch_norm)
