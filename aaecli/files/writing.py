"""Atomic writes, never through a link."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from aaecli.errors import AaeError
from aaecli.files.opening import exists, is_file
from aaecli.suggestions import suggest

_LONGEST_PREFIX = 100
"""Bytes of a name that its temporary file has too: names can be as long as the file system allows."""
_NO_ROOM = "Make free space on the disk of that folder."
_NO_PERMISSION = "Check the permissions of that folder and of the file, or write elsewhere."
_REMEDIES = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EACCES: _NO_PERMISSION,
    errno.EPERM: _NO_PERMISSION,
    errno.EROFS: _NO_PERMISSION,
}


@contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, and rename it to ``path`` when the block ends without an error.

    The bytes are on the disk before the rename. So after a loss of power there is the old file or the new one, never
    half of either. With ``sync`` off this holds for readers only; use it for many small files of a cache.

    Raises:
        AaeError: The folder cannot be written, the disk is full, or ``path`` is a link. The old file is then untouched.
    """
    import tempfile  # with its own imports as long as a tenth of what classifying a picture takes

    check_no_link(path)
    with _explaining_failures(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        begin = path.name.encode("utf-8", "ignore")[:_LONGEST_PREFIX].decode("utf-8", "ignore")
        handle, name = tempfile.mkstemp(prefix=f".{begin}.", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            if sync:
                with temporary.open("rb") as written:
                    os.fsync(written.fileno())
            temporary.chmod(0o666 & ~_umask())
            check_no_link(path)
            temporary.replace(path)
            if sync:
                _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def making_folder(path: Path) -> None:
    """Make a folder where there is none.

    Raises:
        AaeError: It cannot be made.
    """
    with _explaining_failures(path):
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def appending(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read it and add to its end; what was added is on the disk when the block ends.

    A file that has another name too (a hard link, as some backups make) gets a copy of its own first.

    Raises:
        AaeError: The file is a link or no regular file, or cannot be written.
    """
    check_no_link(path)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    with _explaining_failures(path):
        if is_file(path) and path.stat().st_nlink > 1:
            import shutil

            with replacing(path) as temporary:
                shutil.copyfile(path, temporary)
        if exists(path) and not is_file(path):
            raise AaeError(f"{path} is a folder, a device or a pipe, not a file.", "Move it away.")
        with os.fdopen(os.open(path, flags, 0o666), "a+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())


def check_no_links(folder: Path, path: Path) -> None:
    """Check that neither a file nor any folder between it and ``folder`` is a link.

    A folder from somebody else may contain links to files outside it.

    Raises:
        AaeError: One is.
    """
    inner = path
    while inner != folder and inner != inner.parent:
        check_no_link(inner)
        inner = inner.parent


def check_no_link(path: Path) -> None:
    """Check that a file or folder is no link.

    Raises:
        AaeError: It is one.
    """
    # Unlike Path.is_symlink, this answers where the folder may not be entered: writing then says what is wrong.
    if os.path.islink(path):  # noqa: PTH114
        raise AaeError(
            f"{path} is a link, and nothing is written through links.",
            f"Remove it, or put a copy of what it leads to in its place: {suggest('rm', path)}",
        )


@contextmanager
def _explaining_failures(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = _REMEDIES.get(error.errno or 0, "Check the permissions of the folder and the free space on its disk.")
        raise AaeError(f"Cannot write {path}: {error.strerror or error}.", hint) from error


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed process left."""
    for entry in folder.iterdir():
        if re.fullmatch(r"\.[\w.-]+\.(pt|csv|json|toml|npy)\.\w{8}", entry.name):
            entry.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Sync a folder: without it, a loss of power may undo the rename."""
    if os.name == "nt":
        return  # Windows opens no folders
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
