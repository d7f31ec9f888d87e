"""Reading the IDX files that MNIST and its kin are distributed in."""

from __future__ import annotations

import io
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aaecli.data.readers.arrays import MAX_BYTES, MAX_IMAGES
from aaecli.errors import AaeError
from aaecli.files.opening import open_regular

_UNSIGNED_BYTE = 0x08
_INTEGER = 0x0C
_MAX_LABEL_ROWS = 2**26
_CHUNK = 2**20
_PACKED_CHUNK = 2**16
_MAX_MEMBERS = 20_000
"""Members of a gzip file. One is usual; programs that pack on several cores write one for each 64 KiB."""
_BOMB_BYTES = 2**26
_MAX_RATIO = 300
"""How many times its size a gzip of more than ``_BOMB_BYTES`` may unpack to: images of digits do so five times."""


_AGAIN = "Copy or download the file again."


def map_images(path: Path) -> NDArray[np.uint8] | None:
    """Map the images (N, H, W) of an IDX file, which then take no memory; None where it is a gzip file.

    Raises:
        AaeError: As in ``read_idx``.
    """
    with open_regular(path, hint=_AGAIN) as file:
        if file.peek(2)[:2] == b"\x1f\x8b":
            return None
        shape = _read_shape(file, path, 3, _UNSIGNED_BYTE)
        start, size = file.tell(), os.fstat(file.fileno()).st_size
        if size != start + math.prod(shape) or 0 in shape:
            raise AaeError(
                f"{path} is damaged: it has {size:,} bytes, and its header claims {start + math.prod(shape):,}.", _AGAIN
            )
        return np.asarray(np.memmap(file, np.uint8, "r", start, shape))


def read_labels(path: Path, most: int | None = None) -> NDArray[np.uint8]:
    """Read the labels (N,) of an IDX file: bytes, or the first of each row of numbers, as in QMNIST's.

    Raises:
        AaeError: As in ``read_idx``, or a label is no number from 0 to 255.
    """
    if "idx2-int" not in path.name:
        return read_idx(path, 1, max_bytes=most)
    rows = read_idx(path, 2, max_bytes=_MAX_LABEL_ROWS, type_code=_INTEGER).view(">i4")
    if not rows.shape[1] or (rows[:, 0] < 0).any() or (rows[:, 0] > 255).any():
        raise AaeError(f"{path} holds labels that are not from 0 to 255.", _AGAIN)
    return rows[:, 0].astype(np.uint8)


def read_idx(
    path: Path,
    num_dims: int,
    labels: tuple[Path, int] | None = None,
    max_bytes: int | None = None,
    *,
    type_code: int = _UNSIGNED_BYTE,
) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes, gzip-compressed where its first bytes say so.

    The format: two zero bytes, a byte for the type of the values, a byte for the number of dimensions, a big-endian
    32-bit size for each dimension, then the values (http://yann.lecun.com/exdb/mnist).

    Args:
        path: The file.
        num_dims: Number of dimensions that it must have: 3 for images, 1 for labels.
        labels: The file of the images' labels, and how many it holds. Compared before any image is read: a file of a
            few bytes can claim, and unpack to, hundreds of megabytes.
        max_bytes: The most that is read; as much as a data set may have where None.
        type_code: Type of the values; whole numbers of four bytes (0x0c) come as they are stored, four bytes each along
            the last dimension.

    Returns:
        The values, of the shape that the header gives; the caller may write to them.

    Raises:
        AaeError: The file cannot be read, is not such a file, or holds fewer or more bytes than its header says.
    """
    try:
        with open_regular(path, hint=_AGAIN) as raw:
            file = _unpacked(raw)
            shape = _read_shape(file, path, num_dims, type_code)
            if labels is not None and shape[0] != labels[1]:
                raise AaeError(
                    f"{path} holds {shape[0]:,} images, but {labels[0].name} {labels[1]:,} labels.",
                    "Take both files from the same data set.",
                )
            size = math.prod(shape)
            packed_size = None if file is raw else os.fstat(raw.fileno()).st_size
            most = (MAX_IMAGES if num_dims == 1 else MAX_BYTES) if max_bytes is None else max_bytes
            _check_size(path, size, most, packed_size)
            values, num_read = _read(file, size)
            # One byte past the claimed size is all that is asked of a gzip that may expand to anything; asking for
            # it also makes gzip reach its end and compare its checksum.
            is_longer = bool(file.read(1))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "it is truncated or damaged"
        raise AaeError(f"Cannot read {path}: {reason}.", _AGAIN) from error
    if num_read < size:
        raise AaeError(f"{path} is truncated: it holds only {num_read:,} of {size:,} bytes.", _AGAIN)
    if is_longer:
        raise AaeError(f"{path} is too long: it holds more than the {size:,} bytes its header claims.", _AGAIN)
    return values.reshape(shape)


def _read_shape(file: _Readable, path: Path, num_dims: int, type_code: int) -> tuple[int, ...]:
    """Read the header; gives the shape of the values in bytes."""
    head = file.read(4 + 4 * num_dims)
    expected = bytes((0, 0, type_code, num_dims))
    if head[:4] != expected:
        kind = "image" if num_dims == 3 else "label"
        raise AaeError(
            f"{path} is not an IDX {kind} file: it begins with {head[:4].hex() or 'nothing'}, "
            f"not with the magic number {expected.hex()}.",
            "The four files of a data set must keep the names that they were published under.",
        )
    if len(head) < 4 + 4 * num_dims:
        raise AaeError(f"{path} is truncated: it ends inside its header.", _AGAIN)
    shape: tuple[int, ...] = struct.unpack(f">{num_dims}I", head[4:])
    return (*shape[:-1], shape[-1] * 4) if type_code == _INTEGER else shape


def _check_size(path: Path, size: int, most: int, packed_size: int | None) -> None:
    """See that a file does not claim more bytes than are read, nor more than images of its packed size would have."""
    if size > most:
        raise AaeError(
            f"{path} claims {size:,} bytes of values; at most {most:,} are read.",
            "Split the data set, or check that the file is what it claims to be.",
        )
    if packed_size is not None and size > max(_BOMB_BYTES, _MAX_RATIO * packed_size):
        raise AaeError(
            f"{path} claims to unpack to {size // max(1, packed_size):,} times its size.",
            "Unpack it with `gunzip` if it is what you expect; otherwise download it again.",
        )


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _unpacked(raw: io.BufferedReader) -> _Readable:
    is_packed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    return _Unpacker(raw) if is_packed else raw


class _Unpacker:
    """What a gzip file holds. Python's own reader takes any number of empty members, microseconds each."""

    def __init__(self, raw: io.BufferedReader) -> None:
        self._raw = raw
        self._packed = b""
        self._num_members = 0
        self._member: zlib._Decompress | None = None

    def read(self, size: int, /) -> bytes:
        """Unpack ``size`` bytes, fewer only at the end.

        Raises:
            EOFError: It is cut short.
            zlib.error: It is damaged.
        """
        parts: list[bytes] = []
        while size > 0:
            if self._member is None:
                # Zeros may fill up what is behind a member.
                self._packed = self._packed.lstrip(b"\0")
            if not self._packed:
                self._packed = self._raw.read(_PACKED_CHUNK)
                if not self._packed and self._member is not None:
                    raise EOFError
                if not self._packed:
                    break
                continue
            if self._member is None:
                self._num_members += 1
                if self._num_members > _MAX_MEMBERS:
                    raise zlib.error(f"more than {_MAX_MEMBERS:,} members")
                # 31: with gzip's header and checksum.
                self._member = zlib.decompressobj(31)
            part = self._member.decompress(self._packed, size)
            self._packed = self._member.unconsumed_tail
            if self._member.eof:
                self._packed, self._member = self._member.unused_data, None
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _read(file: _Readable, size: int) -> tuple[NDArray[np.uint8], int]:
    """Read up to ``size`` bytes into one writable array; memory is only taken for what the file really holds."""
    values = np.empty(size, np.uint8)
    num_read = 0
    while num_read < size and (chunk := file.read(min(_CHUNK, size - num_read))):
        values[num_read : num_read + len(chunk)] = np.frombuffer(chunk, np.uint8)
        num_read += len(chunk)
    return values, num_read
