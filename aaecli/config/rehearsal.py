"""The section [rehearsal]: another data set that is learnt beside one's own."""

from __future__ import annotations

from dataclasses import dataclass

from aaecli.config.parsing import require


@dataclass(frozen=True)
class Rehearsal:
    """Another data set, whose images and labels make up a part of every batch, so that they are not forgotten.

    Attributes:
        data: Its file or folder, or ``mnist``, the embedded one; none where empty. Classes are matched by name.
        fraction: Fraction of a batch's images that are from it, labelled and unlabelled alike.
    """

    data: str = ""
    fraction: float = 0.5

    def __post_init__(self) -> None:
        require(0 < self.fraction < 1, "rehearsal.fraction", "more than 0 and less than 1", self.fraction)

    def share(self, batch_size: int) -> int:
        """Give the number of a batch's images that are from it: one at least, and never all."""
        return min(max(round(batch_size * self.fraction), 1), batch_size - 1) if self.data else 0
