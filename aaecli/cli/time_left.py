"""How long a training still takes: smooth, though it now and then stands still to validate."""

from __future__ import annotations

import time
from collections.abc import Callable

_HALF_LIFE = 30.0
"""Seconds after which the speed of a step counts half: other programs come and go."""
_LEAST = 2.0
"""Seconds of steps before a guess is made."""


class TimeLeft:
    """Estimates from the steps so far; standing still is counted apart, and spread evenly over what is left.

    Args:
        number: Steps that were done before.
        clock: Gives seconds.
    """

    def __init__(self, number: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first = self._number = number
        self._last: float | None = None
        self._steps, self._seconds, self._stood = 0.0, 0.0, 0.0
        self._is_standing = False

    def step(self, number: int) -> None:
        """Take note of a step that was just done."""
        now = self._clock()
        if self._last is None:
            # What came before the first step (loading, compiling) does not come again.
            self._first = number
        elif self._is_standing:
            self._stood += now - self._last
        else:
            passed = now - self._last
            # A sum in which the past fades, so that a slow minute is forgotten and a slow second not overrated.
            fading = 0.5 ** (passed / _HALF_LIFE)
            self._seconds = self._seconds * fading + passed
            self._steps = self._steps * fading + number - self._number
        self._last, self._number, self._is_standing = now, number, False

    def stand(self) -> None:
        """Take note that what has passed since the last step, and what passes until the next, is no step."""
        self._is_standing = True

    def seconds(self, num_steps: int) -> float | None:
        """Estimate the seconds until step ``num_steps`` is done; None as long as too little is known."""
        if self._steps == 0 or self._seconds < min(_LEAST, 0.02 * num_steps * self._seconds / self._steps):
            return None
        standing = self._stood / max(self._number - self._first, 1)
        return (num_steps - self._number) * (self._seconds / self._steps + standing)


def spelt(seconds: float | None) -> str:
    """Spell a time as ``3:07`` or ``1:02:45``; a dash where there is none."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
