"""Beyond the article: the label of an unlabelled image is to tell as much of it as it can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.config.models import Model
from aaecli.config.parsing import require
from aaecli.config.registries import LOSS_TERMS
from aaecli.config.schema import Config
from aaecli.training.terms.term import Context, LossTerm

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MutualInformationOptions:
    """What the term counts as information.

    Attributes:
        marginal_entropy: Weight of the entropy of the mean label (its divergence from the prior on y), against that of
            the entropy of each image's own (the μ of Hu et al. 2017).
    """

    marginal_entropy: float = 1.0

    def __post_init__(self) -> None:
        require(self.marginal_entropy >= 0, "marginal_entropy", "0 or more", self.marginal_entropy)


@LOSS_TERMS.register("mutual_information", options=MutualInformationOptions)
class MutualInformation(LossTerm):
    """Weight of ln K less the mutual information of an unlabelled image and its label (Krause et al. 2010)."""

    panel = "Classes"

    @classmethod
    def inert(cls, traits: Model, config: Config) -> str:
        """Needs a label of images whose labels are not known."""
        return names_no_unlabelled(traits, config)

    def __call__(self, context: Context) -> Tensor | None:
        """Have the label tell as much of the image as it can."""
        from aaecli.training import losses

        logits = context.encoding.label_logits
        if logits is None:
            return None
        return losses.mutual_information(
            logits, self.options.marginal_entropy, context.priors.label_frequency, context.over_processes
        )


def names_no_unlabelled(traits: Model, config: Config) -> str:
    """Say why a term that names unlabelled images cannot act; empty where it can."""
    if not (traits.encodes_label and traits.sees_unlabelled):
        return "in a model that names no unlabelled images"
    all_labelled = config.labels == "all" and not config.data and config.model == "semisupervised"
    return "where every image is labelled" if all_labelled else ""
