"""Images as another hand, or from another place, would give them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from aaecli.config.parsing import require
from aaecli.config.registries import AUGMENTATIONS

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class WarpOptions:
    """Bounds of the warp: each amount is drawn uniformly from [-value, value] for each image. 0 for none.

    Attributes:
        rotation: Degrees.
        scale: Natural logarithm of the factor, drawn for each axis.
        shear: Tangent of the angle.
        shift: Pixels, drawn for each axis.
        elastic: Standard deviation in pixels of a smooth displacement field (after Simard et al. 2003).
        horizontal_flip: Turn every other image left to right, which no character survives.
        vertical_flip: Turn every other image upside down.
        reflection_padding: What comes into the image from outside is its reflection; without, it is black.
    """

    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    shift: float = 0.0
    elastic: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    reflection_padding: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            require(getattr(self, field.name) >= 0, field.name, "0 or more", getattr(self, field.name))


@AUGMENTATIONS.register("warp", options=WarpOptions)
def warp(image: Tensor, options: WarpOptions) -> Tensor:
    """Rotate, scale, shear, shift, bend and mirror each image by amounts of its own."""
    from aaecli.training import augmentation

    return augmentation.warp(
        image,
        rotation=options.rotation,
        scale=options.scale,
        shear=options.shear,
        shift=options.shift,
        elastic=options.elastic,
        horizontal_flip=options.horizontal_flip,
        vertical_flip=options.vertical_flip,
        reflection_padding=options.reflection_padding,
    )
