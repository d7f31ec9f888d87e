"""Preparing many pictures on every core: in order, and with memory that does not grow with their number."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TypeVar

from aaecli.data.preprocessing.prepare import Batch, Encoded, Recipe, prepare_chunk
from aaecli.errors import AaeError

CHUNK = 128
"""Pictures in a chunk for a worker, and in a batch for the model."""
_Source = TypeVar("_Source")
_Result = TypeVar("_Result")
_AHEAD = 3
"""Chunks that each worker may be ahead of the reader; it bounds the memory."""


class Workers:
    """Processes that prepare pictures, a chunk at a time.

    Threads would not do: nearly all the time that a small picture takes is spent in Python.
    """

    def __init__(self, pool: ProcessPoolExecutor, count: int) -> None:
        self._pool = pool
        self._count = count

    def run(self, sources: Iterable[str | Encoded | AaeError], recipe: Recipe) -> Iterator[Batch]:
        """Prepare pictures in order. The workers begin at once, not at the first batch."""
        return self.apply(partial(prepare_chunk, recipe=recipe), sources)

    def apply(self, function: Callable[[list[_Source]], _Result], sources: Iterable[_Source]) -> Iterator[_Result]:
        """Apply a function to chunks of sources, in order. The workers begin at once, not at the first result."""
        pending = iter(sources)
        chunks: Iterator[list[_Source]] = iter(lambda: list(islice(pending, CHUNK)), [])
        queue: deque[Future[_Result]] = deque()
        self._fill(queue, function, chunks)
        return self._drain(queue, function, chunks)

    def _fill(
        self,
        queue: deque[Future[_Result]],
        function: Callable[[list[_Source]], _Result],
        chunks: Iterator[list[_Source]],
    ) -> None:
        queue.extend(self._pool.submit(function, chunk) for chunk in islice(chunks, _AHEAD * self._count - len(queue)))

    def _drain(
        self,
        queue: deque[Future[_Result]],
        function: Callable[[list[_Source]], _Result],
        chunks: Iterator[list[_Source]],
    ) -> Iterator[_Result]:
        try:
            while queue:
                yield queue.popleft().result()
                self._fill(queue, function, chunks)
        except BrokenProcessPool as error:
            raise AaeError(
                "A process that reads pictures was ended from outside.",
                "Perhaps the memory ran out: close other programs.",
            ) from error


@contextmanager
def workers(count: int | None = None, *, may_fork: bool = True) -> Iterator[Workers]:
    """Start workers, and end them with the block.

    They are forked where that is safe, which takes milliseconds, so this comes before anything that starts threads.

    Args:
        count: How many; one for each core that this process may use where None.
        may_fork: Whether nothing has started threads that Python knows nothing of, as onnxruntime does.
    """
    pool, count = start_pool(count, may_fork=may_fork)
    try:
        yield Workers(pool, count)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def start_pool(count: int | None = None, *, may_fork: bool = True) -> tuple[ProcessPoolExecutor, int]:
    """Start the processes alone, for a caller that hands out the work itself, and say how many they are.

    Args:
        count: See ``workers``.
        may_fork: Likewise.
    """
    import multiprocessing

    safe = may_fork and sys.platform == "linux" and threading.active_count() == 1
    context = multiprocessing.get_context("fork" if safe else "spawn")
    count = count or min(num_cores(), 16)
    pool = ProcessPoolExecutor(count, context, initializer=begin_worker)
    with _without_interrupts():
        pool.submit(os.getpid)
    return pool, count


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keep Ctrl-C from processes that are started in the block until they ignore it; here it comes with its end."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def num_cores() -> int:
    """Number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def begin_worker() -> None:
    """Prepare a process of a pool: it ends with its parent, leaves Ctrl-C to it, and is silent."""
    import multiprocessing

    # A worker waits for tasks on a pipe whose other end its siblings hold too: one whose parent was killed would wait
    # for ever. Of processes that were forked, the last one sees the parent go, then the one before it.
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    # Ctrl-C reaches the whole group of processes; the first of them ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # What a worker has to say it returns. The rest is chatter of C libraries about damaged files.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _end_with(sentinel: int) -> None:
    from multiprocessing.connection import wait

    wait([sentinel])
    os._exit(1)
