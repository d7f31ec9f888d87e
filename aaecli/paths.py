"""Where things are: run folders, the newest model, and files that are either whole or absent."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from aaecli.errors import AaeError
from aaecli.files import exists, is_file, is_folder
from aaecli.suggestions import suggest

RUNS = Path("runs")
NEWEST_MODEL = Path("model.pt")
EXPORTS = Path("exports")
STATE = "last.pt"
"""What a training goes on from; of one that has not ended, its weights are the model."""
CARD = "README.md"
_RUN_FILES = (
    *("config.toml", "environment.json", "labels.csv", "metrics.csv", "summary.json", "model.pt", "last.pt"),
    *(".lock", "figures", "tensorboard"),
)
"""What a training writes into its run folder."""
_LONGEST_PREFIX = 100
"""Bytes of a name that its temporary file has too: names can be as long as the file system allows."""


@contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Give a temporary path beside ``path``; what was written there takes its name when the block ends well.

    The bytes are on the disk before the name is, so a reader, or a machine that loses its power, finds the old file
    or the new one and never half of either. With ``sync`` off this holds for a reader alone: for many small files that
    can be made again.

    Raises:
        AaeError: The folder cannot be written, the disk is full, or ``path`` is a link. The old file is then untouched.
    """
    _check_no_link(path)
    with _telling_what_fails(path):
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
            _check_no_link(path)
            temporary.replace(path)
            if sync:
                _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def appending(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read it and add to its end; what was added is on the disk when the block ends.

    A file that has another name too (a hard link, as some backups make) gets a copy of its own first.

    Raises:
        AaeError: The file is a link or no regular file, or cannot be written.
    """
    _check_no_link(path)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    with _telling_what_fails(path):
        if is_file(path) and path.stat().st_nlink > 1:
            with replacing(path) as temporary:
                shutil.copyfile(path, temporary)
        if exists(path) and not is_file(path):
            raise AaeError(f"{path} is a folder, a device or a pipe, not a file.", "Move it away.")
        with os.fdopen(os.open(path, flags, 0o666), "a+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())


def check_no_links(folder: Path, path: Path) -> None:
    """See that neither a file nor any folder between it and ``folder`` is a link.

    A folder from somewhere else may hold links that lead out of it, to where its sender wants something written.

    Raises:
        AaeError: One is.
    """
    inner = path
    while inner != folder and inner != inner.parent:
        _check_no_link(inner)
        inner = inner.parent


def check_run_folder(folder: Path, names: Iterable[str] = _RUN_FILES) -> None:
    """See that a run folder can be written to without following a link.

    Args:
        folder: The folder.
        names: What is going to be written in it: all that a training writes, unless said otherwise.

    Raises:
        AaeError: The folder, or one of the files and folders of these names, is a link.
    """
    if folder.is_symlink():
        raise AaeError(
            f"{folder} is a link, and nothing is written through links.",
            f"Name the folder itself: {suggest(Path(os.path.realpath(folder)))}",
        )
    for name in names:
        _check_no_link(folder / name)


def _check_no_link(path: Path) -> None:
    if path.is_symlink():
        raise AaeError(
            f"{path} is a link, and nothing is written through links.",
            f"Remove it, or put a copy of what it leads to in its place: {suggest('rm', path)}",
        )


@contextmanager
def _telling_what_fails(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AaeError(
            f"Cannot write {path}: {error.strerror or error}.",
            "Check the folder's permissions and the free space on its disk.",
        ) from error


def sweep(folder: Path) -> None:
    """Remove what a process that was killed while it wrote has left: the files that never took their names."""
    for entry in folder.iterdir():
        if re.fullmatch(r"\.[\w.]+\.(pt|csv|json|toml)\.\w{8}", entry.name):
            entry.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Bring a new name onto the disk: without it, a loss of power may take the new file and leave the old one."""
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


def cache_folder() -> Path:
    """Where things are kept that can be made again: ``AAECLI_CACHE``, else the platform's place for them."""
    if named := os.environ.get("AAECLI_CACHE"):
        return Path(named)
    # Costs a few milliseconds that only folders of pictures need.
    from platformdirs import user_cache_path

    return user_cache_path("aaecli", appauthor=False)


def new_run(root: Path, stem: str) -> Path:
    """Make the next folder ``root/<stem>-001``, numbered up from the highest there is.

    Two trainings that start at the same moment get a number each: making a folder that exists fails.

    Raises:
        AaeError: The folder cannot be made.
    """
    with _listing_runs(root):
        root.mkdir(parents=True, exist_ok=True)
        number = max(_numbered(root, stem), default=0) + 1
        while True:
            run = root / f"{stem}-{number:03d}"
            try:
                run.mkdir()
            except FileExistsError:
                number += 1
            else:
                return run


def newest_run(root: Path, stem: str) -> Path | None:
    """Find the folder that ``new_run`` made last, or None.

    Raises:
        AaeError: ``root`` cannot be read.
    """
    with _listing_runs(root):
        numbered = _numbered(root, stem) if is_folder(root) else {}
    return numbered[max(numbered)] if numbered else None


@contextmanager
def _listing_runs(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AaeError(
            f"Cannot make a run folder in {root}: {error.strerror}.", "Name a folder you can write to with --out."
        ) from error


def _numbered(root: Path, stem: str) -> dict[int, Path]:
    pattern = re.compile(re.escape(stem) + r"-(\d+)")
    return {int(found[1]): entry for entry in root.iterdir() if (found := pattern.fullmatch(entry.name))}


def find_model(named: Path | None) -> Path:
    """Find the model to use: the one named, or that in the folder named (a run's, or one of exports).

    Where none is named: ``./model.pt``, else that of the newest run.

    Raises:
        AaeError: There is none.
    """
    if named is not None and is_folder(named):
        for name in (NEWEST_MODEL.name, "encoder.onnx", STATE):
            if is_file(named / name):
                return named / name
        raise AaeError(f"There is no model in {named}.", "Name a .pt or .onnx file, or a run that has saved something.")
    if named is not None:
        return named
    if is_file(NEWEST_MODEL):
        return NEWEST_MODEL
    models = sorted((path for path in RUNS.glob("*/model.pt") if is_file(path)), key=lambda path: path.stat().st_mtime)
    if not models:
        raise AaeError("There is no model here.", "Train one with `aaecli train --labels 1000`, or name its path.")
    return models[-1]
