"""The article's encoder: fully connected layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.config.network import require_widths
from aaecli.config.parsing import require
from aaecli.config.registries import ENCODERS

if TYPE_CHECKING:
    from aaecli.models.layers.fully_connected import FullyConnectedEncoder


@dataclass(frozen=True)
class MlpEncoderOptions:
    """Shape of the fully connected encoder.

    Attributes:
        hidden: Widths of the hidden layers.
        batch_norm: Batch normalisation after each hidden layer.
        dropout: Probability that a hidden unit is dropped while training.
    """

    hidden: tuple[int, ...] = (1000, 1000)
    batch_norm: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require_widths("hidden", self.hidden)
        require(0 <= self.dropout < 1, "dropout", "in [0, 1)", self.dropout)


@ENCODERS.register("mlp", options=MlpEncoderOptions)
def mlp(image_shape: tuple[int, int, int], options: MlpEncoderOptions) -> FullyConnectedEncoder:
    """Fully connected layers, as in the article."""
    from aaecli.models.layers.fully_connected import FullyConnectedEncoder

    return FullyConnectedEncoder(image_shape, options.hidden, batch_norm=options.batch_norm, dropout=options.dropout)
