"""Threads with sessions of their own, one queue, and batches that cost no latency."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aaecli.errors import AaeError
from aaecli.serve.session import Decoder, Encoder
from aaecli.web.requests import Refusal

Kind = Literal["encode", "decode", "call"]


class Pair(NamedTuple):
    """The sessions of one thread.

    Attributes:
        encoder: What reads.
        decoder: What draws; None for a model that does not.
    """

    encoder: Encoder
    decoder: Decoder | None

    def double(self) -> Pair:
        """Open the same model once more, for another thread."""
        return Pair(self.encoder.double(), None if self.decoder is None else self.decoder.double())


@dataclass
class Job:
    """Something to compute: rows that may share a run with others', or a function that runs alone."""

    kind: Kind
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    feed: tuple[NDArray[np.float32] | None, ...] = ()
    rows: int = 1
    work: Callable[[Pair], Any] | None = None


class Crew:
    """Runs jobs. A thread takes the first and those of the same kind that have gathered behind it.

    It never waits for more to come: on a CPU a batch saves a quarter, so it may not cost latency. There is one thread
    until a job finds none that waits for it: sessions of a second thread would double what a start costs, for a server
    that answers one person.

    Args:
        first: The sessions of the first thread, which have to be opened with ``may_be_doubled``.
        run: Computes jobs of one kind with the sessions of a thread, and gives an answer for each.
        most: Most threads.
        max_batch: Most rows that share a run.
    """

    def __init__(self, first: Pair, run: Callable[[Pair, list[Job]], Sequence[Any]], most: int, max_batch: int) -> None:
        self._first, self._run, self._most, self._max_batch = first, run, most, max_batch
        self._spare = [first]
        self._queue: deque[Job] = deque()
        self._changed = threading.Condition()
        self._doubling = threading.Lock()
        self._is_open = False
        self._started: list[threading.Thread] = []
        self._num_running = self._num_free = 0

    def start(self) -> None:
        """Start the first thread, which takes what has gathered."""
        with self._changed:
            self._is_open = True
            self._start_thread()

    def put(self, job: Job) -> None:
        """Put a job into the queue."""
        with self._changed:
            self._queue.append(job)
            self._grow()
            self._changed.notify()

    def close(self) -> None:
        """End the threads; what is still in the queue is not answered."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
            started = list(self._started)
        for thread in started:
            thread.join()
        for job in self._queue:
            job.future.cancel()
        self._queue.clear()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"engine-{len(self._started)}", daemon=True)
        self._started.append(thread)
        self._num_running += 1
        self._num_free += 1
        thread.start()

    def _grow(self) -> None:
        """Start a thread where more jobs wait than threads are free for; the lock is held."""
        if self._is_open and len(self._queue) > self._num_free and self._num_running < self._most:
            self._start_thread()

    def _open(self) -> Pair:
        """Give sessions that no thread has."""
        # They are made one after the other: onnxruntime's making of them is not safe in several threads.
        with self._doubling:
            return self._spare.pop() if self._spare else self._first.double()

    def _work(self) -> None:
        try:
            pair = self._open()
        except AaeError:
            # Sessions have a bound on the memory that they take together: there are as many threads as there can be.
            with self._changed:
                self._num_free -= 1
                self._num_running -= 1
                self._most = self._num_running
            return
        try:
            while jobs := self._take():
                self._answer(pair, jobs)
        finally:
            with self._changed:
                self._num_free -= 1
                self._num_running -= 1
                self._spare.append(pair)
                self._grow()

    def _take(self) -> list[Job]:
        with self._changed:
            while not self._queue and self._is_open:
                self._changed.wait()
            if not self._is_open:
                return []
            self._num_free -= 1
            first = self._queue.popleft()
            jobs, rows = [first], first.rows
            while (
                first.kind != "call"
                and self._queue
                and self._queue[0].kind == first.kind
                and rows + self._queue[0].rows <= self._max_batch
            ):
                jobs.append(self._queue.popleft())
                rows += jobs[-1].rows
            return jobs

    def _answer(self, pair: Pair, jobs: list[Job]) -> None:
        # What stands where a defect of the program ends this thread: its requests are not left waiting, and another
        # thread takes its place.
        answers: Sequence[Any] = [AaeError("The server failed at this.", "Look at what it wrote.")] * len(jobs)
        try:
            answers = self._run(pair, jobs)
        except (AaeError, Refusal) as error:
            answers = [error] * len(jobs)
        finally:
            # First, so that whoever asks again at once finds this thread free.
            with self._changed:
                self._num_free += 1
            for job, answer in zip(jobs, answers, strict=True):
                # The loop is closed where the server has ended without waiting.
                if not job.loop.is_closed():
                    job.loop.call_soon_threadsafe(_finish, job.future, answer)


def _finish(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():
        return  # whoever asked has gone
    if isinstance(answer, AaeError | Refusal):
        future.set_exception(answer)
    else:
        future.set_result(answer)
