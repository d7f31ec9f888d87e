"""The article's first phase: the autoencoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aaecli.config.models import Model
from aaecli.config.registries import LOSS_TERMS
from aaecli.config.schema import Config
from aaecli.training.terms.term import Context, LossTerm

if TYPE_CHECKING:
    from torch import Tensor


@LOSS_TERMS.register("reconstruction")
class Reconstruction(LossTerm):
    """Weight of the squared error, averaged over pixels and images."""

    default_weight = 1.0
    phase = "reconstruction"
    panel = "Reconstruction"
    uses = ("schedule.decoder_batch_size",)

    @classmethod
    def inert(cls, traits: Model, config: Config) -> str:
        """Needs a decoder."""
        return f"in the model {config.model}, which has no decoder" if traits.decoder_label is None else ""

    def __call__(self, context: Context) -> Tensor | None:
        """Redraw the image (B, C, H, W) from its label and style, as far as the model has them.

        The image as it was, not as it was augmented: the style is that of the digit, and drawings are upright.
        """
        from aaecli.training import losses

        if context.networks.decoder is None:
            return None
        encoding = context.encoding.part(0, context.num_decoded)
        return losses.reconstruction(context.networks.decoder(encoding.latent()), context.image[: context.num_decoded])
