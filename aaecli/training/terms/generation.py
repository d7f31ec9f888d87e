"""Beyond the article: what the decoder draws for a label is to be read as that label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aaecli.config.models import Model
from aaecli.config.registries import LOSS_TERMS
from aaecli.config.schema import Config
from aaecli.training.terms.term import Context, LossTerm

if TYPE_CHECKING:
    from torch import Tensor


@LOSS_TERMS.register("generation")
class Generation(LossTerm):
    """Weight of the cross-entropy between the label that the decoder was given, with a style sampled from the prior,
    and the teacher's prediction for the generated image. Without it, the style also encodes much of the class, and many
    samples show the wrong class.
    """  # noqa: D205 - a paragraph, which the settings show

    phase = "reconstruction"
    panel = "Classes"
    uses = ("schedule.generated_batch_size",)

    @classmethod
    def inert(cls, traits: Model, config: Config) -> str:
        """Needs a label that is both read and drawn from, and a teacher."""
        if not (traits.encodes_label and traits.decoder_label == "encoded"):
            return "in a model that does not both read labels and draw from them"
        has_teacher = config.optimiser.ema_decay > 0
        return "" if has_teacher else "with optimiser.ema_decay = 0: the teacher is the averaged network"

    def __call__(self, context: Context) -> Tensor | None:
        """Have the teacher predict the label of what the decoder generates from that label and a style of the prior.

        The generated image is warped first, as the encoder's images are: that leaves no room for a faint pattern that
        sways the teacher and shows a person another digit.
        """
        import torch

        from aaecli.training import losses
        from aaecli.training.augmentations.warp import warp

        decoder, teacher = context.networks.decoder, context.teacher
        if decoder is None or teacher is None:
            return None
        count = context.config.schedule.generated_batch_size
        label = context.priors.label(count)  # (B, K)
        latent = torch.cat([label, context.priors.style(count)], 1)
        generated = decoder.decode_with_running_statistics(latent)  # (B, C, H, W)
        answer = losses.teacher_logits(teacher, warp(generated, context.config.augmentation.bounds["warp"]))  # (B, K)
        return losses.classification(answer, label.argmax(1))
