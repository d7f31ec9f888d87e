"""Pictures in tar files, read from front to back; nothing is ever unpacked to the disk.

Headers of plain files are parsed here, others by ``tarfile.TarInfo.frombuf``. The rest of ``tarfile`` is not used: it
takes damage in the midst of a file for its end, and reads extended headers of any size into memory.
"""

from __future__ import annotations

import os
import posixpath
import re
import tarfile
from collections.abc import Iterable, Iterator
from io import BufferedReader
from typing import NamedTuple

from aaecli.data.naming.files import MAX_BYTES
from aaecli.data.naming.picture_names import SUFFIXES, is_hidden, suffix_of
from aaecli.data.preprocessing.prepare import Encoded
from aaecli.errors import AaeError
from aaecli.files.opening import open_regular, shown

_BLOCK = 512
_MAX_NAME = 2**16
_MAX_EXTENDED = 2**20
_BYTES_A_PICTURE = 4096
"""A tar with fewer bytes than so many for each picture of a shard is one shard, and is not looked into before."""
_COMPRESSED = re.compile(r"\.(tar\.\w+|tgz|tbz2?|txz|tzst)$", re.IGNORECASE | re.ASCII)
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL, _SPARSE = b"L", b"K", b"x", b"g", b"S"
_REGULAR = (b"0", b"\0", b"7")


class _Header(NamedTuple):
    """Header of a file in a tar, with all that stands before it.

    Attributes:
        begin: Byte at which the first header that is about this file begins.
        name: Its name.
        size: Its bytes.
        is_regular: Whether it is a regular file.
        is_picture: Whether it is one with the name of a picture.
        is_sparse: Whether its bytes are stored without their holes.
    """

    begin: int
    name: str
    size: int
    is_regular: bool
    is_picture: bool
    is_sparse: bool


def is_tar(name: str) -> bool:
    """Tell by its name whether an input is a tar file, or a pattern of some.

    Raises:
        AaeError: It is a compressed one.
    """
    if _COMPRESSED.search(name):
        raise AaeError(
            f"{shown(name)} is a compressed tar, of which no part can be read by itself.",
            "Unpack it with gunzip or its like: pictures are compressed already.",
        )
    return suffix_of(name) == ".tar"


def cut(name: str, size: int) -> list[int]:
    """Give the bytes at which the slices of a tar begin, each of ``size`` pictures; what is damaged is left to reading.

    Raises:
        AaeError: It cannot be opened.
    """
    with open_regular(name) as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        offsets, number = [0], 0
        if length <= size * _BYTES_A_PICTURE:
            return offsets
        try:
            for header in _headers(file, name, length):
                if header.is_picture:
                    if number and number % size == 0:
                        offsets.append(header.begin)
                    number += 1
        except AaeError:
            pass  # whoever reads the last slice says so
        return offsets


def index_tar(path: str) -> dict[str, int]:
    """Find the regular files of a tar file; of several with one name, the last one counts, as where it is unpacked.

    Returns:
        For each file that no system put there, by its path with slashes, the byte at which it begins in the tar.

    Raises:
        AaeError: It cannot be read, is damaged or cut short.
    """
    found: dict[str, int] = {}
    with open_regular(path) as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        for header in _headers(file, path, length):
            name = posixpath.normpath(header.name).lstrip("/")
            if header.is_regular and not any(part == ".." or is_hidden(part) for part in name.split("/")):
                found[name] = header.begin
    return found


def read_members(path: str, begins: Iterable[int]) -> Iterator[Encoded | AaeError]:
    """Read files of a tar, each by the byte at which it begins; gives what ``read_tar`` does.

    Raises:
        AaeError: The file cannot be read, or is another one by now.
    """
    with open_regular(path) as file:
        length = file.seek(0, os.SEEK_END)
        for begin in begins:
            file.seek(begin)
            header = next(_headers(file, path, length), None)
            if header is None or header.begin != begin:
                raise damaged(path, f"there is no file at byte {begin:,} any more")
            yield _picture(file, path, header)


def read_tar(path: str, name: str, offset: int, count: int) -> Iterator[Encoded | AaeError]:
    """Read pictures of a tar file.

    Args:
        path: The file.
        name: What to call it in an error.
        offset: Byte at which the first of them begins.
        count: How many; -1 for all to the end.

    Yields:
        Each picture with its name in the tar; an error with it where one is larger than is read.

    Raises:
        AaeError: The file cannot be read, is damaged, is cut short, or holds fewer pictures.
    """
    with open_regular(path) as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(offset)
        number = 0
        for header in _headers(file, name, length):
            if not header.is_picture:
                continue
            yield _picture(file, name, header)
            number += 1
            if number == count:
                return
    if count >= 0:
        raise damaged(name, f"it holds {number:,} pictures where there were {count:,}")


def _picture(file: BufferedReader, name: str, header: _Header) -> Encoded | AaeError:
    problem = ""
    if header.size > MAX_BYTES:
        problem = f"is larger than {MAX_BYTES // 2**20} MiB"
    elif header.is_sparse:
        problem = "is stored as a sparse file, which is not read"
    elif not header.size:
        problem = "is empty"
    if problem:
        return UnreadError(header.name, f"{shown(header.name)} in {shown(name)} {problem}.")
    data = file.read(header.size)
    file.seek(-header.size, os.SEEK_CUR)
    return Encoded(header.name, data)


class UnreadError(AaeError):
    """A picture that could not even be taken out of its file.

    Args:
        name: Its name.
        message: Why.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name

    def __reduce__(self) -> tuple[type[UnreadError], tuple[str, str]]:
        """Say how it is made anew in another process."""
        return UnreadError, (self.name, self.message)


def damaged(name: str, reason: str) -> AaeError:
    """Give the error of a file that cannot be read to the end."""
    return AaeError(f"{shown(name)} is damaged: {reason}.", "Copy the file again; then the same command continues.")


def _headers(file: BufferedReader, name: str, length: int) -> Iterator[_Header]:
    """Give the header of each file, from where the file stands; then it stands at the file's bytes."""
    begin, long_name, extended = file.tell(), "", dict[str, str]()
    while True:
        position = file.tell()
        block = file.read(_BLOCK)
        if len(block) < _BLOCK:
            raise damaged(name, "it is cut short")
        if not block.strip(b"\0"):
            return
        try:
            info = _plain(block) or tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as error:
            raise damaged(name, f"there is no header at byte {position:,}") from error
        size = _size(extended.get("size"), info.size)
        stored = -(-size // _BLOCK) * _BLOCK
        start = position + _BLOCK
        if size < 0 or start + size > length:
            raise damaged(name, f"a file in it, at byte {position:,}, is cut short")
        if info.type in (_LONG_NAME, _PAX):
            most = _MAX_NAME if info.type == _LONG_NAME else _MAX_EXTENDED
            if size > most:
                raise damaged(name, f"a header at byte {position:,} is of {size:,} bytes")
            data = file.read(size)
            if info.type == _LONG_NAME:
                long_name = data.rstrip(b"\0").decode("utf-8", "surrogateescape")
            else:
                extended = _records(data, name)
        elif info.type not in (_LONG_LINK, _PAX_GLOBAL):
            own = extended.get("GNU.sparse.name") or extended.get("path") or long_name or info.name
            regular = info.type in (*_REGULAR, _SPARSE)
            sparse = info.type == _SPARSE or any(key.startswith("GNU.sparse.") for key in extended)
            yield _Header(begin, own, size, regular, regular and _is_picture(own), sparse)
            begin, long_name, extended = start + stored, "", {}
        file.seek(start + stored)


def _plain(block: bytes) -> tarfile.TarInfo | None:
    """Parse the header of a file with nothing special about it, in a third of the time of ``frombuf``.

    That is a tenth of what classifying a small picture takes.

    Returns:
        Name, type and size; None for any other header, and for one that may be none.
    """
    name, size, checksum = (block[begin:end].partition(b"\0")[0] for begin, end in ((0, 100), (124, 136), (148, 156)))
    size, checksum = size.strip(), checksum.strip()
    if block[156:157] != b"0" or block[345] or not (size.isdigit() and checksum.isdigit()) or name.endswith(b"/"):
        return None
    if sum(block) - sum(block[148:156]) + 8 * ord(" ") != int(checksum, 8):
        return None
    info = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
    info.size = int(size, 8)
    return info


def _is_picture(name: str) -> bool:
    parts = name.split("/")
    return suffix_of(parts[-1]) in SUFFIXES and not any(map(is_hidden, parts))


def _size(spelt: str | None, size: int) -> int:
    if spelt is None:
        return size
    return int(spelt) if spelt.isascii() and spelt.isdigit() and len(spelt) < 20 else -1


def _records(data: bytes, name: str) -> dict[str, str]:
    """Read the records of an extended header, each ``LENGTH KEY=VALUE`` and a line break."""
    found: dict[str, str] = {}
    position = 0
    while position < len(data) and data[position] != 0:
        space = data.find(b" ", position, position + 8)
        spelt = data[position:space] if space > 0 else b""
        end = position + int(spelt) if spelt.isdigit() else 0
        if not position < space < end <= len(data):
            raise damaged(name, "an extended header in it is none")
        key, _, value = data[space + 1 : end - 1].partition(b"=")
        found[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        position = end
    return found
