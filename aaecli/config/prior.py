"""The section [prior]: what the codes are matched to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aaecli.config.docstrings import attributes
from aaecli.config.parsing import require
from aaecli.plugins import summary
from aaecli.priors.style_prior import STYLE_PRIORS


@dataclass(frozen=True)
class Prior:
    """What the discriminators hold the encoder to.

    Attributes:
        style: Name of the prior on z.
        style_std: Standard deviation of the Gaussian prior on z (5 in the article, 1 in the paper).
        label: How often the categorical prior on y draws a class: ``uniform``, all alike, or ``labelled``, as often as
            it occurs among the labelled images. ``auto``: labelled where every label that is known is used; uniform
            where a part of them is drawn, as many of each class.
        label_frequency: The same as numbers of any sum, one for each class in order. Takes precedence over ``label``.
    """

    style: str = "gaussian"
    style_std: float = 1.0
    label: Literal["auto", "uniform", "labelled"] = "auto"
    label_frequency: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        STYLE_PRIORS.entry(self.style)
        require(self.style_std > 0, "prior.style_std", "more than 0", self.style_std)
        holds = all(share > 0 for share in self.label_frequency)
        require(holds, "prior.label_frequency", "a list of numbers above 0", list(self.label_frequency))

    def texts(self) -> dict[str, str]:
        """Say what each key means; of the prior on z, which there are."""
        kinds = "; ".join(f"{name}: {summary(prior).rstrip('.')}" for name, prior in STYLE_PRIORS.items())
        texts = attributes(type(self))
        return texts | {"style": f"{texts['style']} {kinds}."}
