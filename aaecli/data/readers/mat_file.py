"""A stranger's ``.mat`` file (MATLAB 5 to 7.2): its arrays of numbers, read in bounded time and memory.

The format is MathWorks' "MAT-File Format". Headers are read and checked before any values are, and of a packed array as
much is unpacked as its header claims. scipy's loadmat unpacks whatever there is, and builds whatever objects it finds.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from aaecli.data.readers.arrays import MAX_BYTES
from aaecli.errors import AaeError
from aaecli.files.opening import open_regular

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
_FLAGS, _DIMENSIONS, _NAME = 6, 5, 1
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""How values are stored, by the number of their type; MATLAB stores whole numbers of doubles in fewer bytes."""
_NUMERIC_CLASSES = range(6, 16)
_COMPLEX = 0x800
_MOST_ARRAYS = 64
_MAX_DIMS = 5
_MAX_NAME_BYTES = 255
_BOMB_BYTES = 2**26
_MAX_RATIO = 300
"""How many times its packed size an array of more than ``_BOMB_BYTES`` may have."""
_CHUNK = 2**20
_DAMAGE = (OSError, EOFError, ValueError, OverflowError, struct.error, zlib.error)
_HINT = "Copy or download the file again."


@dataclass(frozen=True)
class Header:
    """What an array claims to be.

    Attributes:
        shape: Its sizes; the first axis varies fastest.
        dtype: Type of its values as they are stored.
        start: Where its element begins in the file, behind the tag.
        length: Bytes of the element.
        is_packed: Whether it is packed.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int
    length: int
    is_packed: bool

    @property
    def num_bytes(self) -> int:
        """Bytes of all values."""
        return math.prod(self.shape) * self.dtype.itemsize


class MatFile:
    """The arrays of numbers of a file, of which only the headers are read at first.

    Args:
        path: The file.

    Attributes:
        headers: The header of each array by its name; what else the file holds (structures, texts) is left out.

    Raises:
        AaeError: The file is no such file, is damaged, or an array claims more than it can hold.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.headers: dict[str, Header] = {}
        try:
            with open_regular(path) as file:
                self._order = _byte_order(file.read(_HEADER_BYTES), path)
                for start, length, is_packed in self._elements(file):
                    found = self._header(_Source(file, start, length, is_packed=is_packed))
                    if found is not None:
                        name, shape, dtype, _, _ = found
                        self.headers[name] = Header(shape, dtype, start, length, is_packed)
        except _DAMAGE as error:
            raise self._damaged(error) from error
        for name, header in self.headers.items():
            self._check(name, header)

    def read(self, name: str) -> NDArray[Any]:
        """Read an array.

        Raises:
            AaeError: It is damaged, or holds fewer or more values than its header says.
        """
        header = self.headers[name]
        values = np.empty(header.num_bytes, np.uint8)
        try:
            with open_regular(self._path) as file:
                source = _Source(file, header.start, header.length, is_packed=header.is_packed)
                found = self._header(source)
                if found is None or found[1:3] != (header.shape, header.dtype):
                    raise ValueError("a file that has changed")
                *_, small = found
                if small:
                    values[:] = np.frombuffer(small, np.uint8)
                else:
                    for start in range(0, len(values), _CHUNK):
                        part = source.read(min(_CHUNK, len(values) - start))
                        values[start : start + len(part)] = np.frombuffer(part, np.uint8)
                    source.finish(-len(values) % 8)
        except _DAMAGE as error:
            raise self._damaged(error) from error
        return values.view(header.dtype).reshape(header.shape, order="F")

    def _elements(self, file: IO[bytes]) -> Iterator[tuple[int, int, bool]]:
        """Give where each element of the file begins, its bytes, and whether it is packed."""
        position, size = _HEADER_BYTES, os.fstat(file.fileno()).st_size
        for _ in range(_MOST_ARRAYS):
            if position >= size:
                return
            file.seek(position)
            kind, length = struct.unpack(f"{self._order}II", file.read(8))
            start = position + 8
            if kind not in (_MATRIX, _COMPRESSED) or start + length > size:
                raise ValueError("an element that is none")
            yield start, length, kind == _COMPRESSED
            # Packed elements are not padded.
            position = start + (length if kind == _COMPRESSED else length + -length % 8)
        if position < size:
            raise ValueError("too many elements")

    def _header(self, source: _Source) -> tuple[str, tuple[int, ...], np.dtype[Any], int, bytes] | None:
        """Read an element up to the values of its array.

        Returns:
            Name, shape, type of the values as stored, their bytes, and the values themselves where they are so few that
            the tag holds them; None where it is no array of real numbers.
        """
        if source.is_packed and struct.unpack(f"{self._order}II", source.read(8))[0] != _MATRIX:
            raise ValueError("no array is packed")
        flags = int.from_bytes(self._part(source, _FLAGS, 8)[:4], "little" if self._order == "<" else "big")
        if flags & 0xFF not in _NUMERIC_CLASSES or flags & _COMPLEX:
            return None
        sizes = self._part(source, _DIMENSIONS, 4 * _MAX_DIMS)
        shape = struct.unpack(f"{self._order}{len(sizes) // 4}i", sizes)
        name = self._part(source, _NAME, _MAX_NAME_BYTES).decode("ascii")
        kind, length, small = self._tag(source)
        dtype = np.dtype(self._order + _TYPES.get(kind, "V0"))
        if min(shape, default=-1) < 0 or math.prod(shape) * dtype.itemsize != length or not dtype.itemsize:
            raise ValueError("an array of another size than it claims")
        return name, shape, dtype, length, small

    def _part(self, source: _Source, kind: int, most: int) -> bytes:
        """Read an element of a few bytes."""
        found, length, small = self._tag(source)
        if found != kind or length > most:
            raise ValueError("an element of another kind or size")
        return small or source.read(length + -length % 8)[:length]

    def _tag(self, source: _Source) -> tuple[int, int, bytes]:
        """Read type and bytes of an element, and its content where the tag holds it: four bytes at most."""
        tag = source.read(8)
        kind, length = struct.unpack(f"{self._order}II", tag)
        if kind >> 16:
            kind, length = kind & 0xFFFF, kind >> 16
            if length > 4:
                raise ValueError("a small element that is none")
            return kind, length, tag[4 : 4 + length]
        return kind, length, b""

    def _check(self, name: str, header: Header) -> None:
        if header.num_bytes > MAX_BYTES:
            raise AaeError(
                f"{self._path} claims {header.num_bytes:,} bytes in '{name}'; at most {MAX_BYTES:,} are read.",
                "Split the data set, or check that the file is what it claims to be.",
            )
        if header.num_bytes > max(_BOMB_BYTES, _MAX_RATIO * header.length):
            times = header.num_bytes // max(1, header.length)
            raise AaeError(
                f"{self._path} claims that '{name}' unpacks to {times:,} times its size.",
                "Save it with scipy.io.savemat, unpacked, if it is what you expect; otherwise download it again.",
            )

    def _damaged(self, error: BaseException) -> AaeError:
        reason = getattr(error, "strerror", None) or "it is damaged, or no .mat file of MATLAB 5 to 7.2"
        return AaeError(f"Cannot read {self._path}: {reason}.", _HINT)


class _Source:
    """The bytes of an element, unpacked where it is packed, and no more of them than are wanted.

    Args:
        file: The file.
        start: Where the element begins.
        length: Its bytes in the file.
        is_packed: Whether it is packed.
    """

    def __init__(self, file: IO[bytes], start: int, length: int, *, is_packed: bool) -> None:
        file.seek(start)
        self.is_packed = is_packed
        self._file = file
        self._left = length
        self._unpacker = zlib.decompressobj()

    def read(self, count: int) -> bytes:
        """Read so many bytes.

        Raises:
            EOFError: There are fewer.
        """
        if not self.is_packed:
            return self._stored(count, whole=True)
        parts = []
        while count:
            packed = self._unpacker.unconsumed_tail or self._stored(_CHUNK)
            part = self._unpacker.decompress(packed, count)
            if not part and (self._unpacker.eof or not packed):
                raise EOFError
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def finish(self, padding: int) -> None:
        """See that nothing but the padding follows; of what is packed, the checksum is compared.

        Raises:
            ValueError: Something does, or the end is missing.
        """
        if self.is_packed:
            self.read(padding)
            while not self._unpacker.eof:
                packed = self._unpacker.unconsumed_tail or self._stored(_CHUNK)
                if self._unpacker.decompress(packed, 1) or not packed:
                    raise ValueError("more values than it claims, or no end")
        elif self._left > padding:
            raise ValueError("more values than it claims")

    def _stored(self, count: int, *, whole: bool = False) -> bytes:
        wanted = count if whole else min(count, self._left)
        data = self._file.read(wanted) if wanted <= self._left else b""
        if len(data) < wanted:
            raise EOFError
        self._left -= len(data)
        return data


def _byte_order(head: bytes, path: Path) -> str:
    """Tell the order of bytes by the header.

    Raises:
        AaeError: The file is one of MATLAB 7.3, which is HDF5.
        ValueError: It is no such file.
    """
    if head.startswith(b"MATLAB 7.3"):
        raise AaeError(
            f"{path} is a file of MATLAB 7.3, which is in HDF5.", "Save it for an earlier version: `save -v7`."
        )
    orders = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}
    if len(head) < _HEADER_BYTES or head[124:] not in orders:
        raise ValueError("no header")
    return orders[head[124:]]
