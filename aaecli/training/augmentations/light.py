"""Images as another hour of the day would show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.config.parsing import require
from aaecli.config.registries import AUGMENTATIONS

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class LightOptions:
    """Bounds of brightness and contrast.

    Attributes:
        brightness: Natural logarithm of a factor on the pixels.
        contrast: Natural logarithm of a factor on the pixels' distances from their mean.
    """

    brightness: float = 0.0
    contrast: float = 0.0

    def __post_init__(self) -> None:
        require(self.brightness >= 0, "brightness", "0 or more", self.brightness)
        require(self.contrast >= 0, "contrast", "0 or more", self.contrast)


@AUGMENTATIONS.register("light", options=LightOptions)
def light(image: Tensor, options: LightOptions) -> Tensor:
    """Change brightness and contrast of each image."""
    from aaecli.training import augmentation

    return augmentation.brightness_and_contrast(image, options.brightness, options.contrast)
