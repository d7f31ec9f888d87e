"""Beyond the article: the averaged teacher labels what has no label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aaecli.config.models import Model
from aaecli.config.parsing import require
from aaecli.config.registries import LOSS_TERMS
from aaecli.config.schema import Config
from aaecli.training.terms.mutual_information import names_no_unlabelled
from aaecli.training.terms.term import Context, LossTerm

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ConsistencyOptions:
    """Pseudo-labels of the teacher.

    Attributes:
        pseudo_labels: ``hard``, its best label where it is sure of it (FixMatch), or ``soft``, its probabilities of
            every image (Hu et al. 2017), which is the better start without any label.
        distribution_alignment: Whether its probabilities are scaled so that every class is as frequent as the prior on
            y says (Berthelot et al. 2020).
        confidence_threshold: A hard label counts where its probability exceeds this.
        check_step: Step at which pseudo-labels are checked on a fifth of the labelled images, which are held out until
            then: where the teacher or propagation is worse than a classifier of the same labels alone, it no longer
            counts; 0 for never.
    """

    pseudo_labels: Literal["hard", "soft"] = "hard"
    distribution_alignment: bool = True
    confidence_threshold: float = 0.9
    check_step: int = 0

    def __post_init__(self) -> None:
        require(0 <= self.confidence_threshold < 1, "confidence_threshold", "in [0, 1)", self.confidence_threshold)
        require(0 <= self.check_step <= 10**12, "check_step", "0 or more", self.check_step)


@LOSS_TERMS.register("consistency", options=ConsistencyOptions)
class Consistency(LossTerm):
    """Weight of the cross-entropy between the averaged teacher's label for an unlabelled image and the student's answer
    for the same image augmented (FixMatch, Sohn et al. 2020, with a mean teacher).
    """  # noqa: D205 - one sentence, which the settings show

    panel = "Classes"
    uses = ("propagation", "network.teacher_head")

    @classmethod
    def inert(cls, traits: Model, config: Config) -> str:
        """Needs a teacher, and images whose labels are not known."""
        if reason := names_no_unlabelled(traits, config):
            return reason
        has_teacher = config.optimiser.ema_decay > 0
        return "" if has_teacher else "with optimiser.ema_decay = 0: the teacher is the averaged network"

    @classmethod
    def inert_options(cls, options: ConsistencyOptions) -> Mapping[str, str]:
        """A soft label has no threshold."""
        if options.pseudo_labels == "hard":
            return {}
        return {"confidence_threshold": 'with objective.consistency_options.pseudo_labels = "soft"'}

    def __call__(self, context: Context) -> Tensor | None:
        """Answer for augmented images as the averaged teacher answers for the images as they are.

        Where an image's neighbours say what it is, they are believed instead, or confirm it. A teacher has nothing to
        add to labels that are known.
        """
        from aaecli.training import losses

        logits, teacher = context.encoding.label_logits, context.teacher
        if logits is None or teacher is None or context.batch.pool_label is not None:
            return None
        prob = losses.teacher_prob(
            teacher,
            context.image,
            context.class_marginal,
            context.priors.label_frequency,
            context.batch.propagated_label,
            align_classes=self.options.distribution_alignment,
            role=context.config.propagation.role,
            head=context.teacher_head,
            over_processes=context.over_processes,
        )  # (U, K)
        if self.options.pseudo_labels == "soft":
            return losses.soft_consistency(logits, prob)
        return losses.consistency(logits, prob, self.options.confidence_threshold)
