"""Ones as most of Europe writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.config.parsing import require
from aaecli.config.registries import AUGMENTATIONS

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class FlagsOptions:
    """How often a lone straight stroke gets a flag.

    Attributes:
        flags: Fraction of drawings of one upright straight stroke, light on black, that get a flag at its upper end,
            and a quarter of them a foot: the 1 that most of Europe writes and MNIST's writers hardly know. Only for
            classes in which a flagged stroke means what the stroke means.
    """

    flags: float = 0.0

    def __post_init__(self) -> None:
        require(0 <= self.flags <= 1, "flags", "from 0 to 1", self.flags)


@AUGMENTATIONS.register("flags", options=FlagsOptions)
def flags(image: Tensor, options: FlagsOptions) -> Tensor:
    """Give lone straight strokes a flag, and some a foot."""
    from aaecli.training import added_strokes

    return added_strokes.add_flags(image, options.flags)
