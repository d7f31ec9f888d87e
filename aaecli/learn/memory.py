"""When the memory does not suffice: whose fault it is, and the batch size that would fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from aaecli.errors import AaeError

if TYPE_CHECKING:
    from aaecli.learn.batch import Batch
    from aaecli.learn.step import Step

# What torch's allocators say; the one for the processor has no exception of its own.
_SIGNS = ("DefaultCPUAllocator", "can't allocate memory", "out of memory", "bad_alloc")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an exception means that memory could not be had, on the device or beside it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


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
            "Take narrower layers (network.hidden in a --config file), or another --device.",
        ) from error


@contextmanager
def telling_what_fits(step: Step, batch: Batch, number: int) -> Iterator[None]:
    """Turn a lack of memory during a step into a sentence that says which batch size would have fitted.

    Raises:
        AaeError: The memory does not suffice. The weights may since have moved: nothing is to be saved after that.
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
    fits = _fitting(step, batch, number, size)
    hint = f"--batch-size {fits} fits." if fits else "Take narrower layers (network.hidden in a --config file)."
    raise AaeError(f"The memory of the device does not suffice for a batch of {size:,} images.", hint) from cause


def _fitting(step: Step, batch: Batch, number: int, size: int) -> int | None:
    """Halve the batch until a step of it fits; None where not even two images do."""
    while (size := size // 2) >= 2:
        if step.device.type == "cuda":
            torch.cuda.empty_cache()
        try:
            step(_first(batch, size), number)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            return size
    return None


def _first(batch: Batch, size: int) -> Batch:
    if batch.unlabelled is not None:
        return batch._replace(unlabelled=batch.unlabelled[:size])
    return Batch(None, *(None if part is None else part[:size] for part in (batch.labelled, batch.label)))
