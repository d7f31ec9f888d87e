"""Arrays in ``.npy`` files: written piece by piece, and mapped where type, shape and size are what they must be."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from aaecli.errors import AaeError
from aaecli.files.opening import open_regular

HEADER = 128
"""Bytes before the values: those of numpy's own files of such shapes."""
PACK_AGAIN = "Pack the data set anew with `aaecli data pack`, or copy the store again."
"""What to do about a damaged file of a store."""


def header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """Spell the header of an array, as numpy does."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + (HEADER - 10).to_bytes(2, "little") + text.encode().ljust(HEADER - 11) + b"\n"


def num_bytes(dtype: str, shape: tuple[int, ...]) -> int:
    """Give the size of the file of an array."""
    return HEADER + math.prod(shape) * np.dtype(dtype).itemsize


def map_array(path: Path, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Map an array of known type and shape. It takes address space, and memory only where the system has some to spare.

    The header has to be the one that this type and shape have, so nothing of a stranger's is parsed or unpickled.

    Args:
        path: The file; a link is refused, since a store of somebody else could lead anywhere with it.
        dtype: As numpy spells it in the header.
        shape: Its sizes.

    Returns:
        The array, which cannot be written to.

    Raises:
        AaeError: The file is missing or a link, or holds anything else.
    """
    if os.path.islink(path):  # noqa: PTH114 - Path's own lets errors through
        raise AaeError(f"{path} is a link, and a store is read without following any.", PACK_AGAIN)
    with open_regular(path, hint=PACK_AGAIN) as file:
        size, wanted = os.fstat(file.fileno()).st_size, num_bytes(dtype, shape)
        if size != wanted:
            raise AaeError(f"{path} has {size:,} bytes; by store.json it has {wanted:,}.", PACK_AGAIN)
        if file.read(HEADER) != header(dtype, shape):
            raise AaeError(f"{path} is damaged: it is no array of {shape} values of type {dtype}.", PACK_AGAIN)
        if 0 in shape:
            return np.empty(shape, dtype)
        try:
            return np.asarray(np.memmap(file, dtype, "r", HEADER, shape))
        except (OSError, ValueError) as error:
            raise AaeError(f"Cannot map {path} into memory.", "Use a 64-bit system, or a smaller store.") from error


class GrowingArray:
    """An array that is written row by row; how many there are is known at the end.

    Args:
        file: The file, open to write and empty.
        dtype: Type of its values, as numpy spells it in the header.
        row: Shape of a row.
    """

    def __init__(self, file: BinaryIO, dtype: str, row: tuple[int, ...] = ()) -> None:
        self._file, self._dtype, self._row = file, dtype, row
        self.num_rows = 0
        file.write(bytes(HEADER))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all that has been written."""
        return (self.num_rows, *self._row)

    def append(self, rows: NDArray[Any]) -> None:
        """Write rows (N, …)."""
        if len(rows):
            self._file.write(np.ascontiguousarray(rows, self._dtype).data)
            self.num_rows += len(rows)

    def finish(self) -> None:
        """Write the header: before that the file is none of an array."""
        self._file.seek(0)
        self._file.write(header(self._dtype, self.shape))
        self._file.seek(0, io.SEEK_END)
        self._file.flush()
