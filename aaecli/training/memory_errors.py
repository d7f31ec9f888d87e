"""What torch raises where memory does not suffice."""

from __future__ import annotations

import torch

# What torch's allocators say; the one for the processor has no exception of its own.
_SIGNS = ("DefaultCPUAllocator", "can't allocate memory", "out of memory", "bad_alloc")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an exception means that memory could not be had, on the device or beside it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)
