"""The section [propagation]: labels from neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aaecli.config.parsing import require


@dataclass(frozen=True)
class Propagation:
    """Labels for unlabelled images from their neighbours, for the ``consistency`` term to start from.

    A teacher that learnt from one label a class can be sure and wrong; who looks like whom to its encoder says better
    which images belong together (Iscen et al. 2019; the propagation is that of Calder et al. 2020).

    Attributes:
        every: Steps after which labels are propagated, again and again; 0 for never.
        until: Step from which the teacher alone labels what has no label.
        labels_per_class: Labels are propagated only with at most so many labelled images per class, on average: with
            more, the teacher alone knows as much.
        augmentation_scale: Factor on ``augmentation.scale`` and ``augmentation.elastic`` for a model that propagates
            labels, all through its training: the fewer labels, the more kinds of image each of them stands for.
        max_class_weight: Largest factor by which a class is weighted up, or its inverse down, to come out as frequent
            as the prior on y says: 2 is the paper's, 1 ignores the prior. Where the prior is only about right, a
            large factor makes whole groups of similar images change their class.
        role: What a propagated label does: ``replace`` the teacher's, or ``confirm`` it: a label that both give counts
            however unsure the teacher is, and one that only propagation gives does not.
        num_images: Training images that labels are propagated to, sampled anew each time. Beyond 20,000, the others
            get those of their nearest neighbours among these.
        num_neighbours: Nearest neighbours of an image, by the features of the averaged encoder.
    """

    every: int = 0
    until: int = 0
    labels_per_class: int = 20
    augmentation_scale: float = 1.0
    max_class_weight: float = 2.0
    role: Literal["replace", "confirm"] = "replace"
    num_images: int = 20_000
    num_neighbours: int = 10

    def __post_init__(self) -> None:
        for key in ("every", "until", "labels_per_class"):
            require(0 <= getattr(self, key) <= 10**12, f"propagation.{key}", "0 or more", getattr(self, key))
        require(self.augmentation_scale >= 0, "propagation.augmentation_scale", "0 or more", self.augmentation_scale)
        require(
            1 <= self.max_class_weight <= 1000, "propagation.max_class_weight", "in 1 to 1000", self.max_class_weight
        )
        require(2 <= self.num_images <= 10**9, "propagation.num_images", "in 2 to 1000000000", self.num_images)
        require(1 <= self.num_neighbours <= 1000, "propagation.num_neighbours", "in 1 to 1000", self.num_neighbours)

    def applies(self, num_labelled: int, num_classes: int) -> bool:
        """Whether labels are propagated from so many labelled images."""
        return self.every > 0 and 0 < num_labelled <= self.labels_per_class * num_classes
