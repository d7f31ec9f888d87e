"""The parts of a zip file as ``torch.save`` writes it, and of no other: its bytes can be read in one way only.

A zip file names its parts twice, before each and in a list at the end, and readers differ in which they use. Here
both must agree, the parts must fill the file from its first byte to the list without a gap, the list must reach to the
end record, and that to the end of the file. Nothing is compressed, so nothing is larger than the file.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from typing import NamedTuple

_MAX_ENTRIES = 10_000
_MAX_LIST_BYTES = 2**22
_NAME = re.compile(
    rb"[^/\\\0]{1,200}/(data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id"
    rb"|data/\d{1,9})"
)
_LOCAL = struct.Struct("<4s5H3I2H")
_LISTED = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_HAS_DESCRIPTOR = 0x8
_KNOWN_FLAGS = 0x808  # besides, that names are UTF-8
_DAMAGED = "it is damaged, or was not written by aaecli"


class Entry(NamedTuple):
    """Where the bytes of a part are, and their checksum."""

    offset: int
    size: int
    crc: int


class Archive:
    """The parts of an open file.

    Args:
        file: The file; it stays open, and reading a part seeks in it.
        max_bytes: Largest file that is read.

    Attributes:
        entries: Each part by its name below the one folder that all of them are in: ``data.pkl``, ``data/0`` …

    Raises:
        ValueError: It is not such a file; the message is a clause with the reason.
        OSError: It cannot be read.
    """

    def __init__(self, file: io.BufferedIOBase, max_bytes: int) -> None:
        self._file = file
        size = file.seek(0, io.SEEK_END)
        if size > max_bytes:
            raise ValueError(f"it is {size:,} bytes long; at most {max_bytes:,} are read")
        try:
            self.entries = self._entries(size)
        except struct.error as error:
            raise ValueError(_DAMAGED) from error

    def read(self, name: str) -> bytearray:
        """Read a part whole.

        Raises:
            ValueError: Its checksum differs.
            OSError: It cannot be read.
        """
        entry = self.entries[name]
        data = bytearray(entry.size)
        self._file.seek(entry.offset)
        if self._file.readinto(data) != entry.size or zlib.crc32(data) != entry.crc:
            raise ValueError("it is damaged: a checksum does not fit")
        return data

    def _entries(self, size: int) -> dict[str, Entry]:
        number, start, end = self._list(size)
        listed = self._at(start, end - start)
        found: dict[str, Entry] = {}
        roots = set()
        position = offset = 0
        for _ in range(number):
            signature, _, _, flags, method, _, _, crc, packed, length, *sizes, _, _, _, where = _LISTED.unpack_from(
                listed, position
            )
            position += _LISTED.size
            name = listed[position : position + sizes[0]]
            extra = listed[position + sizes[0] : position + sizes[0] + sizes[1]]
            position += sum(sizes)
            _hold(signature == b"PK\x01\x02")
            if method != 0 or packed != length:
                raise ValueError("it would expand to more than its own size")
            _hold(flags | _KNOWN_FLAGS == _KNOWN_FLAGS and length < 2**32 - 1 and sizes[2] == 0)
            _hold((int.from_bytes(extra[4:], "little") if where == 2**32 - 1 else where) == offset)
            if not _NAME.fullmatch(name):
                shown = name[:80].decode(errors="replace")
                raise ValueError(f"it holds {shown!r}, which is no part of a checkpoint")
            begins = self._local(offset, name, flags, crc, length)
            root, _, short = name.decode("latin-1").partition("/")
            roots.add(root)
            if len(roots) != 1 or short in found:
                raise ValueError("its parts are not those of one checkpoint")
            found[short] = Entry(begins, length, crc)
            offset = begins + length + self._descriptor(begins + length, flags, crc, length)
        _hold(position == end - start and offset == start)
        return found

    def _list(self, size: int) -> tuple[int, int, int]:
        """Give the number of parts, and where their list begins and ends."""
        at = size - _END.size
        signature, disk, list_disk, here, number, length, start, comment = _END.unpack(self._at(at, _END.size))
        _hold(signature == b"PK\x05\x06" and disk == list_disk == comment == 0 and here == number)
        locator_at = at - _LOCATOR.size
        locator = self._at(locator_at, _LOCATOR.size) if locator_at >= 0 else b""
        if locator[:4] == b"PK\x06\x07":
            _, disk, at, disks = _LOCATOR.unpack(locator)
            _hold(disk == 0 and disks == 1 and at == locator_at - _END64.size)
            record = _END64.unpack(self._at(at, _END64.size))
            _hold(record[0] == b"PK\x06\x06" and record[1] == _END64.size - 12 and record[4] == record[5] == 0)
            _hold(record[6] == record[7])
            # The smaller record says the same, or that the number does not fit into it.
            _hold(number in (record[7], 2**16 - 1) and length in (record[8], 2**32 - 1))
            _hold(start in (record[9], 2**32 - 1))
            number, length, start = record[7:]
        if number > _MAX_ENTRIES:
            raise ValueError("it is a zip file of more parts than any checkpoint has")
        _hold(0 < length <= _MAX_LIST_BYTES and start + length == at)
        return number, start, at

    def _local(self, offset: int, name: bytes, flags: int, crc: int, length: int) -> int:
        """Compare what stands before a part with the list; give where the part's bytes begin."""
        head = _LOCAL.unpack(self._at(offset, _LOCAL.size))
        _hold(head[0] == b"PK\x03\x04" and head[2] == flags and head[3] == 0 and head[9] == len(name))
        _hold(head[6:9] == (crc, length, length) or (bool(flags & _HAS_DESCRIPTOR) and head[6:9] == (0, 0, 0)))
        _hold(self._at(offset + _LOCAL.size, len(name)) == name)
        # What follows the name is padding, so that numbers are aligned in memory.
        begins: int = offset + _LOCAL.size + len(name) + head[10]
        return begins

    def _descriptor(self, offset: int, flags: int, crc: int, length: int) -> int:
        """Check the record after a part that repeats its size; give its length."""
        if not flags & _HAS_DESCRIPTOR:
            return 0
        record = self._at(offset, 24)
        for form in ("<4sIII", "<4sIQQ"):
            if record[: struct.calcsize(form)] == struct.pack(form, b"PK\x07\x08", crc, length, length):
                return struct.calcsize(form)
        raise ValueError(_DAMAGED)

    def _at(self, offset: int, length: int) -> bytes:
        if offset < 0:
            raise ValueError(_DAMAGED)
        self._file.seek(offset)
        return self._file.read(length)


def _hold(holds: bool) -> None:
    if not holds:
        raise ValueError(_DAMAGED)
