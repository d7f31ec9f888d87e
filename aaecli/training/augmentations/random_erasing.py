"""Images of which a part is covered by some colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.config.parsing import require
from aaecli.config.registries import AUGMENTATIONS

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class RandomErasingOptions:
    """Size of what is covered.

    Attributes:
        random_erasing: Longest side in pixels of a rectangle that gets a random colour (Zhong et al. 2020).
    """

    random_erasing: int = 0

    def __post_init__(self) -> None:
        require(self.random_erasing >= 0, "random_erasing", "0 or more", self.random_erasing)


@AUGMENTATIONS.register("random_erasing", options=RandomErasingOptions)
def random_erasing(image: Tensor, options: RandomErasingOptions) -> Tensor:
    """Cover a rectangle of each image."""
    from aaecli.training import colour_augmentation

    return colour_augmentation.random_erasing(image, options.random_erasing)
