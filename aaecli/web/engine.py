"""The model at work for many requests: threads with a session each, one queue, and batches that cost no latency."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from aaecli.data.workers import num_cores
from aaecli.errors import AaeError
from aaecli.serve.device import Device
from aaecli.serve.discovery import decoder_beside
from aaecli.serve.session import Decoder, Encoder, open_decoder, open_encoder
from aaecli.web.requests import Refusal

MAX_THREADS = 16
_T = TypeVar("_T")
_Float = NDArray[np.float32]
_Kind = Literal["encode", "decode", "call"]


class Busy(Exception):  # noqa: N818  nothing went wrong
    """As many requests are waiting as may wait."""


class Pair(NamedTuple):
    """The sessions of one thread.

    Attributes:
        encoder: What reads.
        decoder: What draws; None for a model that does not.
    """

    encoder: Encoder
    decoder: Decoder | None


@dataclass
class _Job:
    """Something to compute: rows that may share a run with others', or a function that runs alone."""

    kind: _Kind
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    feed: tuple[_Float | None, ...] = ()
    rows: int = 1
    work: Callable[[Pair], Any] | None = None


@dataclass
class Count:
    """What one model has done.

    Attributes:
        rows: Rows that were answered for.
        runs: Runs of the model that it took.
    """

    rows: int = 0
    runs: int = 0


@dataclass
class Engine:
    """Runs an encoder, and its decoder where it has one.

    A thread takes the first job and those of the same kind that have gathered behind it, up to ``max_batch`` rows. It
    never waits for more to come: on a CPU a batch saves a quarter, so it may not cost latency.

    Args:
        path: The encoder.
        device: Where to run.
        max_batch: Most rows of several requests that share a run.
        capacity: Most requests at work or waiting at once.
        threads: Threads; as many as cores where 0, and one on a GPU.

    Attributes:
        first: The pair of the first thread: what the model is, for everyone to read.
        counts: What each of the two models has done.
        in_flight: Requests at work or waiting.
    """

    path: Path
    device: Device = "auto"
    max_batch: int = 64
    capacity: int = 256
    threads: int = 0
    counts: dict[str, Count] = field(default_factory=lambda: {"encoder": Count(), "decoder": Count()})
    in_flight: int = 0

    def __post_init__(self) -> None:
        self._queue: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._opening = threading.Lock()
        self._is_closed = False
        self._running: list[threading.Thread] = []
        self.first = self._open()

    def _open(self) -> Pair:
        # Sessions are made one after the other: onnxruntime's making of them is not safe in several threads.
        with self._opening:
            beside = decoder_beside(self.path)
            encoder = open_encoder(self.path, self.device)
            return Pair(encoder, open_decoder(beside, self.device) if beside else None)

    def start(self) -> None:
        """Start the threads; the first works at once, the others open their sessions meanwhile."""
        count = 1 if self.first.encoder.device == "cuda" else self.threads or min(num_cores(), MAX_THREADS)
        for number in range(count):
            pair = self.first if number == 0 else None
            thread = threading.Thread(target=self._work, args=(pair,), name=f"engine-{number}", daemon=True)
            self._running.append(thread)
            thread.start()

    def close(self) -> None:
        """End the threads; what is still in the queue is not answered."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._running:
            thread.join()
        for job in self._queue:
            job.future.cancel()
        self._queue.clear()

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Count one request in, for as long as the block lasts.

        Raises:
            Busy: There are ``capacity`` already.
        """
        if self.in_flight >= self.capacity:
            raise Busy
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    async def encode(self, image: _Float) -> tuple[_Float | None, _Float | None]:
        """Read images float32 (N, C, H, W): see ``Encoder``."""
        found: tuple[_Float | None, _Float | None] = await self._put("encode", (image,), len(image))
        return found

    async def decode(self, label: _Float | None, style: _Float) -> _Float:
        """Draw N images: see ``Decoder``.

        Raises:
            AaeError: The model has no decoder.
        """
        if self.first.decoder is None:
            raise no_decoder()
        drawn: _Float = (await self._put("decode", (label, style), len(style)))[0]
        return drawn

    async def call(self, work: Callable[[Pair], _T], rows: int = 1) -> _T:
        """Run a function on a thread of the engine, with its sessions.

        Args:
            work: What to run.
            rows: How many rows the encoder reads in it, for the count.
        """
        found: _T = await self._put("call", (), rows, work)
        return found

    async def _put(
        self, kind: _Kind, feed: tuple[_Float | None, ...], rows: int, work: Callable[[Pair], Any] | None = None
    ) -> Any:
        loop = asyncio.get_running_loop()
        job = _Job(kind, loop.create_future(), loop, feed, rows, work)
        with self._changed:
            self._queue.append(job)
            self._changed.notify()
        return await job.future

    def _work(self, pair: Pair | None) -> None:
        pair = pair or self._open()
        while jobs := self._take():
            # What stands where a defect of the program ends this thread: its requests are not left waiting.
            answers: Sequence[Any] = [AaeError("The server failed at this.", "Look at what it wrote.")] * len(jobs)
            try:
                answers = self._run(pair, jobs)
            except (AaeError, Refusal) as error:
                answers = [error] * len(jobs)
            finally:
                self._settle(jobs, answers)

    def _take(self) -> list[_Job]:
        with self._changed:
            while not self._queue and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return []
            first = self._queue.popleft()
            jobs, rows = [first], first.rows
            while (
                first.kind != "call"
                and self._queue
                and self._queue[0].kind == first.kind
                and rows + self._queue[0].rows <= self.max_batch
            ):
                jobs.append(self._queue.popleft())
                rows += jobs[-1].rows
            return jobs

    def _run(self, pair: Pair, jobs: list[_Job]) -> Sequence[Any]:
        rows = [job.rows for job in jobs]
        part = self.counts["decoder" if jobs[0].kind == "decode" else "encoder"]
        # Several threads count; a figure that is one too low now and then is no reason for a lock.
        part.rows += sum(rows)
        part.runs += 1
        if (work := jobs[0].work) is not None:
            return [work(pair)]
        feeds = [_joined(column) for column in zip(*(job.feed for job in jobs), strict=True)]
        if jobs[0].kind == "encode":
            outputs: tuple[_Float | None, ...] = pair.encoder(_present(feeds[0]))
        else:
            if pair.decoder is None:
                raise no_decoder()
            outputs = (pair.decoder(feeds[0], _present(feeds[1])),)
        ends = np.cumsum(rows)[:-1]
        parts = [[None] * len(jobs) if output is None else np.split(output, ends) for output in outputs]
        return list(zip(*parts, strict=True))

    def _settle(self, jobs: list[_Job], answers: Sequence[Any]) -> None:
        for job, answer in zip(jobs, answers, strict=True):
            # The loop is closed where the server has ended without waiting.
            if not job.loop.is_closed():
                job.loop.call_soon_threadsafe(_finish, job.future, answer)


def no_decoder() -> AaeError:
    """Give the error for what a model without a decoder cannot do."""
    return AaeError("This model generates nothing: it has no decoder.", "Serve one that `aaecli train` made.")


def _finish(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():
        return  # whoever asked has gone
    if isinstance(answer, AaeError | Refusal):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def _joined(columns: tuple[_Float | None, ...]) -> _Float | None:
    present = [values for values in columns if values is not None]
    return np.concatenate(present) if len(present) > 1 else present[0] if present else None


def _present(values: _Float | None) -> _Float:
    if values is None:
        raise AssertionError("the route gives every input")
    return values
