"""The losses of the steps since the last row of metrics.csv: their means, and which one was the first not finite."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor


class LossTotals:
    """Sums of the losses by name, on the device.

    Attributes:
        totals: The sum of each loss, a scalar.
        count: Number of steps that were summed.
    """

    def __init__(self) -> None:
        self.totals: dict[str, Tensor] = {}
        self.count = 0
        self._num_finite: dict[str, Tensor | int] = {}

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Add the losses of one step."""
        self.count += 1
        for name, loss in losses.items():
            self.totals[name] = self.totals[name] + loss if name in self.totals else loss
            self._num_finite[name] = self._num_finite.get(name, 0) + loss.isfinite()

    def means(self) -> dict[str, float]:
        """Give the mean of each loss."""
        return {name: float(total) / self.count for name, total in self.totals.items()}

    def not_finite(self) -> str | None:
        """Name the loss that was the first not finite, or None; it waits for the device.

        One term spoils the weights and so every other term from the next step on: the first one is to blame.
        """
        names = [name for name, total in self.totals.items() if not math.isfinite(float(total))]
        return min(names, key=lambda name: int(self._num_finite.get(name, 0)), default=None)
