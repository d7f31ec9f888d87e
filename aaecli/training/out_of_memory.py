"""When the memory does not suffice: whose fault it is, and the batch size that would fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from aaecli.errors import AaeError
from aaecli.models.batch import Batch
from aaecli.models.devices import random_state, restore_random_state
from aaecli.training.memory_errors import is_out_of_memory
from aaecli.training.step import Step


@contextmanager
def naming_what_is_too_large() -> Iterator[None]:
    """Turn a lack of memory within the block into a sentence.

    Raises:
        AaeError: The memory does not suffice for the networks and the images.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise AaeError(
            "The networks and the images do not fit into the memory of the device.",
            "Take narrower layers ([network.encoder_options] in a --config file), or another --device.",
        ) from error


@contextmanager
def suggesting_what_fits(step: Step, batch: Batch, number: int) -> Iterator[None]:
    """Turn a lack of memory during a step into a sentence that says which batch size would have fitted.

    Raises:
        AaeError: The memory does not suffice. The step that failed may have moved weights: nothing is to be saved
            after that. Looking for a size that fits moves nothing.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        # The traceback holds on to the tensors of the step that failed.
        cause = error.with_traceback(None)
    else:
        return
    leading = batch.labelled if batch.unlabelled is None else batch.unlabelled
    size = 0 if leading is None else len(leading)
    # Other processes would wait for ever for their share of the steps that look for a size.
    fits = _fitting(step, batch, number, size) if step.world.size == 1 else None
    hint = f"--batch-size {fits} fits." if fits else _narrower(batch)
    raise AaeError(f"The memory of the device does not suffice for a batch of {size:,} images.", hint) from cause


def _narrower(batch: Batch) -> str:
    beside = " or a smaller schedule.labelled_batch_size" if None not in (batch.unlabelled, batch.labelled) else ""
    return f"Take narrower layers ([network.encoder_options]){beside} in a --config file."


def _fitting(step: Step, batch: Batch, number: int, size: int) -> int | None:
    """Halve the batch until steps of it fit; None where not even two images do, or there is no room to try."""
    try:
        with _unmoved(step):
            while (size := size // 2) >= 2:
                if step.device.type == "cuda":
                    torch.cuda.empty_cache()
                if _fits(step, _first(batch, size), number):
                    return size
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    return None


def _fits(step: Step, batch: Batch, number: int) -> bool:
    try:
        # The first step makes the optimiser's averages, which the next one has to find room beside.
        for _ in range(step.num_until_steady):
            step(batch, number)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


@contextmanager
def _unmoved(step: Step) -> Iterator[None]:
    """Put all that a step moves back to the bit after the block: weights, averages, optimisers, random numbers."""
    tensors = list(step.state().values())
    before = [tensor.detach().to("cpu", copy=True) for tensor in tensors]
    known = [(optimiser, list(optimiser.state)) for optimiser in step.optimisers.values()]
    random = random_state(step.device)
    step.forget_gradients()
    try:
        yield
    finally:
        step.forget_gradients()
        with torch.no_grad():
            for tensor, value in zip(tensors, before, strict=True):
                tensor.copy_(value)
        for optimiser, weights in known:
            for weight in set(optimiser.state) - set(weights):
                del optimiser.state[weight]
        restore_random_state(random, step.device)


def _first(batch: Batch, size: int) -> Batch:
    """Give the batch that ``--batch-size`` makes: fewer unlabelled images; labelled ones where there are no others."""
    if batch.unlabelled is None:
        return batch._replace(labelled=_cut(batch.labelled, size), label=_cut(batch.label, size))
    return batch._replace(
        unlabelled=batch.unlabelled[:size],
        pool_label=_cut(batch.pool_label, size),
        propagated_label=_cut(batch.propagated_label, size),
    )


def _cut(part: Tensor | None, size: int) -> Tensor | None:
    return None if part is None else part[:size]
