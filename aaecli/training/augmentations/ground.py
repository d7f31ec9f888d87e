"""Things on another ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.config.parsing import require
from aaecli.config.registries import AUGMENTATIONS

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GroundOptions:
    """How many images get another ground.

    Attributes:
        ground: Fraction of the augmented images in which what has a colour of the border is replaced by another image,
            blurred.
    """

    ground: float = 0.0

    def __post_init__(self) -> None:
        require(0 <= self.ground <= 1, "ground", "from 0 to 1", self.ground)


@AUGMENTATIONS.register("ground", options=GroundOptions)
def ground(image: Tensor, options: GroundOptions) -> Tensor:
    """Put another ground behind what images show."""
    from aaecli.training import colour_augmentation

    return colour_augmentation.replace_ground(image, options.ground)
