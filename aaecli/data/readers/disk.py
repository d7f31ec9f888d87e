"""Files without a name that hold images while a data set is read that may be larger than the memory."""

from __future__ import annotations

import math
import os
import tempfile
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from aaecli.data.naming.computed_names import ComputedNames
from aaecli.data.store.manifest import MAX_IMAGES
from aaecli.errors import AaeError
from aaecli.files.opening import is_folder
from aaecli.suggestions import suggest_aaecli

SPLIT = "Split the data set."
_CHUNK = 2**20


class Disk:
    """Makes arrays whose values lie on a disk, in files that are gone with the process, however it ends.

    Args:
        folder: On that disk; it need not be there yet.

    Attributes:
        max_images: Most images of a data set that is read so: what a store takes.
        max_bytes: Most bytes that they may take.
    """

    max_images = MAX_IMAGES
    max_bytes = 2**43

    def __init__(self, folder: Path) -> None:
        around = (folder, *folder.absolute().parents)
        self._folder = next((path for path in around if is_folder(path)), Path())

    def empty(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Give an array with any values in it.

        Raises:
            AaeError: The disk is full, or cannot be written.
        """
        size = math.prod(shape)
        if not size:
            return np.empty(shape, np.uint8)
        try:
            with tempfile.TemporaryFile(dir=self._folder) as file:
                _reserve(file, size)
                return np.memmap(file, np.uint8, "r+", 0, shape)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "they cannot be mapped into memory"
            raise AaeError(
                f"{size:,} bytes for the images cannot be had in {self._folder}: {reason}.",
                "Make free space on that disk, or name a folder on another one.",
            ) from error


def remedy(path: Path, disk: Disk | None) -> str:
    """Say what to do about a data set with more images than are read: into memory, or at all."""
    if disk is not None:
        return SPLIT
    return f"Pack it, and name the store instead: {suggest_aaecli('data', 'pack', path, '--out', Path('store'))}."


def empty(shape: tuple[int, ...], disk: Disk | None) -> NDArray[np.uint8]:
    """Give an array with any values in it: in memory, or on a disk."""
    return np.empty(shape, np.uint8) if disk is None else disk.empty(shape)


def joined(arrays: Sequence[NDArray[np.uint8]], disk: Disk | None) -> NDArray[np.uint8]:
    """Give images (N, …) of several arrays as one."""
    if len(arrays) == 1:
        return arrays[0]
    found = empty((sum(map(len, arrays)), *arrays[0].shape[1:]), disk)
    start = 0
    for array in arrays:
        found[start : start + len(array)] = array
        start += len(array)
    return found


def _reserve(file: BinaryIO, size: int) -> None:
    """Reserve the room of a file: a process that writes into mapped pages that the disk has no room for is ended."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    for start in range(0, size, _CHUNK):
        file.write(bytes(min(_CHUNK, size - start)))
    file.flush()


class NumberedNames(ComputedNames):
    """Names of images by their files and numbers, made when somebody reads them.

    Args:
        counts: Files, one or more, with the number of images of each.
    """

    def __init__(self, counts: Sequence[tuple[str, int]]) -> None:
        self._counts = counts
        self._end = [*accumulate(count for _, count in counts)]

    def __len__(self) -> int:
        """Number of names."""
        return self._end[-1]

    def name(self, number: int) -> str:
        """Give one name."""
        position = bisect_right(self._end, number)
        file, count = self._counts[position]
        return f"{file}#{number - self._end[position] + count}"
