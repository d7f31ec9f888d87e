"""The section [image]: what pictures are brought to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aaecli.config.parsing import require

MIN_SIZE, MAX_SIZE = 8, 64
"""Bounds of the side that pictures of a folder may be brought to, in pixels."""


@dataclass(frozen=True)
class Image:
    """What the pictures of a folder become; of images in IDX, .npz and .csv files only ``transpose`` says anything.

    Attributes:
        size: Side in pixels of the square that they are resized to.
        channels: 1 for grey, 3 for colour.
        normalise: ``strokes``: strokes are found, made light on black, scaled and centred, in training and whenever the
            model gets a picture. ``none``: pictures are only resized. ``auto``: strokes where they are grey.
        transpose: Whether rows and columns of images in IDX, .npz and .csv files are swapped. ``auto``: where the
            files' names begin with ``emnist``, whose images lie on their sides.
    """

    size: int = 28
    channels: int = 1
    normalise: Literal["auto", "strokes", "none"] = "auto"
    transpose: Literal["auto", "yes", "no"] = "auto"

    def __post_init__(self) -> None:
        require(MIN_SIZE <= self.size <= MAX_SIZE, "image.size", f"in {MIN_SIZE} to {MAX_SIZE}", self.size)
        require(self.channels in (1, 3), "image.channels", "1 (grey) or 3 (colour)", self.channels)
        if self.channels == 3:
            require(self.normalise != "strokes", "image.normalise", "'none' in colour, since ink has none", "strokes")

    @property
    def has_strokes(self) -> bool:
        """Whether pictures are brought into the form of strokes, light on black."""
        return self.normalise == "strokes" or (self.normalise == "auto" and self.channels == 1)
