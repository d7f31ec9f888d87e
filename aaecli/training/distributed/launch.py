"""Which process of a training this is, as torchrun says it. Imports no torch: it is asked before the data is read."""

from __future__ import annotations

import os
from typing import NamedTuple

from aaecli.errors import AaeError

MOST_PROCESSES = 4096


class Launch(NamedTuple):
    """A process of a training.

    Attributes:
        rank: Its number, from 0.
        size: How many there are.
        local_rank: Its number on its machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process talks to the user and writes the files."""
        return self.rank == 0


def launched() -> Launch:
    """Read what torchrun tells each process that it starts; a program started otherwise is alone.

    Raises:
        AaeError: The variables contradict each other.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return Launch()
    words = [os.environ.get(name, "0") for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")]
    numbers = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 6]
    if len(numbers) == len(words) and 0 <= numbers[0] < numbers[1] <= MOST_PROCESSES:
        return Launch(*numbers)
    raise AaeError(
        "The variables RANK, WORLD_SIZE and LOCAL_RANK do not name a process of a training.",
        "torchrun sets them; to train with one process, unset them.",
    )
