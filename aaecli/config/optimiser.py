"""The section [optimiser]: how the weights move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aaecli.config.parsing import require


@dataclass(frozen=True)
class Optimiser:
    """How the weights move.

    Attributes:
        update: ``alternating``: the article's five updates a step, each with its own optimiser and encoder pass.
            ``joint``: one encoder pass serves all phases and one optimiser takes one update.
        lr: Learning rate of encoder and decoder (at its highest, where it is scheduled).
        discriminator_lr: Learning rate of the discriminators.
        beta1: Adam's first decay rate for encoder and decoder.
        beta2: Adam's second decay rate, for every network.
        discriminator_beta1: Adam's first decay rate for the discriminators.
        weight_decay: Decoupled weight decay of the weight matrices (AdamW).
        warmup_steps: Steps over which the rate rises from 0.
        decay: ``constant``, or ``cosine``: down to 0 at the last step.
        ema_decay: Decay of the exponential moving average of the weights that is saved and that teaches; 0 for none.
    """

    update: Literal["alternating", "joint"] = "joint"
    lr: float = 1e-3
    discriminator_lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    discriminator_beta1: float = 0.9
    weight_decay: float = 0.0
    warmup_steps: int = 0
    decay: Literal["constant", "cosine"] = "constant"
    ema_decay: float = 0.0

    def __post_init__(self) -> None:
        for key in ("lr", "discriminator_lr"):
            require(getattr(self, key) > 0, f"optimiser.{key}", "more than 0", getattr(self, key))
        for key in ("beta1", "beta2", "discriminator_beta1", "ema_decay"):
            require(0 <= getattr(self, key) < 1, f"optimiser.{key}", "in [0, 1)", getattr(self, key))
        require(self.weight_decay >= 0, "optimiser.weight_decay", "0 or more", self.weight_decay)
        require(self.warmup_steps >= 0, "optimiser.warmup_steps", "0 or more", self.warmup_steps)
