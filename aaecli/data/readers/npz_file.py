"""A stranger's ``.npz`` file: a zip of arrays, looked at in bounded time and memory, with nothing unpickled."""

from __future__ import annotations

import io
import math
import os
import struct
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from aaecli.data.readers.arrays import MAX_BYTES
from aaecli.errors import AaeError
from aaecli.files.opening import open_regular

_MAX_FILE_BYTES = 2**30
_MAX_LIST_BYTES = 2**14
"""Of the list of members at the end of a zip: ``zipfile`` makes an object of each."""
_MAX_MEMBERS = 64
_MAX_HEADER = 1024
"""Letters of a header, which is read as a Python literal; that of an array of numbers has 128."""
_BOMB_BYTES = 2**26
_MAX_RATIO = 300
"""How many times its packed size an array of more than ``_BOMB_BYTES`` may have: images of digits have five times."""
_MAX_DIMS = 5
_END = struct.Struct("<4s4H2IH")
_LOCATOR_BYTES = 20
_CHUNK = 2**20
_READERS = {
    (1, 0): (struct.Struct("<H"), npy.read_array_header_1_0),
    (2, 0): (struct.Struct("<I"), npy.read_array_header_2_0),
}
"""How the length of a header is written, and what reads it, by the version of the format."""
# What a damaged zip or header makes zipfile, zlib and numpy raise.
_DAMAGE = (
    OSError, EOFError, ValueError, KeyError, TypeError, IndexError, SyntaxError, RecursionError, MemoryError,
    OverflowError, NotImplementedError, RuntimeError, UnicodeError, AttributeError, struct.error, zlib.error,
    zipfile.BadZipFile, tokenize.TokenError,
)  # fmt: skip
_HINT = "Copy or download the file again."


@dataclass(frozen=True)
class Header:
    """What an array claims to be.

    Attributes:
        shape: Its sizes.
        dtype: Type of its values; never of objects.
        is_fortran: Whether its first dimension varies fastest.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool

    @property
    def num_bytes(self) -> int:
        """Bytes of all values."""
        return math.prod(self.shape) * self.dtype.itemsize


class NpzFile:
    """The arrays of a file, of which only the headers are read at first.

    Args:
        path: The file.

    Attributes:
        headers: The header of each array by its key.

    Raises:
        AaeError: The file is no such file, is too large or damaged, or an array is one of objects, which only
            unpickling could read, or claims more than it can hold.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open_regular(path)
        try:
            self._archive = zipfile.ZipFile(self._checked())
            self._members = {
                member.filename.removesuffix(".npy"): member
                for member in self._archive.infolist()
                if member.filename.endswith(".npy")
            }
            if len(self._members) > _MAX_MEMBERS:
                raise AaeError(f"{path} holds {len(self._members):,} arrays.", "Save those of one data set alone.")
            self.headers = {key: self._header(key) for key in self._members}
        except _DAMAGE as error:
            self._file.close()
            raise self._damaged(error) from error
        except AaeError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """Give the file itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self._file.close()

    def read(self, key: str) -> NDArray[Any]:
        """Read an array.

        Raises:
            AaeError: It is damaged, or holds fewer or more values than its header says, or no letters as texts.
        """
        header = self.headers[key]
        values = np.empty(header.num_bytes, np.uint8)
        num_read = 0
        try:
            with self._archive.open(self._members[key]) as file:
                _read_header(file)
                while num_read < len(values) and (part := file.read(min(_CHUNK, len(values) - num_read))):
                    values[num_read : num_read + len(part)] = np.frombuffer(part, np.uint8)
                    num_read += len(part)
                # At its end the checksum is compared; more is not unpacked.
                is_longer = bool(file.read(1))
        except _DAMAGE as error:
            raise self._damaged(error) from error
        if num_read < len(values) or is_longer:
            how = "more" if is_longer else "fewer"
            raise AaeError(f"{self._path} is damaged: '{key}' holds {how} values than its header says.", _HINT)
        if header.dtype.kind == "U" and not _are_letters(values, header.dtype):
            raise AaeError(f"{self._path} is damaged: '{key}' holds numbers that are no letters.", _HINT)
        order = header.shape[::-1] if header.is_fortran else header.shape
        array = values.view(header.dtype).reshape(order)
        return array.T if header.is_fortran else array

    def _checked(self) -> IO[bytes]:
        """Give the file once the list at its end is seen to be short: ``zipfile`` reads all of it."""
        size = self._size = os.fstat(self._file.fileno()).st_size
        if size > _MAX_FILE_BYTES:
            raise AaeError(f"{self._path} is larger than {_MAX_FILE_BYTES // 2**20:,} MiB.", "Split the data set.")
        self._file.seek(max(0, size - _END.size - _LOCATOR_BYTES))
        locator = self._file.read(max(0, min(_LOCATOR_BYTES, size - _END.size)))
        end = self._file.read(_END.size)
        if len(end) < _END.size or end[:4] != b"PK\x05\x06":
            raise AaeError(f"{self._path} is no .npz file, or is cut short.", _HINT)
        _, _, _, _, _, length, start, comment = _END.unpack(end)
        # A file of more than four gigabytes has another record, which zipfile would follow to a list of any length.
        has_other = locator[:4] == b"PK\x06\x07"
        if has_other or comment or length > _MAX_LIST_BYTES or start + length != size - _END.size:
            raise AaeError(f"{self._path} is no .npz file as numpy writes it.", _HINT)
        self._file.seek(0)
        return self._file

    def _header(self, key: str) -> Header:
        member = self._members[key]
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & 1:
            raise AaeError(f"{self._path} is packed as numpy packs no file.", "Save it with numpy.savez_compressed.")
        with self._archive.open(member) as file:
            header = _read_header(file)
        if header.dtype.hasobject:
            raise AaeError(
                f"{self._path} holds Python objects in '{key}', which only running what it says could read.",
                f"Save it anew as numbers: `numpy.savez(path, {key}=array.astype('uint8'))`.",
            )
        if len(header.shape) > _MAX_DIMS or any(size < 0 for size in header.shape):
            raise ValueError("its shape")
        if header.num_bytes > MAX_BYTES:
            raise AaeError(
                f"{self._path} claims {header.num_bytes:,} bytes in '{key}'; at most {MAX_BYTES:,} are read.",
                "Split the data set, or check that the file is what it claims to be.",
            )
        if member.header_offset + member.compress_size > self._size:
            raise ValueError("a member beyond the end")
        if header.num_bytes > max(_BOMB_BYTES, _MAX_RATIO * member.compress_size):
            raise AaeError(
                f"{self._path} claims that '{key}' unpacks to "
                f"{header.num_bytes // max(1, member.compress_size):,} times its size.",
                "Save it with numpy.savez, unpacked, if it is what you expect; otherwise download it again.",
            )
        return header

    def _damaged(self, error: BaseException) -> AaeError:
        reason = getattr(error, "strerror", None) or "it is damaged, or no .npz file as numpy writes it"
        return AaeError(f"Cannot read {self._path}: {reason}.", _HINT)


def _read_header(file: IO[bytes] | io.BufferedIOBase) -> Header:
    length, read = _READERS[npy.read_magic(file)]
    # numpy's own readers compare the length once so many bytes are in memory, and four gigabytes of them can be packed.
    prefix = file.read(length.size)
    (size,) = length.unpack(prefix)
    if size > _MAX_HEADER:
        raise ValueError("a header of any length")
    shape, is_fortran, dtype = read(io.BytesIO(prefix + file.read(size)), max_header_size=_MAX_HEADER)
    return Header(shape, dtype, is_fortran)


def _are_letters(values: NDArray[np.uint8], dtype: np.dtype[Any]) -> bool:
    """Tell whether the bytes of texts are those of letters: others become no string, or one that nobody prints."""
    codes = values.view(np.dtype(np.uint32).newbyteorder(dtype.byteorder))
    return not bool(((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any())
