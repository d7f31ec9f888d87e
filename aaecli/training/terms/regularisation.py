"""The article's second phase, second half: the encoder learns to deceive the discriminators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aaecli.config.models import Model
from aaecli.config.registries import LOSS_TERMS
from aaecli.config.schema import Config
from aaecli.training.terms.term import Context, LossTerm

if TYPE_CHECKING:
    from torch import Tensor


@LOSS_TERMS.register("regularisation")
class Regularisation(LossTerm):
    """Weight of the encoder's loss against both discriminators."""

    default_weight = 1.0
    phase = "regularisation"
    parts = ("style", "label")
    panel = "Encoder against discriminators"
    uses = (
        "network.discriminator_hidden",
        "network.discriminator_noise",
        "optimiser.discriminator_lr",
        "optimiser.discriminator_beta1",
    )

    @classmethod
    def inert(cls, traits: Model, config: Config) -> str:
        """Needs a prior."""
        has_prior = traits.style_prior or traits.label_prior
        return "" if has_prior else "in a model without discriminators (baseline, autoencoder)"

    def __call__(self, context: Context) -> dict[str, Tensor]:
        """Have the encoder's codes taken for draws of the priors."""
        from aaecli.training import losses
        from aaecli.training.adversarial_codes import adversarial_codes

        return {
            name: losses.regularisation(discriminator, code)
            for name, discriminator, code, _ in adversarial_codes(context)
        }
