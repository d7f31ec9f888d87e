"""Batches of arrays: the one loop that all of this room goes through its rows by."""

from __future__ import annotations

from collections.abc import Iterator


def batches(num: int, size: int) -> Iterator[slice]:
    """Cut ``num`` rows into slices of ``size``; none at all are one empty batch, so that answers have their shape."""
    for start in range(0, max(1, num), size):
        yield slice(start, start + size)
