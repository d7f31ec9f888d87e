"""The section [augmentation]: how training images are changed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from aaecli.config.parsing import require


@dataclass(frozen=True)
class Augmentation:
    """The warp of the images that the encoder learns from; each is drawn uniformly from [-value, value]. 0 for none.

    Attributes:
        rotation: Degrees.
        scale: Natural logarithm of the factor, drawn for each axis.
        shear: Tangent of the angle.
        shift: Pixels, drawn for each axis.
        elastic: Standard deviation in pixels of a smooth displacement field (after Simard et al. 2003).
        stroke_width: How far strokes get thicker or thinner, as a fraction of one pixel on each side.
        cutout: Side in pixels of a square that is blanked (DeVries and Taylor 2017).
        horizontal_flip: Turn every other image left to right, which no character survives.
        brightness: Natural logarithm of a factor on the pixels.
        contrast: Natural logarithm of a factor on the pixels' distances from their mean.
        fraction: Fraction of a step's images that are augmented. Warping also blurs: an encoder that never sees an
            image as it is classifies such images worse, and their styles do not match the prior.
    """

    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    shift: float = 0.0
    elastic: float = 0.0
    stroke_width: float = 0.0
    cutout: int = 0
    horizontal_flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    fraction: float = 1.0

    def __post_init__(self) -> None:
        for entry in dataclasses.fields(self):
            value = getattr(self, entry.name)
            require(value >= 0, f"augmentation.{entry.name}", "0 or more", value)
        for key in ("stroke_width", "fraction"):
            require(getattr(self, key) <= 1, f"augmentation.{key}", "from 0 to 1", getattr(self, key))

    def augmented_fraction(self) -> float:
        """Share of a step's images that come out changed: ``fraction``, or 0 where no change is asked for."""
        return 0.0 if dataclasses.replace(self, fraction=1.0) == Augmentation() else self.fraction

    def scaled(self, factor: float) -> Augmentation:
        """Give the same changes with ``scale`` and ``elastic`` multiplied."""
        return dataclasses.replace(self, scale=self.scale * factor, elastic=self.elastic * factor)


AUGMENTATIONS = {
    # Those of the preset `default`, where they were measured.
    "strokes": Augmentation(rotation=12.0, scale=0.1, shear=0.2, shift=2.0, elastic=0.6, fraction=0.75),
    "natural": Augmentation(
        rotation=6.0, scale=0.15, shear=0.05, shift=2.0, cutout=6, horizontal_flip=True, fraction=0.75
    ),
    "none": Augmentation(),
}
"""What ``--augment`` offers."""
