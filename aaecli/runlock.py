"""One training a run folder: a lock that ends with its process, however that ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aaecli.errors import AaeError

_NAME = ".lock"
# `aaecli runs` holds a lock for a moment to see whether it is free.
_PATIENCE_SECONDS = 2.0


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Keep every other training out of a run folder for the length of the block.

    The lock is the operating system's, so it needs no process number and no clock, and a killed process loses it.

    Raises:
        AaeError: Another training holds it, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(run / _NAME, timeout=_PATIENCE_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise AaeError(
            f"The training in {run} is running already, in another process.",
            "Wait for its end, or stop it there with Ctrl-C; `aaecli runs` shows which trainings run.",
        ) from error
    except OSError as error:
        raise AaeError(f"Cannot write to {run}: {error.strerror}.", "Check the folder's permissions.") from error
    try:
        yield
    finally:
        lock.release()


def is_locked(run: Path) -> bool:
    """Tell whether a training is under way in a run folder; False where that cannot be found out."""
    if not (run / _NAME).is_file():
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(run / _NAME, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False
