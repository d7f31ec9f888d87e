"""The article's second phase, first half: the discriminators learn to tell codes from draws of the priors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aaecli.config.models import Model
from aaecli.config.registries import LOSS_TERMS
from aaecli.config.schema import Config
from aaecli.training.terms.term import Context, LossTerm

if TYPE_CHECKING:
    from torch import Tensor


@LOSS_TERMS.register("discrimination")
class Discrimination(LossTerm):
    """What the discriminators minimise, wherever ``regularisation`` has a weight."""

    default_weight = None
    phase = "discrimination"
    parts = ("style", "label")
    panel = "Discriminators against encoder"

    @classmethod
    def inert(cls, traits: Model, config: Config) -> str:
        """Acts with the term that the discriminators are for."""
        reason = LOSS_TERMS["regularisation"].inert(traits, config)
        return reason or ("" if config.objective.weights["regularisation"] else "without objective.regularisation")

    def __call__(self, context: Context) -> dict[str, Tensor]:
        """Have each discriminator call draws of its prior real, and codes fake."""
        from aaecli.training import losses
        from aaecli.training.adversarial_codes import adversarial_codes

        return {
            name: losses.discrimination(discriminator, draw(), code)
            for name, discriminator, code, draw in adversarial_codes(context)
        }
