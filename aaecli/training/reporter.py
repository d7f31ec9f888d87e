"""What a training tells whoever watches it."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Reporter(Protocol):
    """What a training tells whoever watches it."""

    def step(self, number: int, losses: dict[str, Tensor]) -> None:
        """Called after each step with the steps taken so far and its losses, still on the device."""

    def pause(self, reason: str) -> None:
        """Called before what takes as long as many steps, with what it is."""

    def epoch(self, row: dict[str, float]) -> None:
        """Called after each look at the validation images with the row that metrics.csv just got."""

    def stopping(self) -> bool:
        """Asked before each step: has the user asked to stop?"""
