"""The article's third phase: naming the labelled images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aaecli.config.models import Model
from aaecli.config.registries import LOSS_TERMS
from aaecli.config.schema import Config
from aaecli.training.terms.term import Context, LossTerm

if TYPE_CHECKING:
    from torch import Tensor


@LOSS_TERMS.register("classification")
class Classification(LossTerm):
    """Weight of the cross-entropy on the labelled images, of the label head and of the teacher's where it has one."""

    default_weight = 1.0
    phase = "classification"
    panel = "Classes"

    @classmethod
    def inert(cls, traits: Model, config: Config) -> str:
        """Needs a label head, and labels."""
        if not traits.encodes_label:
            return "in a model that reads no label off an image"
        return "" if traits.uses_labels else f"in {config.model}, which sees no labels"

    def __call__(self, context: Context) -> Tensor | None:
        """Name the labelled images rightly."""
        from aaecli.models.networks import in_float32
        from aaecli.training import losses

        if context.named is None or context.named.label_logits is None or context.label is None:
            return None
        loss = losses.classification(context.named.label_logits, context.label)
        head, features = context.networks.teacher_head, context.named.features
        if context.teacher_head is None or head is None or features is None:
            return loss
        return loss + losses.classification(in_float32(head, features), context.label)
