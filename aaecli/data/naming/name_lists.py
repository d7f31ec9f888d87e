"""Lists of names of pictures, from a file or a pipe: as ``find``, editors, PowerShell and Windows write them."""

from __future__ import annotations

import codecs
import locale
import os
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from io import BufferedReader

from aaecli.data.naming.files import STDIN
from aaecli.errors import AaeError
from aaecli.files.opening import is_file, open_regular, shown

_PART = 2**16
_MAX_SILENCE = 2**20
"""Bytes without a name after which a list is none."""
_MOST_ABSENT, _MOST_ABSENT_LATER = 1000, 20_000
"""Names without a file, from the first on or later in a row, after which a list is none."""
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_OPEN_ALREADY = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,4})", re.ASCII)


def names_from(name: str) -> Iterator[str]:
    """Read names of pictures from a file or, for ``-``, from stdin.

    One a line, in UTF-8 or, with a byte order mark, UTF-16; lines end as on any system. A list that contains NUL, as
    ``find -print0`` writes it, is parted by NUL alone, so that its names may hold line breaks. Where no file has
    a name as it stands, it is taken without spaces and quotes around it, and with slashes for Windows' backslashes.

    Raises:
        AaeError: The list cannot be read, or is none.
    """
    num_absent, most = 0, _MOST_ABSENT
    try:
        with _open(name) as file:
            for entry in _names(file, name):
                found = next((name for name in _spellings(entry) if is_file(name)), None)
                is_there = found is not None
                num_absent, most = (0, _MOST_ABSENT_LATER) if is_there else (num_absent + 1, most)
                yield _unquoted(entry) if found is None else found
                if num_absent == most:
                    raise AaeError(
                        f"{most:,} names in a row in the list {shown(name)} are of no file.",
                        "--files-from takes a list of names, which are counted from the folder you are in.",
                    )
    except OSError as error:
        raise AaeError(
            f"Cannot read the list {shown(name)}: {error.strerror}.", "--files-from takes a file or -."
        ) from error


def _spellings(entry: str) -> Iterator[str]:
    """Give what a name in a list may mean, as it stands first."""
    yield entry
    bare = _unquoted(entry)
    yield bare
    bare = _unquoted(bare.strip())
    if len(bare) > 2 and bare[0] == bare[-1] == "'":
        bare = bare[1:-1]
    yield bare
    yield bare.replace("\\", "/")
    if not bare.isascii():
        # A list in the code page of Windows; its bytes are no UTF-8.
        yield os.fsencode(bare).decode("cp1252", "replace").replace("\\", "/")


def _unquoted(entry: str) -> str:
    return entry[1:-1] if len(entry) > 2 and entry[0] == entry[-1] == '"' else entry


def _open(name: str) -> AbstractContextManager[BufferedReader]:
    if name == STDIN:
        return nullcontext(sys.stdin.buffer)  # type: ignore[arg-type]
    if opened := _OPEN_ALREADY.fullmatch(name):
        # What a shell hands over for <(find …): a pipe, with a writer at its other end.
        return os.fdopen(int(opened[1]), "rb", closefd=False)
    return open_regular(name, "list", "--files-from takes a file, or - for stdin.")


def _names(file: BufferedReader, name: str) -> Iterator[str]:
    rest, silence, encoding, parted_by_nul = b"", 0, "", False
    decoder: codecs.IncrementalDecoder | None = None
    is_first = True
    # What there is, at once: a program may write a name, wait for its answer, and go on.
    while part := file.read1(_PART):
        if is_first:
            while part in (b"\xff", b"\xfe", b"\xef", b"\xef\xbb") and (more := file.read1(_PART)):
                part += more
            encoding, part = _encoding(part)
            decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding.startswith("utf-16") else None
            is_first = False
        if decoder is not None:
            part = decoder.decode(part).encode("utf-8", "surrogatepass")
        parted_by_nul = parted_by_nul or b"\0" in part
        *found, rest = (rest + part).split(b"\0") if parted_by_nul else re.split(rb"\r?\n", rest + part)
        # A disk image or an endless device has no names either, only what parts them.
        silence = 0 if any(found) else silence + len(part)
        if silence > _MAX_SILENCE:
            raise AaeError(
                f"{shown(name)} is no list: it holds a name without end, or none.", "Write a name of a picture a line."
            )
        yield from (_decode(entry, encoding) for entry in found if entry)
    if rest.rstrip(b"\r"):
        yield _decode(rest if parted_by_nul else rest.rstrip(b"\r"), encoding)


def _encoding(part: bytes) -> tuple[str, bytes]:
    """Tell the encoding by a byte order mark, which is left out; empty where there is none."""
    for mark, encoding in _BOMS.items():
        if part.startswith(mark):
            return encoding, part[len(mark) :]
    # UTF-16 without a mark: most second bytes are NUL, and names have dots. Names of one letter have none.
    for encoding, zeros, dot in (("utf-16-le", part[1:400:2], b".\0"), ("utf-16-be", part[:400:2], b"\0.")):
        if zeros.count(0) * 2 > len(zeros) > 1 and dot in part:
            return encoding, part
    return "", part


def _decode(entry: bytes, encoding: str) -> str:
    if encoding:
        return entry.decode("utf-8", "surrogateescape")
    try:
        return os.fsdecode(entry)
    except UnicodeDecodeError:
        # Windows: a list in the code page of the system.
        return entry.decode(locale.getpreferredencoding(False), "replace")
