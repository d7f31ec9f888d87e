"""What hangs on a clock or a signal, decided alike in every process: one that stopped alone would hang the rest."""

from __future__ import annotations

import time
from collections.abc import Callable

from aaecli.training.distributed.world import World

_SECONDS = 0.5
"""Time between two exchanges, about: a signal is noticed within it."""
_MOST_STEPS = 20


class Agreement:
    """Whether to stop, and whether to save.

    Alone, a process asks itself before every step. Several exchange it every so many steps; the first one says how
    many, by its clock, so that no two count differently.

    Args:
        world: The processes.
        wishes_to_stop: Tells whether this process was asked to stop.
    """

    def __init__(self, world: World, wishes_to_stop: Callable[[], bool]) -> None:
        self._world, self._wishes_to_stop = world, wishes_to_stop
        self._stops = False
        self._left, self._between = 1, 1
        self._exchanged_at = time.monotonic()

    def stops(self) -> bool:
        """Tell whether to stop before the next step."""
        return self._wishes_to_stop() if self._world.size == 1 else self._stops

    def saves(self, is_due: bool) -> bool:
        """Tell, after each step, whether all save.

        Args:
            is_due: Whether this process would; the first one's word counts.
        """
        if self._world.size == 1:
            return is_due
        self._left -= 1
        if self._left:
            return False
        now = time.monotonic()
        step_seconds = (now - self._exchanged_at) / self._between
        wanted = min(max(int(_SECONDS / max(step_seconds, 1e-6)), 1), _MOST_STEPS)
        said = (is_due, wanted) if self._world.is_first else (False, 0)
        stops, saves, between = self._world.summed(self._wishes_to_stop(), *said)
        self._stops, self._left, self._between, self._exchanged_at = bool(stops), int(between), int(between), now
        return bool(saves)
