"""Images of which a part is hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.config.parsing import require
from aaecli.config.registries import AUGMENTATIONS

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class CutoutOptions:
    """Size of what is hidden.

    Attributes:
        cutout: Side in pixels of a square that is blanked (DeVries and Taylor 2017).
    """

    cutout: int = 0

    def __post_init__(self) -> None:
        require(self.cutout >= 0, "cutout", "0 or more", self.cutout)


@AUGMENTATIONS.register("cutout", options=CutoutOptions)
def cutout(image: Tensor, options: CutoutOptions) -> Tensor:
    """Blank a square of each image."""
    from aaecli.training import augmentation

    return augmentation.cutout(image, options.cutout)
