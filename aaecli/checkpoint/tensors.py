"""Tensors from the parts of a checkpoint, and content in the form that can be read again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from aaecli.checkpoint.archive import Archive
from aaecli.checkpoint.unpickling import Described

_TYPES = {
    "Float": torch.float32,
    "Double": torch.float64,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
}


def filled(content: dict[str, Any], archive: Archive, max_bytes: int) -> dict[str, Any]:
    """Read the numbers of every tensor that a content describes, up to so many bytes of them.

    Raises:
        ValueError: A part is missing or of another size, two tensors share one, or there are too many.
        OSError: The file cannot be read.
    """
    taken: set[str] = set()
    left = max_bytes

    def fill(value: Any) -> Any:
        if isinstance(value, Described):
            if value.key in taken:
                raise ValueError("two tensors in it are of the same numbers")
            taken.add(value.key)
            nonlocal left
            left -= value.size * _TYPES[value.kind].itemsize
            if left < 0:
                raise ValueError(f"its weights are larger than {max_bytes:,} bytes")
            return _tensor(value, archive)
        if isinstance(value, dict):
            return {key: fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [fill(inner) for inner in value]
        return tuple(fill(inner) for inner in value) if isinstance(value, tuple) else value

    whole: dict[str, Any] = fill(content)
    return whole


def _tensor(described: Described, archive: Archive) -> Tensor:
    dtype, name = _TYPES[described.kind], f"data/{described.key}"
    entry = archive.entries.get(name)
    if entry is None or entry.size != described.size * dtype.itemsize:
        raise ValueError("a tensor in it claims more numbers than it holds")
    if not described.size:
        return torch.empty(described.shape, dtype=dtype)
    # A byte that is neither 0 nor 1 is no valid boolean, and comparisons with it are undefined.
    flat = torch.frombuffer(archive.read(name), dtype=torch.uint8 if dtype == torch.bool else dtype)
    flat = flat != 0 if dtype == torch.bool else flat
    return flat.as_strided(described.shape, described.stride, described.offset)


def plain(value: Any) -> Any:
    """Bring content into the form in which it is written: a tree of plain values, each tensor with numbers of its own.

    Raises:
        TypeError: It holds something that could not be read again.
    """
    taken: set[int] = set()

    def plainly(value: Any) -> Any:
        if isinstance(value, Tensor):
            # The memory layout stays: optimisers iterate over a weight and its moments in the same order.
            own = value.detach().cpu()
            # torch.save writes a view with its whole storage, and a shared storage only once.
            is_whole = own.untyped_storage().nbytes() == own.nbytes
            if not is_whole or own.data_ptr() in taken:
                own = own.clone()
            taken.add(own.data_ptr())
            return own
        if isinstance(value, dict):
            return {_key(key): plainly(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [plainly(inner) for inner in value]
        if isinstance(value, tuple):
            return tuple(plainly(inner) for inner in value)
        if value is None or type(value) in (bool, int, float, str):
            return value
        raise TypeError(f"a {type(value).__name__} has no place in a checkpoint")

    return plainly(value)


def packed_names(names: Iterable[str]) -> Tensor:
    """Pack names of files into one tensor: a hundred thousand of them would be too many for the header."""
    joined = "\0".join(names).encode("utf-8", "surrogateescape")
    return torch.frombuffer(bytearray(joined), dtype=torch.uint8) if joined else torch.empty(0, dtype=torch.uint8)


def unpacked_names(packed: object) -> list[str]:
    """Give the names that ``packed_names`` packed.

    Raises:
        ValueError: It is no such tensor.
    """
    if packed is None:
        return []
    if not isinstance(packed, Tensor) or packed.dtype != torch.uint8 or packed.ndim != 1:
        raise ValueError
    joined = packed.numpy().tobytes().decode("utf-8", "surrogateescape")
    return joined.split("\0") if joined else []


def _key(key: Any) -> str | int:
    if type(key) in (str, int):
        return key  # type: ignore[no-any-return]
    raise TypeError(f"a {type(key).__name__} is no key of a checkpoint")
