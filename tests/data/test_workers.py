"""Pictures are prepared on every core, a bounded number ahead, by processes that keep quiet."""

from __future__ import annotations

import os
import signal
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from aaecli.data import workers as module
from aaecli.data.preprocessing.prepare import Recipe
from aaecli.data.workers import Workers, num_cores, workers
from aaecli.errors import AaeError


class Pool:
    """Does at once what it is handed, and counts how much of it nobody has asked for yet."""

    def __init__(self) -> None:
        self.waiting = 0
        self.most = 0

    def submit(self, task: Any, chunk: list[str]) -> Future[Any]:
        pool = self

        class Asked(Future[Any]):
            def result(self, timeout: float | None = None) -> Any:
                pool.waiting -= 1
                return chunk, task.keywords["recipe"]

        self.waiting += 1
        self.most = max(self.most, self.waiting)
        return Asked()


def test_chunks_come_in_order_and_only_so_many_ahead() -> None:
    pool, read = Pool(), 0

    def sources():
        nonlocal read
        for number in range(10_000):
            read += 1
            yield f"{number}.png"

    batches = Workers(pool, 4).run(sources(), Recipe((20, 20)))
    # They begin at once.
    assert pool.most == pool.waiting == 3 * 4
    assert read <= 3 * 4 * module.CHUNK
    chunks, recipes = zip(*batches, strict=True)
    assert [name for chunk in chunks for name in chunk] == [f"{number}.png" for number in range(10_000)]
    assert max(map(len, chunks)) == module.CHUNK
    assert set(recipes) == {Recipe((20, 20))}
    assert pool.most == 3 * 4


def test_workers_that_were_ended_are_said() -> None:
    class Broken(Pool):
        def submit(self, *_: Any) -> Future[Any]:
            ended: Future[Any] = Future()
            ended.set_exception(BrokenProcessPool())
            return ended

    with pytest.raises(AaeError, match="ended from outside") as caught:
        list(Workers(Broken(), 1).run(["a.png"], Recipe()))
    assert caught.value.hint


def probe() -> tuple[bool, bool]:
    """Tell of a worker whether Ctrl-C leaves it alone, and whether what it says is thrown away."""
    return signal.getsignal(signal.SIGINT) == signal.SIG_IGN, os.path.sameopenfile(2, os.open(os.devnull, os.O_WRONLY))


def test_workers_are_quiet_and_leave_ctrl_c_to_the_first() -> None:
    with workers() as pool:
        assert pool._pool.submit(probe).result() == (True, True)


def test_the_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 5, 7}, raising=False)
    assert num_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    for found, expected in ((6, 6), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda found=found: found)
        assert num_cores() == expected
