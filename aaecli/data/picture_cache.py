"""The pictures of a folder as one array, decoded on every core once and kept for the next start."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aaecli.data.preprocessing.prepare import Batch, Encoded, Recipe, prepare_chunk
from aaecli.data.workers import CHUNK, workers
from aaecli.errors import AaeError
from aaecli.files.cache import cache_folder
from aaecli.files.opening import is_file, open_regular
from aaecli.files.writing import replacing

Progress = Callable[[int, int], None]
"""Receives progress: how many pictures are done, and of how many."""

_SCHEMA = 2
"""Version of the preprocessing: increased whenever its results change."""
_KEPT_SECONDS = 90 * 24 * 3600
_MANY = 48
"""From so many pictures on, starting processes pays."""


class File(NamedTuple):
    """One picture file of a folder, with what identifies an unchanged file later.

    Attributes:
        name: Its path from the folder, with slashes.
        size: In bytes; -1 where it cannot be looked at.
        changed: When it was last changed, in nanoseconds.
    """

    name: str
    size: int
    changed: int


@dataclass(frozen=True)
class Pictures:
    """Prepared pictures.

    Attributes:
        image: uint8 (N, H, W) or (N, H, W, 3), those that could be read.
        index: int64 (N,), the index of each among the files.
        suspicious: bool (N,), whether it looks unlike one drawing or character; all False without the search for
            strokes.
        paged: bool (N,), whether its file holds more pages or frames than this one.
        unreadable: By index among the files, why a picture could not be read.
    """

    image: NDArray[np.uint8]
    index: NDArray[np.int64]
    suspicious: NDArray[np.bool_]
    paged: NDArray[np.bool_]
    unreadable: dict[int, str]


def load_pictures(folder: Path, names: list[str], recipe: Recipe, progress: Progress | None = None) -> Pictures:
    """Read pictures, from the cache where their files have not changed.

    Args:
        folder: The folder that the files are in.
        names: What to read: paths from the folder, with slashes.
        recipe: How a picture becomes the model's input.
        progress: Receives the progress of decoding.
    """
    path = _cache_path(folder, recipe)
    files: list[File] = []
    known = None
    if is_file(path):
        files = [_stat_file(_join(folder, name), name) for name in names]
        same = _read_same(path, files, recipe)
        if same is not None:
            with contextlib.suppress(OSError):
                path.touch()
            return same
        known = _read(path, recipe)
    if known is None:
        # Each file is looked at as it is handed out, while the workers decode those before it.
        files = []
        pictures = _assemble(len(names), _looking_at(folder, names, files), recipe, progress=progress)
    else:
        kept = {index: known.row[file] for index, file in enumerate(files) if file in known.row}
        paths = (_join(folder, name) for index, name in enumerate(names) if index not in kept)
        pictures = _assemble(len(names), paths, recipe, kept, known.pictures, progress)
    # A home that cannot be written costs time at the next start, nothing else.
    with contextlib.suppress(AaeError):
        _write(path, files, pictures)
    return pictures


def _join(folder: Path, name: str) -> str:
    # Joined as text: a Path for each of a hundred thousand pictures takes half a second.
    return f"{folder}{os.sep}{name}"


def _stat_file(path: str, name: str) -> File:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        # Gone since it was listed; what reads it says so.
        return File(name, -1, 0)
    return File(name, status.st_size, status.st_mtime_ns)


def _looking_at(folder: Path, names: list[str], files: list[File]) -> Iterator[str]:
    """Give the path of each picture, once its file has been looked at and added to ``files``."""
    for name in names:
        path = _join(folder, name)
        files.append(_stat_file(path, name))
        yield path


def _assemble(
    count: int,
    paths: Iterable[str],
    recipe: Recipe,
    kept: Mapping[int, int | str] | None = None,
    known: Pictures | None = None,
    progress: Progress | None = None,
) -> Pictures:
    """Put pictures together: some are known, the others are decoded.

    Args:
        count: Number of pictures.
        paths: Those to decode, in order.
        recipe: How.
        kept: By the places of the others, their rows in ``known``, or why there is none.
        known: What the cache holds.
        progress: Receives the progress of decoding.
    """
    image = np.empty((count, *recipe.stored_shape), np.uint8)
    readable, suspicious, paged = np.ones(count, bool), np.zeros(count, bool), np.zeros(count, bool)
    unreadable: dict[int, str] = {}
    for index, row in (kept or {}).items():
        if isinstance(row, str):
            unreadable[index] = row
        elif known is not None:
            image[index], suspicious[index], paged[index] = known.image[row], known.suspicious[row], known.paged[row]
    fresh = [index for index in range(count) if index not in kept] if kept else range(count)
    done = 0
    for batch in prepared(paths, len(fresh), recipe):
        indices = fresh[done : done + len(batch.outcomes)]
        failed = {
            index: outcome.message
            for index, outcome in zip(indices, batch.outcomes, strict=True)
            if isinstance(outcome, AaeError)
        }
        read = [index for index in indices if index not in failed] if failed else indices
        image[read] = batch.images
        suspicious[indices] = [bool(outcome) for outcome in batch.outcomes]
        paged[indices] = np.array(batch.num_pages) > 1
        unreadable |= failed
        done += len(indices)
        if progress is not None:
            progress(done, len(fresh))
    readable[list(unreadable)] = False
    if unreadable:
        image, suspicious, paged = image[readable], suspicious[readable], paged[readable]
    return Pictures(image, np.flatnonzero(readable), suspicious, paged, dict(sorted(unreadable.items())))


def prepared(sources: Iterable[str | Encoded | AaeError], count: int, recipe: Recipe) -> Iterator[Batch]:
    """Prepare so many pictures in order, on every core where they are many."""
    if count >= _MANY:
        with workers() as pool:
            yield from pool.run(sources, recipe)
    else:
        pending = iter(sources)
        while chunk := list(islice(pending, CHUNK)):
            yield prepare_chunk(list(chunk), recipe)


class _Known:
    """What a cache file holds: rows of pictures, or why there is none, by file."""

    def __init__(self, files: list[File], pictures: Pictures) -> None:
        self.pictures = pictures
        self.row: dict[File, int | str] = {files[index]: row for row, index in enumerate(pictures.index.tolist())}
        self.row.update({files[index]: reason for index, reason in pictures.unreadable.items()})


def _cache_path(folder: Path, recipe: Recipe) -> Path:
    key = json.dumps([_SCHEMA, str(folder.resolve()), astuple(recipe)])
    return cache_folder() / "pictures" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"


_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_DAMAGED = (
    AaeError, OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile, NotImplementedError,
    RecursionError, SyntaxError,
)  # fmt: skip


@contextlib.contextmanager
def _opened(file: io.BufferedReader) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Open a cache file, once each of its arrays is seen to be as long as it claims: a header can claim petabytes."""
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise ValueError("compressed")
            with archive.open(entry) as part:
                version = np.lib.format.read_magic(part)
                shape, _, dtype = _HEADERS[version](part)
                if dtype.hasobject or math.prod(shape) * dtype.itemsize != entry.file_size - part.tell():
                    raise ValueError("an array claims more than there is")
    file.seek(0)
    with np.load(file, allow_pickle=False) as content:
        yield content


def _read_same(path: Path, files: list[File], recipe: Recipe) -> Pictures | None:
    """Read a cache file that is of just these files; the usual case, for which no table of names has to be built."""
    try:
        with open_regular(path) as file, _opened(file) as content:
            if content["digest"].tobytes() != _digest(files):
                return None
            return _pictures(content, len(files), recipe)
    except _DAMAGED:
        return None


def _read(path: Path, recipe: Recipe) -> _Known | None:
    """Read a cache file; one that is missing, damaged or of another form counts as none."""
    try:
        with open_regular(path) as file, _opened(file) as content:
            files = [File(*row) for row in zip(*json.loads(content["table"].tobytes()), strict=True)]
            return _Known(files, _pictures(content, len(files), recipe))
    except _DAMAGED:
        return None


def _pictures(content: Mapping[str, NDArray[Any]], num_files: int, recipe: Recipe) -> Pictures:
    unreadable = {int(index): str(reason) for index, reason in json.loads(content["unreadable"].tobytes()).items()}
    pictures = Pictures(content["image"], content["index"], content["suspicious"], content["paged"], unreadable)
    num = num_files - len(unreadable)
    each = (pictures.index, pictures.suspicious, pictures.paged)
    if not (pictures.image.shape == (num, *recipe.stored_shape) and all(len(values) == num for values in each)):
        raise ValueError("the arrays do not fit together")
    return pictures


def _digest(files: list[File]) -> bytes:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{file.size}\0{file.changed}\0".encode(errors="surrogateescape"))
    return digest.digest()


def _write(path: Path, files: list[File], pictures: Pictures) -> None:
    table = list(zip(*files, strict=True))
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            digest=np.frombuffer(_digest(files), np.uint8),
            table=np.frombuffer(json.dumps(table).encode(), np.uint8),
            unreadable=np.frombuffer(json.dumps(pictures.unreadable).encode(), np.uint8),
            image=pictures.image,
            index=pictures.index,
            suspicious=pictures.suspicious,
            paged=pictures.paged,
        )
    _forget(path.parent.iterdir())


def _forget(paths: Iterable[Path]) -> None:
    """Delete what no start has used for a season. The folder may hold other files too: the user chose it."""
    for path in paths:
        with contextlib.suppress(OSError):
            if re.fullmatch(r"[0-9a-f]{32}\.npz", path.name) and time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                path.unlink()
