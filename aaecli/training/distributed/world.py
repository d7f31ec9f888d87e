"""The processes of one training: what they add up, and what the first one tells the others."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar, cast

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from aaecli.errors import AaeError
from aaecli.training.distributed.launch import Launch

_T = TypeVar("_T")
_TIMEOUT = timedelta(minutes=30)
"""How long a process waits for the others: longer than the first one alone is busy with, at most."""


class World:
    """The processes of one training, as one of them sees them. Alone, nothing that it does costs anything.

    Every process has to call the methods that communicate, in the same order. Means are of shares of one size, so that
    the mean of the processes' means is the mean of all.

    Args:
        launch: Which process this is. Of more than one, torch's process group has to exist.
    """

    def __init__(self, launch: Launch = Launch()) -> None:  # noqa: B008 - immutable
        self.rank, self.size = launch.rank, launch.size

    @property
    def is_first(self) -> bool:
        """Whether this process talks to the user and writes the files."""
        return self.rank == 0

    def part(self, index: Tensor) -> Tensor:
        """Give this process's share of a step's images (B,): every ``size``-th one."""
        return index if self.size == 1 else index[self.rank :: self.size]

    def seed_draws(self, seed: int) -> None:
        """Give each process a stream of random numbers of its own; the first one keeps that of a single process."""
        if self.rank:
            (state,) = np.random.SeedSequence([seed, self.rank]).generate_state(1, np.uint64).tolist()
            torch.manual_seed(state % 2**63)

    def mean_(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over the processes, all of them in one message."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        self._sum_(flat)
        flat /= self.size
        for tensor, part in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view(tensor.shape))

    def mean(self, value: Tensor) -> Tensor:
        """Give the mean of a tensor over the processes; gradients go back to all of them."""
        return value if self.size == 1 else cast(Tensor, _Mean.apply(value, self))  # type: ignore[no-untyped-call]

    def stacked(self, value: Tensor) -> Tensor:
        """Give the tensors (…) of all processes as one (size, …), without gradients."""
        parts = [torch.empty_like(value) for _ in range(self.size)]
        with _among_others():
            dist.all_gather(parts, value.contiguous())
        return torch.stack(parts)

    def from_first_(self, value: Tensor) -> None:
        """Replace a tensor by that of the first process."""
        if self.size > 1:
            with _among_others():
                dist.broadcast(value, 0)

    def of_first(self, make: Callable[[], _T]) -> _T:
        """Have the first process make something, and give it to all: plain types, paths and tensors.

        Raises:
            AaeError: In every process, where making it raised one.
        """
        if self.size == 1:
            return make()
        made: list[Any] = [None, None]
        error: AaeError | None = None
        if self.is_first:
            try:
                made[0] = make()
            except AaeError as raised:
                error, made[1] = raised, (raised.message, raised.hint)
        with _among_others():
            dist.broadcast_object_list(made, 0)
        if error is not None:
            raise error
        if made[1] is not None:
            raise AaeError(*made[1])
        return cast(_T, made[0])

    def gathered(self, value: _T) -> list[_T]:
        """Give what each process has, by rank: plain types and tensors of the processor."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        with _among_others():
            dist.all_gather_object(found, value)
        return found

    def summed(self, *numbers: float) -> list[float]:
        """Add up numbers over the processes."""
        total = torch.tensor(numbers, dtype=torch.float64)
        self._sum_(total)
        return cast(list[float], total.tolist())

    def check_agreement(self, weights: Iterator[Tensor]) -> None:
        """See that the weights are the same in every process.

        Raises:
            AaeError: They are not.
        """
        if self.size == 1:
            return
        found = self.gathered([float(weight.detach().double().sum()) for weight in weights])
        if any(other != found[0] for other in found):
            raise AaeError(
                "The weights of the processes have drifted apart.",
                "Use one kind of machine and one version of torch for all processes.",
            )

    def _sum_(self, value: Tensor) -> None:
        with _among_others():
            dist.all_reduce(value)


ALONE = World()


class _Mean(torch.autograd.Function):
    """The mean over the processes, whose gradient is the mean of the processes' gradients."""

    @staticmethod
    def forward(context: Any, value: Tensor, world: World) -> Tensor:
        context.world = world
        mean = value.detach().clone()
        world.mean_([mean])
        return mean

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        mean = gradients[0].clone()
        context.world.mean_([mean])
        return mean, None


@contextmanager
def joined(launch: Launch) -> Iterator[World]:
    """Join the other processes of a training for the length of the block.

    Processors exchange tensors by gloo, GPUs by NCCL, one GPU a process.

    Raises:
        AaeError: The others cannot be reached, or there are fewer GPUs than processes.
    """
    if launch.size == 1:
        yield ALONE
        return
    backend = "gloo"
    if torch.cuda.is_available() and dist.is_nccl_available():
        if launch.local_rank >= torch.cuda.device_count():
            raise AaeError(
                f"There are {torch.cuda.device_count()} GPUs, and more processes than that on this machine.",
                "Start one process a GPU: torchrun --nproc-per-node gpu; or hide them: CUDA_VISIBLE_DEVICES=",
            )
        torch.cuda.set_device(launch.local_rank)
        backend = "cpu:gloo,cuda:nccl"
    with _ending_at_once(), _among_others():
        dist.init_process_group(backend, timeout=_TIMEOUT, rank=launch.rank, world_size=launch.size)
    try:
        yield World(launch)
    finally:
        dist.destroy_process_group()


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """Have signals end the process in the block, as the system does it.

    Whoever waits for another process that never comes does not wait in Python, whose handlers would be called too late:
    torchrun gives its processes 30 seconds to end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _among_others() -> Iterator[None]:
    """Turn the failure to reach another process into a sentence."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise AaeError(
            f"Another process of this training cannot be reached: {reason}",
            "What it says itself tells why; `aaecli doctor` says whether this machine's torch is whole.",
        ) from error
