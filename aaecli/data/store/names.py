"""The names of the images of a store: millions of texts of which each is read when somebody wants it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from aaecli.data.naming.computed_names import ComputedNames

_ROWS = 2**16


class StoredNames(ComputedNames):
    """Names that lie one behind the other in an array of bytes.

    Args:
        text: uint8 (B,), in UTF-8; names of files that are none keep their bytes.
        end: int64 (N,), where each ends; sorted, the last one B.
    """

    def __init__(self, text: NDArray[np.uint8], end: NDArray[np.int64]) -> None:
        self._text, self._end = text, end

    def __len__(self) -> int:
        """Number of names."""
        return len(self._end)

    def name(self, number: int) -> str:
        """Read one name."""
        begin = self._end[number - 1] if number else 0
        return bytes(self._text[begin : self._end[number]]).decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        """Read all of them, many at a time."""
        begin = 0
        for start in range(0, len(self), _ROWS):
            ends = self._end[start : start + _ROWS].tolist()
            first, text = begin, bytes(self._text[begin : ends[-1]])
            for end in ends:
                yield text[begin - first : end - first].decode("utf-8", "surrogateescape")
                begin = end


def encoded(names: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Give the bytes (B,) of some names, and the number of bytes of each (N,)."""
    parts = [name.encode("utf-8", "surrogateescape") for name in names]
    return np.frombuffer(b"".join(parts), np.uint8), np.array([len(part) for part in parts], np.int64)
