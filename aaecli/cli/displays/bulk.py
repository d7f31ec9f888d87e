"""How far ``bulk`` is: a line that changes on a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aaecli.cli.time_left import spelt
from aaecli.terminal.console import say
from aaecli.text import number_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aaecli.scale.plan import Shard
    from aaecli.scale.shard import Report

_LOG_SECONDS = 60.0


class BulkDisplay:
    """Counts shards and pictures.

    Args:
        write: Sets the text of the line on a terminal.
        live: Whether there is one.
        quiet: Say nothing but errors.

    Attributes:
        num_pictures: Pictures that were answered.
        num_unreadable: Those of them that could not be read.
        seconds: How long it has taken so far.
    """

    def __init__(self, write: Callable[[str], None], *, live: bool, quiet: bool) -> None:
        self._write, self._live, self._quiet = write, live, quiet
        self._start = self._last = time.monotonic()
        self._num_shards = self._num_left = self._num_done = 0
        self.num_pictures = self.num_unreadable = 0

    @property
    def seconds(self) -> float:
        """Seconds since the first shard began."""
        return time.monotonic() - self._start

    def begin(self, num_shards: int, num_left: int) -> None:
        """Take how many shards there are, and how many are left."""
        self._start = self._last = time.monotonic()
        self._num_shards, self._num_left = num_shards, num_left
        if num_left < num_shards and not self._quiet:
            say(f"Done already: {num_shards - num_left:,} of {number_of(num_shards, 'shard')}.")

    def shard(self, shard: Shard, report: Report) -> None:
        """Count a shard."""
        self._num_done += 1
        self.num_pictures += report.num_pictures
        self.num_unreadable += report.num_unreadable
        if report.error:
            say(f"warning: shard {shard.id} failed: {report.error}")
        if self._live:
            self._write(self._line())
        elif not self._quiet and time.monotonic() - self._last > _LOG_SECONDS:
            self._last = time.monotonic()
            say(self._line() + ".")

    def _line(self) -> str:
        done = self._num_shards - self._num_left + self._num_done
        seconds = self.seconds
        left = (self._num_left - self._num_done) * seconds / self._num_done
        return (
            f"{done:,} of {number_of(self._num_shards, 'shard')}, {number_of(self.num_pictures, 'picture')}, "
            f"{self.num_pictures / max(seconds, 1e-3):,.0f} a second, {spelt(left)} left"
        )
