"""A checkpoint file looked at before torch reads it: what it consists of, what it would import, what came out.

``torch.load(weights_only=True)`` runs no code, but it unpacks whatever a zip file claims to hold, and of its answers
only the types are known to be harmless.
"""

from __future__ import annotations

import io
import pickletools
import re
import struct
import zipfile
from typing import Any

import torch

MAX_BYTES = 2**30
"""Largest file that is read; the state of a training of the default networks takes 60 MB."""
_MAX_ENTRIES = 10_000
_MAX_PICKLE_BYTES = 2**24
_MAX_OPERATIONS = 500_000
_MAX_VALUES = 200_000
_MAX_TEXT = 4096
_ENTRY = re.compile(
    r"[^/\\]+/(data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id|data/\d+)"
)
_KINDS = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
_IMPORTS = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    *(f"torch {kind}Storage" for kind in _KINDS),
}
_END, _END64 = b"PK\x05\x06", b"PK\x06\x06"


def check_archive(file: io.BufferedReader) -> None:
    """Look through a file for what ``torch.save`` does not write of plain types and tensors.

    Raises:
        ValueError: It holds something else, or would expand; the message is half a sentence that says what.
        OSError: It cannot be read.
    """
    size = file.seek(0, io.SEEK_END)
    if size > MAX_BYTES:
        raise ValueError(f"it is {size:,} bytes long; at most {MAX_BYTES:,} are read")
    if _num_entries(file) > _MAX_ENTRIES:
        raise ValueError("it is a zip file of more parts than any checkpoint has")
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            stored = all(
                entry.compress_type == zipfile.ZIP_STORED and entry.file_size == entry.compress_size
                for entry in entries
            )
            if not stored or sum(entry.file_size for entry in entries) > size:
                raise ValueError("it would expand to more than its own size")
            if len({name.split("/")[0] for name in names}) != 1 or len(set(names)) != len(names):
                raise ValueError("its parts are not those of one checkpoint")
            strange = next((name for name in names if not _ENTRY.fullmatch(name)), None)
            if strange is not None:
                raise ValueError(f"it holds {strange[:80]!r}, which is no part of a checkpoint")
            pickled = next((entry for entry in entries if entry.filename.endswith("/data.pkl")), None)
            if pickled is None or pickled.file_size > _MAX_PICKLE_BYTES:
                raise ValueError("it describes no weights")
            _check_imports(archive.read(pickled))
    except (zipfile.BadZipFile, NotImplementedError, struct.error, EOFError) as error:
        raise ValueError("it is damaged, or was not written by aaecli") from error
    file.seek(0)


def _num_entries(file: io.BufferedReader) -> int:
    """Read the number of a zip file's parts off its end: Python reads all of them before it tells."""
    file.seek(max(0, file.seek(0, io.SEEK_END) - 98))
    tail = file.read()
    numbers = [0]
    if tail[-22:-18] == _END:
        numbers.append(int.from_bytes(tail[-12:-10], "little"))
        if tail[:4] == _END64:
            numbers.append(int.from_bytes(tail[32:40], "little"))
    return max(numbers)


def _check_imports(data: bytes) -> None:
    """See that a pickle asks for nothing but tensors; whatever else it names could be code."""
    try:
        for number, (operation, argument, _) in enumerate(pickletools.genops(data)):
            if number > _MAX_OPERATIONS:
                raise ValueError("its description is longer than that of any checkpoint")
            if operation.name == "GLOBAL" and argument not in _IMPORTS:
                raise ImportError(str(argument)[:80].replace(" ", "."))
            if operation.name in ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"):
                raise ImportError("objects")
    except ImportError as error:
        raise ValueError(f"it holds {error}, which could run code when loaded") from error
    except (struct.error, OverflowError, IndexError, UnicodeError) as error:
        raise ValueError("its description is damaged") from error


def check_plain(content: object) -> None:
    """See that what was read is made of plain values and true tensors, and of no more of them than can be meant.

    Tables that hold one another many times over are small in a file and endless when something prints them.

    Raises:
        ValueError: It is not; the message is half a sentence.
    """
    pending, seen = [content], 0
    while pending:
        value = pending.pop()
        seen += 1
        if seen > _MAX_VALUES:
            raise ValueError("it holds more values than any checkpoint has")
        if isinstance(value, dict):
            pending.extend(value)
            pending.extend(value.values())
        elif isinstance(value, list | tuple):
            pending.extend(value)
        elif isinstance(value, torch.Tensor):
            # A tensor may claim any size with strides of 0.
            if value.numel() * value.element_size() > value.untyped_storage().nbytes():
                raise ValueError("a tensor in it claims more numbers than it holds")
        elif not _is_plain(value):
            raise ValueError(f"it holds a value that no checkpoint has ({type(value).__name__})")


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_TEXT
    # Python refuses to spell whole numbers of thousands of digits.
    return value is None or isinstance(value, bool | float) or (type(value) is int and abs(value) < 2**63)
