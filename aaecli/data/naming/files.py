"""Which picture files names, folders, patterns and lists stand for, and their bytes."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from aaecli.data.naming.picture_names import (
    LEFT_OUT_HINT,
    MISNAMED_HINT,
    SUFFIXES,
    UNREAD_SUFFIXES,
    begins_as_picture,
    is_clutter,
    is_hidden,
    left_out,
    may_be_misnamed,
    suffix_of,
)
from aaecli.errors import AaeError
from aaecli.files import opening
from aaecli.files.opening import is_folder

STDIN = "-"
MAX_BYTES = 64 * 2**20
"""Largest picture file that is read."""


def find(names: Iterable[str], *, recursive: bool = False) -> Iterator[str | AaeError]:
    """List the pictures that file names, folders and patterns stand for, in order.

    Args:
        names: Files, folders (their pictures by name), patterns with ``*``, ``?`` or ``[``, or ``-`` for stdin.
        recursive: Look into the folders of folders too; ``**`` in a pattern does so in any case.

    Yields:
        Paths (or ``-``); an error in the place of a name that stands for nothing, and one after the pictures of a
        folder that also holds pictures in a format that is not read.
    """
    names = list(names)
    for name in names:
        # A shell puts them in the place of `*`, and nobody means them.
        if len(names) > 1 and is_clutter(os.path.basename(name)):  # noqa: PTH119
            continue
        # Unlike Path.is_dir, these take any name: too long, or with NUL.
        if name == STDIN:
            yield name
        elif is_folder(name):
            yield from _in_folder(name, recursive)
        elif not any(letter in name for letter in "*?[") or os.path.lexists(name):
            yield name
        else:
            yield from _matching(name)


def _matching(pattern: str) -> Iterator[str | AaeError]:
    import glob

    # Path.glob takes no absolute pattern; no name holds NUL, with which it would raise.
    matches = [] if "\0" in pattern else glob.glob(pattern, recursive=True)  # noqa: PTH207
    # A pattern that names something hidden means it.
    parts = Path(pattern).parts
    first = next(index for index, part in enumerate(parts) if any(letter in part for letter in "*?["))
    means_hidden = any(is_hidden(part) for part in parts[first:])
    found = False
    for path in sorted(matches):
        if (means_hidden or not any(map(is_hidden, Path(path).parts[first:]))) and not is_folder(path):
            found = True
            yield path
    if not found:
        yield AaeError(
            f"No file matches {shown(pattern)}.", "Check the pattern; quote it so that the shell leaves it alone."
        )


def _in_folder(folder: str, recursive: bool) -> Iterator[str | AaeError]:
    found = False
    unread: Counter[str] = Counter()
    misnamed: list[str] = []
    # Not by recursion: folders can be nested deeper than Python calls.
    pending: list[tuple[str, bool]] = [(folder, True)]
    while pending:
        path, is_folder = pending.pop()
        if not is_folder:
            found = True
            yield path
            continue
        inner: list[tuple[str, bool]] = []
        try:
            with os.scandir(path) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if is_hidden(entry.name):
                        continue
                    # Links to folders are not followed: they can lead in circles.
                    if recursive and entry.is_dir(follow_symlinks=False):
                        inner.append((entry.path, True))
                    elif (suffix := suffix_of(entry.name)) in SUFFIXES and not entry.is_dir():
                        inner.append((entry.path, False))
                    elif suffix in UNREAD_SUFFIXES and not entry.is_dir():
                        unread[suffix] += 1
                    elif is_misnamed(entry.path, suffix):
                        misnamed.append(entry.path)
        except OSError as error:
            found = True
            yield AaeError(f"Cannot read the folder {path}: {error.strerror}.", "Check its permissions.")
        pending += reversed(inner)
    if not found and _is_store(folder):
        yield AaeError(
            f"{folder} is a store of prepared images, which are no pictures any more.",
            "Name the pictures that it was packed from; `aaecli eval --data` takes a store.",
        )
        return
    if unread:
        yield AaeError(f"{left_out(unread)}, in {folder}: these formats are not read.", LEFT_OUT_HINT)
    if misnamed:
        more = f" and {len(misnamed) - 1:,} more" if len(misnamed) > 1 else ""
        yield AaeError(f"{misnamed[0]}{more} left out: a picture whose name does not end like one.", MISNAMED_HINT)
    if not (found or unread or misnamed):
        hint = "" if recursive else "Use --recursive to look into the folders inside it."
        yield AaeError(f"The folder {folder} holds no pictures.", hint)


def _is_store(folder: str) -> bool:
    from aaecli.data.store.manifest import holds_store

    return holds_store(Path(folder))


def read_bytes(name: str) -> bytes:
    """Read a picture file whole, or stdin where the name is ``-``.

    Raises:
        AaeError: It cannot be read, is no regular file, is empty, or is larger than ``MAX_BYTES``.
    """
    if name == STDIN and sys.stdin.isatty():
        raise AaeError(
            "A picture is awaited on stdin, which is a terminal.",
            "Pipe one into it: `aaecli data export --index 0 --out - | aaecli classify -`.",
        )
    data = sys.stdin.buffer.read(MAX_BYTES + 1) if name == STDIN else opening.read_bytes(name, MAX_BYTES)
    if not data:
        raise AaeError(
            f"{shown(name)} is empty.", "Copy the file again." if name != STDIN else "Pipe a picture into it."
        )
    if len(data) > MAX_BYTES:
        raise AaeError(f"{shown(name)} is larger than {MAX_BYTES // 2**20} MiB.", "Save it smaller.")
    return data


def is_misnamed(path: str, suffix: str) -> bool:
    """Tell whether a file in a folder, whose name does not end as a picture's, is one by its first bytes."""
    if not may_be_misnamed(suffix):
        return False
    try:
        with opening.open_regular(path) as file:
            return begins_as_picture(file.read(12))
    except (AaeError, OSError):
        return False


def shown(name: str) -> str:
    """Name a picture in a sentence."""
    return "The picture on stdin" if name == STDIN else opening.shown(name)
