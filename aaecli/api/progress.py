"""``Progress``: what the callback of a training is told, and how it stops it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Progress:
    """How far a training is, after a step.

    Attributes:
        step: Steps taken, from 1; of a training that is resumed, those before it stopped included.
        num_steps: Steps of the whole training.
        row: The row that metrics.csv got after this step, by column; None after most steps.

    Examples:
        >>> import aaecli, torch
        >>> aaecli.Progress(3, 5, None, {"classification": torch.tensor(0.5)}).losses
        {'classification': 0.5}
    """

    step: int
    num_steps: int
    row: Mapping[str, float] | None
    _losses: Mapping[str, Tensor] = field(repr=False)

    @property
    def losses(self) -> dict[str, float]:
        """The loss of each term of this step. Asking for it waits for the device: on a GPU, not after every step."""
        return {name: float(loss) for name, loss in self._losses.items()}


class Watcher:
    """Hands the steps of a training on to a callback, each once, with the row of metrics.csv where there is one.

    Args:
        callback: Is called after each step; a true answer stops the training after it.
    """

    def __init__(self, callback: Callable[[Progress], bool | None] | None) -> None:
        self._callback = callback
        self._num_steps = 0
        self._pending: tuple[int, Mapping[str, Tensor]] | None = None
        self._stops = False

    def begin(self, plan: dict[str, Any]) -> None:
        """Note the length of the training."""
        self._num_steps = plan["num_steps"]

    def step(self, number: int, losses: dict[str, Tensor]) -> None:
        """Keep a step until it is known whether a row follows."""
        self._pending = (number, losses)

    def pause(self, reason: str) -> None:
        """Say nothing."""

    def epoch(self, row: dict[str, float]) -> None:
        """Hand the step on with its row."""
        self._tell(row)

    def stopping(self) -> bool:
        """Hand the step on, if it had no row, and say whether the callback has asked to stop."""
        self._tell(None)
        return self._stops

    def _tell(self, row: dict[str, float] | None) -> None:
        if self._pending is not None and self._callback is not None:
            number, losses = self._pending
            self._pending = None
            self._stops = bool(self._callback(Progress(number, self._num_steps, row, losses))) or self._stops
