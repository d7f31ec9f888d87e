"""How often a training saves the state that it can go on from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aaecli.errors import AaeError

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class CheckpointInterval:
    """Saved when this many steps, or this many seconds, have passed since the last time.

    Attributes:
        steps: Number of steps; 0 where ``seconds`` says it.
        seconds: Seconds of a clock that nobody can set; 0 where ``steps`` says it.
    """

    steps: int = 0
    # A state of the default networks is 60 MB: seconds bound what saving costs, however short an epoch is.
    seconds: float = 60.0

    def is_due(self, steps: int, seconds: float) -> bool:
        """Tell whether to save, so many steps and seconds after the last time."""
        return steps >= self.steps if self.steps else seconds >= self.seconds


def parse_checkpoint_interval(text: str) -> CheckpointInterval:
    """Read ``500`` (steps), ``90s``, ``2m`` or ``1h``.

    Raises:
        AaeError: It is none of these, or 0.
    """
    found = re.fullmatch(r"(\d{1,9})([smh]?)", text.strip(), re.ASCII)
    if not found or int(found[1]) == 0:
        raise AaeError(
            f"--save-every '{text}' is neither a number of steps nor a time.",
            "Examples: 500 (steps), 90s, 2m, 1h.",
        )
    number = int(found[1])
    return CheckpointInterval(0, number * _SECONDS[found[2]]) if found[2] else CheckpointInterval(number, 0.0)
