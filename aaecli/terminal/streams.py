"""stdin, stdout and stderr as a shell, a scheduler or a pipe may hand them over: closed, full, in any encoding."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

from aaecli.errors import AaeError
from aaecli.text import SPELL

_FAILURES = {
    errno.ENOSPC: "Make room on the disk that they are sent to.",
    errno.EDQUOT: "Make room on the disk that they are sent to.",
    errno.EBADF: "stdout is closed: send it to a file or a pipe instead.",
    errno.EIO: "stdout is a terminal or a disk that is gone: send it to a file.",
}


def prepare() -> None:
    """Make the three streams of the process fit for use; to be called before anything is read or written.

    A stream that was closed is opened again on nothing, so that no other file gets its number: stdin is empty, stderr
    discards its input, and writing to stdout fails, since the results would be lost. Characters outside of an encoding
    become ASCII, so that one character does not stop the output.
    """
    # In this order each takes its own number, the lowest that is free.
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY), "r", encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        # A test or a notebook may have put something else in place.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=SPELL)


def silence_stdout() -> None:
    """Drop what is still to be written to stdout: Python writes it once more as it ends, and that must not fail."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def failure(error: OSError) -> AaeError | None:
    """Return why stdout cannot be written to; None for any other error."""
    if error.filename is not None or error.errno not in _FAILURES:
        return None
    return AaeError(f"Cannot write the results to stdout: {error.strerror}.", _FAILURES[error.errno])
