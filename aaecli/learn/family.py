"""The family of models as one table: a row switches the terms of the step on and off."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """What one model of the series consists of.

    Attributes:
        encodes_style: The encoder has a style head z.
        has_decoder: A decoder redraws the image; the step has a reconstruction phase.
        style_prior: A discriminator holds z to the prior of the settings.
        label_prior: A discriminator holds y to one-hot draws.
        sees_unlabelled: The pool's unlabelled images take part in training.
    """

    encodes_style: bool
    has_decoder: bool
    style_prior: bool
    label_prior: bool
    sees_unlabelled: bool


FAMILY: dict[str, Model] = {
    # The plain network that the article measures itself against: encoder and label head alone.
    "baseline": Model(
        encodes_style=False, has_decoder=False, style_prior=False, label_prior=False, sees_unlabelled=False
    ),
    # Part 4 of the article; section 2.3 of the paper.
    "semisupervised": Model(
        encodes_style=True, has_decoder=True, style_prior=True, label_prior=True, sees_unlabelled=True
    ),
}
