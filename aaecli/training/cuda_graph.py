"""A step on CUDA, recorded once as a graph and replayed: one launch in place of some hundred small ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from aaecli.errors import AaeError
from aaecli.models.batch import Batch
from aaecli.training.memory_errors import is_out_of_memory

WARM_UP = 3
"""Steps taken one operation at a time before one is recorded: libraries choose their algorithms in them."""


class _Recording(NamedTuple):
    """A graph with the places in memory that it reads its batch from and writes its losses to."""

    graph: torch.cuda.CUDAGraph
    batch: Batch
    names: tuple[str, ...]
    losses: Tensor  # (T,)


class Captured:
    """A function of a batch that is recorded as a CUDA graph and replayed with the batches that follow.

    The first few calls run as they are, on a stream of their own, as torch asks for; then the function is recorded,
    and from there on replayed. Each call does the whole of its work, so nothing is taken twice or left out. A batch of
    another shape starts anew. What the function reads beside the batch has to stay where it is in memory, and numbers
    that change from step to step have to be tensors.

    Args:
        take: What to record. It may draw random numbers on the device, but not wait for it.
        optimisers: Those that ``take`` moves weights with.

    Raises:
        AaeError: From a call, where ``take`` cannot be recorded.
    """

    def __init__(self, take: Callable[[Batch], dict[str, Tensor]], optimisers: Iterable[torch.optim.Optimizer]) -> None:
        self._take = take
        self._optimisers = tuple(optimisers)
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._shapes: tuple[torch.Size | None, ...] = ()
        self._num_taken = 0
        self._recording: _Recording | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether the next batch of the same shape is going to be replayed."""
        return self._recording is not None

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """Do what was recorded to ``batch``; gives the losses, each a tensor of its own."""
        shapes = tuple(None if part is None else part.shape for part in batch)
        if shapes != self._shapes:
            self._shapes, self._num_taken, self._recording = shapes, 0, None
        if self._num_taken < WARM_UP:
            self._num_taken += 1
            return self._taken_aside(batch)
        if self._recording is None:
            self._recording = self._record(batch)
        return _replay(self._recording, batch)

    def _taken_aside(self, batch: Batch) -> dict[str, Tensor]:
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            losses = {name: loss.detach() for name, loss in self._take(batch).items()}
        current.wait_stream(self._stream)
        return losses

    def _record(self, batch: Batch) -> _Recording:
        own = Batch(*(None if part is None else part.clone() for part in batch))
        graph = torch.cuda.CUDAGraph()
        with _saying_why_not(), _capturable(self._optimisers), torch.cuda.graph(graph, stream=self._stream):
            losses = self._take(own)
            # Stacked, one copy keeps them from what the next replay writes.
            stacked = torch.stack([loss.detach() for loss in losses.values()])
        return _Recording(graph, own, tuple(losses), stacked)


def _replay(recording: _Recording, batch: Batch) -> dict[str, Tensor]:
    for own, part in zip(recording.batch, batch, strict=True):
        if own is not None and part is not None:
            own.copy_(part)
    recording.graph.replay()
    return dict(zip(recording.names, recording.losses.clone().unbind(), strict=True))


@contextmanager
def _saying_why_not() -> Iterator[None]:
    """Turn what torch says where it cannot record into a sentence; a lack of memory is for others to explain."""
    try:
        yield
    except RuntimeError as error:
        # Ending a recording that has failed can fail as well, and then says less than what came first.
        cause = error.__context__ or error
        if is_out_of_memory(cause):
            raise cause from None
        reason = str(cause).partition("\n")[0]
        raise AaeError(
            f"The step could not be recorded as a CUDA graph: {reason}",
            "Train with --no-cuda-graph: it is slower and asks less of the GPU.",
        ) from error


@contextmanager
def _capturable(optimisers: tuple[torch.optim.Optimizer, ...]) -> Iterator[None]:
    """Tell optimisers that they are being recorded. For fused ones, as here, it changes nothing but a check."""
    groups = [group for optimiser in optimisers for group in optimiser.param_groups]
    for optimiser in optimisers:
        optimiser.zero_grad()  # what is recorded has to make its own gradients, in the graph's memory
    for group in groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group in groups:
            group["capturable"] = False
