"""The section [objective]: the weight and the options of each loss term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aaecli.config.parsing import require


@dataclass(frozen=True)
class Objective:
    """The weight of each term of the step; a term of weight 0 is not computed.

    Attributes:
        reconstruction: Weight of the squared error, averaged over pixels and images.
        regularisation: Weight of the encoder's loss against both discriminators.
        classification: Weight of the cross-entropy on the labelled images.
        consistency: Weight of the cross-entropy between the averaged teacher's label for an unlabelled image and the
            student's answer for the same image warped (FixMatch, Sohn et al. 2020, with a mean teacher).
        pseudo_labels: What the teacher gives: ``hard``, its best label where it is sure of it (FixMatch), or ``soft``,
            its probabilities of every image (Hu et al. 2017), which is the better start where nobody tells a label.
        distribution_alignment: Whether the teacher's probabilities are scaled so that every class is as frequent as
            the prior on y says (Berthelot et al. 2020).
        confidence_threshold: A hard label counts where its probability exceeds this.
        mutual_information: Weight of ln K less the mutual information of an unlabelled image and its label (Krause et
            al. 2010).
        marginal_entropy: Within that term, weight of the entropy of the mean label (its divergence from the prior on
            y), against that of the entropy of each image's own (the μ of Hu et al. 2017).
        generation: Weight of the cross-entropy between the label that the decoder was given, with a style drawn from
            the prior, and the teacher's answer for what it drew. The article's decoder reads off the style much of
            what the label should say, so that the class asked for is often not the class drawn.
    """

    reconstruction: float = 1.0
    regularisation: float = 1.0
    classification: float = 1.0
    consistency: float = 0.0
    pseudo_labels: Literal["hard", "soft"] = "hard"
    distribution_alignment: bool = True
    confidence_threshold: float = 0.9
    mutual_information: float = 0.0
    marginal_entropy: float = 1.0
    generation: float = 0.0

    def __post_init__(self) -> None:
        weights = (
            "reconstruction",
            "regularisation",
            "classification",
            "consistency",
            "mutual_information",
            "generation",
        )
        for key in (*weights, "marginal_entropy"):
            require(getattr(self, key) >= 0, f"objective.{key}", "0 or more", getattr(self, key))
        require(
            0 <= self.confidence_threshold < 1, "objective.confidence_threshold", "in [0, 1)", self.confidence_threshold
        )
