"""Cases without end, kind by kind."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from tests.hostile.checkpoints import Write

Case = tuple[str, Write]
"""What a case is, and what writes it and says which command is to read it."""


def endless(kinds: Sequence[Callable[[random.Random, int], Case]], seed: int) -> Iterator[Case]:
    """Make a case of each kind in turn, again and again; the same ones come from the same seed."""
    number = 0
    while True:
        for kind in kinds:
            # A generator of its own for each: a case can be had again without those before it.
            yield kind(random.Random(f"{seed}/{number}"), number)
            number += 1
