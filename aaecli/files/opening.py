"""The only way to open a file for reading: a regular file of bounded size, and an error message for anything else.

A name may stand for a pipe without a writer, an endless device, a folder, or nothing. Nothing else in the package opens
a file to read it; a test walks the syntax trees for that.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path

from aaecli.errors import AaeError

Name = str | os.PathLike[str]
"""What names a file."""

# Opening a pipe would wait for a writer, and opening a terminal could make it the process's own.
_FLAGS = os.O_RDONLY
for _flag in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _flag, 0)
_LONGEST_SHOWN = 200
_HINTS = {
    errno.ENOENT: "Check the spelling and the folder you are in.",
    errno.ENOTDIR: "Check the spelling: a part of the path is a file, not a folder.",
    errno.EACCES: "Check who may read it: `ls -l` shows its permissions.",
    errno.EPERM: "Check who may read it: `ls -l` shows its permissions.",
    errno.ENAMETOOLONG: "No file has so long a name: check what was given.",
    errno.ELOOP: "Name the file itself: this link leads back to itself.",
    errno.EMFILE: "Close other programs, or raise the limit with `ulimit -n 4096`.",
}
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: Name, what: str = "", hint: str = "") -> io.BufferedReader:
    """Open a regular file to read its bytes; links to one are followed.

    Args:
        path: The file.
        what: The noun that an error puts before the name: ``model``, ``list``.
        hint: What to do where it is missing or no regular file; where empty, a remedy that fits any file.

    Raises:
        AaeError: It is missing, no regular file, may not be read, or has a name that no file can have.
    """
    return os.fdopen(_open(path, what, hint), "rb")


def read_bytes(path: Name, max_bytes: int, what: str = "", hint: str = "") -> bytes:
    """Read a regular file whole.

    Args:
        path: The file.
        max_bytes: The most that is read. A larger file is refused before any of it is.
        what: The noun that an error puts before the name: ``model``, ``list``.
        hint: What to do where it is missing, no regular file or too large; where empty, a remedy that fits any file.

    Raises:
        AaeError: As in ``open_regular``, or it is too large.
    """
    # Bare descriptors: for a hundred thousand small pictures, file objects cost more than reading.
    descriptor = _open(path, what, hint)
    try:
        size = os.fstat(descriptor).st_size
        if size > max_bytes:
            raise AaeError(
                f"{_title(path, what)} is larger than {_size(max_bytes)}, the most that is read of it.",
                hint or "Check that it is the file you mean.",
            )
        data = os.read(descriptor, size)
        if len(data) == size:
            return data
        parts, num_read = [data], len(data)
        while num_read < size and (part := os.read(descriptor, size - num_read)):
            parts.append(part)
            num_read += len(part)
        return b"".join(parts)
    except OSError as error:
        raise _fault(path, what, hint, error) from error
    finally:
        os.close(descriptor)


def read_text(path: Name, max_bytes: int, what: str = "", hint: str = "") -> str:
    """Read a text in UTF-8 whole, without the byte order mark that some editors put before it.

    Raises:
        AaeError: As in ``read_bytes``, or it is no UTF-8.
    """
    data = read_bytes(path, max_bytes, what, hint)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AaeError(
            f"{_title(path, what)} is no text in UTF-8: byte {error.start:,} is 0x{data[error.start]:02x}.",
            hint or "Save it as UTF-8.",
        ) from error


def is_file(path: Name) -> bool:
    """Return whether a name is a regular file; False also where no file can have that name."""
    return os.path.isfile(path)  # noqa: PTH113 - Path's own lets errors through


def exists(path: Name) -> bool:
    """Return whether a name exists; False also where nothing can have that name."""
    return os.path.exists(path)  # noqa: PTH110


def is_folder(path: Name) -> bool:
    """Return whether a name is a folder; False also where no folder can have that name."""
    return os.path.isdir(path)  # noqa: PTH112


def _open(path: Name, what: str, hint: str) -> int:
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        raise _fault(path, what, hint, error) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise _irregular(path, what, hint, mode)
    return descriptor


def _irregular(path: Name, what: str, hint: str, mode: int) -> AaeError:
    kind = _KINDS.get(stat.S_IFMT(mode), "no regular file")
    remedy = "Name a file in it." if stat.S_ISDIR(mode) else "Save what it gives as a file, and name that."
    return AaeError(f"{_title(path, what)} is {kind}, not a file.", hint or remedy)


def _fault(path: Name, what: str, hint: str, error: OSError | ValueError) -> AaeError:
    """Say why a file could not be opened or read."""
    name = f"the {what} {shown(path)}" if what else shown(path)
    if isinstance(error, ValueError):
        reason = "it holds a NUL" if "\0" in os.fspath(path) else "this system cannot write it"
        return AaeError(f"Cannot read {name}: no file has such a name, {reason}.", "Check the name.")
    if error.errno in (errno.ENXIO, errno.EACCES, errno.EISDIR, errno.EOPNOTSUPP):
        # Sockets are not opened, nor are folders on Windows, and each system has a different error for that.
        try:
            mode = Path(path).stat().st_mode
        except OSError:
            mode = stat.S_IFREG
        if not stat.S_ISREG(mode):
            return _irregular(path, what, hint, mode)
    is_named_wrongly = error.errno in (errno.ENOENT, errno.ENOTDIR)
    remedy = _HINTS.get(error.errno or 0, "Copy the file again, or to another disk.")
    return AaeError(
        f"Cannot read {name}: {error.strerror or 'it cannot be opened'}.", hint if hint and is_named_wrongly else remedy
    )


def _title(path: Name, what: str) -> str:
    return f"The {what} {shown(path)}" if what else shown(path)


def shown(path: Name) -> str:
    """Spell a name in a sentence, whatever letters it is of and however many."""
    text = os.fspath(path)
    if len(text) > _LONGEST_SHOWN:
        half = _LONGEST_SHOWN // 2
        text = f"{text[:half]}…{text[-half:]}"
    return ascii(text) if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text) else text


def _size(num_bytes: int) -> str:
    return f"{num_bytes // 2**20:,} MiB" if num_bytes >= 2**20 else f"{num_bytes:,} bytes"
