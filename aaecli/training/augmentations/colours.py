"""Images in other colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.config.parsing import require
from aaecli.config.registries import AUGMENTATIONS

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ColoursOptions:
    """How colours change.

    Attributes:
        channel_mixing: Standard deviation of the logits of a random 3 × 3 matrix, beside an identity of 3, that mixes
            the colours of an image.
        channel_permutation: Put the colours of each image into a random order.
        inversion: Fraction of the augmented images in which light and dark change places.
    """

    channel_mixing: float = 0.0
    channel_permutation: bool = False
    inversion: float = 0.0

    def __post_init__(self) -> None:
        require(self.channel_mixing >= 0, "channel_mixing", "0 or more", self.channel_mixing)
        require(0 <= self.inversion <= 1, "inversion", "from 0 to 1", self.inversion)


@AUGMENTATIONS.register("colours", options=ColoursOptions)
def colours(image: Tensor, options: ColoursOptions) -> Tensor:
    """Mix, permute and invert the colours of each image."""
    from aaecli.training import colour_augmentation

    if options.channel_mixing:
        image = colour_augmentation.mix_channels(image, options.channel_mixing)
    if options.channel_permutation:
        image = colour_augmentation.permute_channels(image)
    return colour_augmentation.invert(image, options.inversion) if options.inversion else image
