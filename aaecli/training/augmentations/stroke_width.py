"""Strokes as another pen would draw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.config.parsing import require
from aaecli.config.registries import AUGMENTATIONS

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class StrokeWidthOptions:
    """Bounds of the width of strokes.

    Attributes:
        stroke_width: How far strokes get thicker or thinner, as a fraction of one pixel on each side.
    """

    stroke_width: float = 0.0

    def __post_init__(self) -> None:
        require(0 <= self.stroke_width <= 1, "stroke_width", "from 0 to 1", self.stroke_width)


@AUGMENTATIONS.register("stroke_width", options=StrokeWidthOptions)
def stroke_width(image: Tensor, options: StrokeWidthOptions) -> Tensor:
    """Thicken or thin light strokes."""
    from aaecli.training import augmentation

    return augmentation.stroke_width(image, options.stroke_width)
