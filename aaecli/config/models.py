"""The family of models as one table: a row switches the terms of the step on and off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_CLASSES = 2**12
"""Most classes that can be learnt, a matrix of which against each other is still small."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """What one model of the series consists of.

    Attributes:
        encodes_label: The encoder has a label head y.
        encodes_style: The encoder has a style head z.
        decoder_label: Which label the decoder reads beside the style: the ``encoded`` one, the ``true`` one or
            ``none``; None where there is no decoder, and so no reconstruction phase.
        style_prior: A discriminator holds z to the prior of the settings.
        label_prior: A discriminator holds y to one-hot draws.
        sees_unlabelled: Unlabelled images take part in training.
        default_labels: How many labels training uses where nobody says; 0 where it has no use for any.
    """

    encodes_label: bool
    encodes_style: bool
    decoder_label: Literal["encoded", "true", "none"] | None
    style_prior: bool
    label_prior: bool
    sees_unlabelled: bool
    default_labels: int | Literal["all"]

    @property
    def uses_labels(self) -> bool:
        """Whether training reads any label."""
        return self.default_labels != 0


FAMILY: dict[str, Model] = {
    # The plain network that the article measures itself against: encoder and label head alone.
    "baseline": Model(
        encodes_label=True,
        encodes_style=False,
        decoder_label=None,
        style_prior=False,
        label_prior=False,
        sees_unlabelled=False,
        default_labels=1000,
    ),
    # Part 1 of the article.
    "autoencoder": Model(
        encodes_label=False,
        encodes_style=True,
        decoder_label="none",
        style_prior=False,
        label_prior=False,
        sees_unlabelled=True,
        default_labels=0,
    ),
    # Part 2; section 2 of the paper.
    "aae": Model(
        encodes_label=False,
        encodes_style=True,
        decoder_label="none",
        style_prior=True,
        label_prior=False,
        sees_unlabelled=True,
        default_labels=0,
    ),
    # Part 3; section 4 of the paper: the decoder is told the label, so that the style need not say it.
    "supervised": Model(
        encodes_label=False,
        encodes_style=True,
        decoder_label="true",
        style_prior=True,
        label_prior=False,
        sees_unlabelled=False,
        default_labels="all",
    ),
    # Part 4; section 5 of the paper.
    "semisupervised": Model(
        encodes_label=True,
        encodes_style=True,
        decoder_label="encoded",
        style_prior=True,
        label_prior=True,
        sees_unlabelled=True,
        default_labels=1000,
    ),
    # Section 6 of the paper: y has more values than there are classes, and each is named when training is over.
    "clustering": Model(
        encodes_label=True,
        encodes_style=True,
        decoder_label="encoded",
        style_prior=True,
        label_prior=True,
        sees_unlabelled=True,
        default_labels=0,
    ),
}
