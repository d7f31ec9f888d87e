"""Pictures of requests become what the model sees, on all cores and away from the thread that answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool

from aaecli.data.preprocessing.prepare import Batch, Encoded, Recipe, prepare_chunk
from aaecli.data.workers import start_pool
from aaecli.errors import AaeError

_CHUNK = 8
"""Pictures that a process is handed at once: a drawing takes 15 ms, handing it over 1."""


class Preparing:
    """Processes that prepare pictures. They are forked, so this is made before anything that starts threads.

    Nothing here limits the time of a picture: decoding has limits of its own, and what follows works on at most a
    thousand pixels a side.
    """

    def __init__(self) -> None:
        # Nothing there multiplies matrices in numpy, and its threads would forbid forking.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        self._pool, self._count = start_pool()

    async def __call__(self, pictures: Sequence[Encoded], recipe: Recipe) -> list[Batch]:
        """Prepare pictures, in order.

        Of one request no more chunks wait than there are processes: others' come in between.

        Raises:
            AaeError: A process was ended from outside, as by a system that has no memory left.
        """
        pool = self._pool
        chunks = [list(pictures[start : start + _CHUNK]) for start in range(0, len(pictures), _CHUNK)]
        turn = asyncio.Semaphore(self._count)

        async def prepared(chunk: list[Encoded]) -> Batch:
            async with turn:
                return await asyncio.wrap_future(pool.submit(prepare_chunk, chunk, recipe))

        try:
            return list(await asyncio.gather(*map(prepared, chunks)))
        except BrokenProcessPool as error:
            if pool is self._pool:  # the first of those that were waiting for it
                self._pool, _ = start_pool(may_fork=False)
                pool.shutdown(wait=False)
            raise AaeError(
                "A process that reads pictures was ended from outside.", "Send it again; perhaps the memory ran out."
            ) from error

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(wait=True, cancel_futures=True)
