"""One process a run folder: a lock that the operating system releases when its process ends, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aaecli.errors import AaeError
from aaecli.files.opening import is_file, is_folder
from aaecli.files.writing import sweep
from aaecli.runs.paths import check_run_folder, new_run, newest_run

if TYPE_CHECKING:
    from filelock import BaseFileLock

_NAME = ".lock"
# `aaecli runs` holds a lock for a moment to see whether it is free.
_PATIENCE_SECONDS = 2.0


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Lock a run folder against other processes for the length of the block.

    The lock is the operating system's, so it needs no process number and no clock, and a killed process loses it.

    Raises:
        AaeError: Another process holds it, the folder cannot be written, or it contains a link.
    """
    check_run_folder(run)
    lock = _acquire(run, _PATIENCE_SECONDS)
    if lock is None:
        raise AaeError(
            f"The run {run} is in progress already, in another process.",
            "Wait for it to end, or stop it there with Ctrl-C; `aaecli runs` shows which runs are in progress.",
        )
    try:
        yield
    finally:
        lock.release()


@contextmanager
def locked_new_run(root: Path, stem: str) -> Iterator[Path]:
    """Give the next run folder of a name, kept for the length of the block as ``locked`` does.

    A folder without settings, left by a process that was killed early, is used again.

    Raises:
        AaeError: The folder cannot be made or written.
    """
    newest = newest_run(root, stem)
    folder = new_run(root, stem) if newest is None or _is_begun(newest) else newest
    lock = _acquire(folder, 0.0)
    # Another process may have locked the same folder at this moment, and may even have finished in it.
    while lock is None or _is_begun(folder):
        if lock is not None:
            lock.release()
        folder = new_run(root, stem)
        lock = _acquire(folder, 0.0)
    try:
        sweep(folder)
        yield folder
    finally:
        lock.release()


def _is_begun(run: Path) -> bool:
    """Tell whether a run folder is in use, or leads or has links that lead to somewhere else."""
    if run.is_symlink() or not is_folder(run):
        return True
    return any(entry.name == "config.toml" or entry.is_symlink() for entry in run.iterdir())


def _acquire(run: Path, patience: float) -> BaseFileLock | None:
    """Take the lock of a run folder, waiting up to ``patience`` seconds; None where another process holds it."""
    from filelock import FileLock, Timeout

    lock = FileLock(run / _NAME, timeout=patience)
    try:
        lock.acquire()
    except Timeout:
        return None
    except OSError as error:
        raise AaeError(f"Cannot write to {run}: {error.strerror}.", "Check the folder's permissions.") from error
    return lock


def is_locked(run: Path) -> bool:
    """Return whether a process is training in a run folder; False where that is unknown."""
    # Testing a lock opens it for writing, which must not happen through a link.
    if not is_file(run / _NAME) or (run / _NAME).is_symlink():
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(run / _NAME, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False
