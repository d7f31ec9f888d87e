"""The model at work for many requests: what they ask becomes jobs, and runs of an encoder and its decoder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from aaecli.data.workers import num_cores
from aaecli.errors import AaeError
from aaecli.serve.device import Device
from aaecli.serve.discovery import decoder_beside
from aaecli.serve.session import open_decoder, open_encoder
from aaecli.web.crew import Crew, Job, Kind, Pair

MAX_THREADS = 16
_T = TypeVar("_T")
_Float = NDArray[np.float32]


class Busy(Exception):  # noqa: N818  nothing went wrong
    """As many requests are waiting as may wait."""


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
    """Runs an encoder, and its decoder where it has one, in the threads of a ``Crew``.

    Args:
        path: The encoder.
        device: Where to run.
        max_batch: Most rows of several requests that share a run.
        capacity: Most requests at work or waiting at once.
        threads: Most threads; as many as cores where 0, and one on a GPU.

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
        beside = decoder_beside(self.path)
        encoder = open_encoder(self.path, self.device, may_be_doubled=True)
        self.first = Pair(encoder, open_decoder(beside, self.device, may_be_doubled=True) if beside else None)
        self.threads = 1 if encoder.device == "cuda" else self.threads or min(num_cores(), MAX_THREADS)
        self._crew = Crew(self.first, self._run, self.threads, self.max_batch)

    def start(self) -> None:
        """Begin with what has been asked."""
        self._crew.start()

    def close(self) -> None:
        """End the threads; what still waits is not answered."""
        self._crew.close()

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
        self, kind: Kind, feed: tuple[_Float | None, ...], rows: int, work: Callable[[Pair], Any] | None = None
    ) -> Any:
        loop = asyncio.get_running_loop()
        job = Job(kind, loop.create_future(), loop, feed, rows, work)
        self._crew.put(job)
        return await job.future

    def _run(self, pair: Pair, jobs: list[Job]) -> Sequence[Any]:
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


def no_decoder() -> AaeError:
    """Give the error for what a model without a decoder cannot do."""
    return AaeError("This model generates nothing: it has no decoder.", "Serve one that `aaecli train` made.")


def _joined(columns: tuple[_Float | None, ...]) -> _Float | None:
    present = [values for values in columns if values is not None]
    return np.concatenate(present) if len(present) > 1 else present[0] if present else None


def _present(values: _Float | None) -> _Float:
    if values is None:
        raise AssertionError("the route gives every input")
    return values
