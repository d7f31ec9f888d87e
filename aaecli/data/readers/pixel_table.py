"""A table of images in a CSV file: which columns are pixels, and their values as bytes, in bounded memory.

Nearly all of such a file is numbers and commas, which are parsed many at a time: MNIST's 47 million values in seconds.
Blocks of lines that hold anything else are read cell by cell, and only so many of them: that takes ten times as long.
"""

from __future__ import annotations

import csv
import io
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aaecli.data.readers.arrays import MAX_IMAGES
from aaecli.data.readers.disk import Disk, empty, remedy
from aaecli.data.readers.pixel_columns import NUMBER, Columns, read_columns
from aaecli.data.readers.pixel_numbers import parse_lines, parse_whole_numbers
from aaecli.errors import AaeError
from aaecli.files.opening import open_regular

_MAX_LINE = 2**20
_MAX_FILE_BYTES = 2**31
"""As much text as the most images that are read take: EMNIST's 697,932 are 1.3 gigabytes."""
_MAX_CELL = 40
"""Letters that a pixel takes on average, at most: to parse more of them takes longer than to parse pixels."""
_BLOCK = 2**19
"""Bytes that are parsed at a time: what is made of them fits into a cache."""
_MAX_LABEL_LETTERS = 200
_MAX_SINGLE_CELLS = 2**22
"""Cells that are read one by one, at most: seconds."""
_HINT = "An image a line: its label and its pixels from 0 to 255, as in `label,pixel0,pixel1,…,pixel783`."


@dataclass(frozen=True)
class PixelTable:
    """What a file holds.

    Attributes:
        pixels: uint8 (N, H, W) or (N, H, W, 3).
        label: int64 (N,) with -1 for an empty cell, or texts where not all are numbers; None without such a column.
    """

    pixels: NDArray[np.uint8]
    label: NDArray[np.int64] | list[str] | None


def is_pixel_table(path: Path) -> bool:
    """Tell by its first line whether a file is such a table."""
    try:
        with open_regular(path) as file:
            return read_columns(file.readline(_MAX_LINE)) is not None
    except (AaeError, OSError):
        return False


def read_pixel_table(path: Path, max_bytes: int, disk: Disk | None = None) -> PixelTable:
    """Read a file.

    Args:
        path: The file.
        max_bytes: The most that its images may take, a byte a value.
        disk: Where they are put; into memory where None.

    Raises:
        AaeError: It is no such table, holds a value that is no pixel, or is too large.
    """
    try:
        with open_regular(path) as file:
            columns = read_columns(file.readline(_MAX_LINE))
            if columns is None:
                raise AaeError(f"{path} holds no images: its first line is none.", _HINT)
            start = file.tell() if columns.has_header else 0
            file.seek(start)
            num_values = columns.layout.num_values
            max_images = MAX_IMAGES if disk is None else disk.max_images
            num_lines = _count_lines(path, file, min(max_images, max_bytes // num_values), disk)
            file.seek(start)
            left = os.fstat(file.fileno()).st_size - start
            # A pixel takes two letters: lines that hold less are none, and no room is taken for them.
            pixels = empty((min(num_lines, left // (2 * num_values) + 1), num_values), disk)
            filling = _Filling(path, columns, pixels, 1 if columns.has_header else 0)
            rest = b""
            while left > 0 and (block := file.read(min(_BLOCK, left))):
                left -= len(block)
                rest += block
                cut = rest.rfind(b"\n") + 1
                filling.add(rest[:cut])
                rest = rest[cut:]
            filling.add(rest)
    except OSError as error:
        raise AaeError(f"Cannot read {path}: {error.strerror}.", "Copy or download the file again.") from error
    return filling.table()


def _count_lines(path: Path, file: io.BufferedReader, most: int, disk: Disk | None) -> int:
    """Count the lines that are left, or one more, before any of them is parsed.

    Raises:
        AaeError: They are too many or too long.
    """
    hint = f"{remedy(path, disk)} Check also that the file is what it claims to be."
    if disk is None and os.fstat(file.fileno()).st_size > _MAX_FILE_BYTES:
        raise AaeError(f"{path} is larger than {_MAX_FILE_BYTES // 2**20:,} MiB.", hint)
    num_lines, length = 1, 0
    while block := file.read(_BLOCK):
        num_lines += block.count(b"\n")
        last = block.rfind(b"\n")
        length = len(block) - last - 1 if last >= 0 else length + len(block)
        if num_lines > most:
            raise AaeError(f"{path} has more lines than the {most:,} images of this size that are read.", hint)
        if length > _MAX_LINE:
            raise AaeError(f"{path} holds a line that is longer than any line of pixels.", _HINT)
    return num_lines


class _Filling:
    """The arrays of a table, filled block by block."""

    def __init__(self, path: Path, columns: Columns, pixels: NDArray[np.uint8], line: int) -> None:
        self._path, self._columns, self._line, self._pixels = path, columns, line, pixels
        self._num = self._num_single = 0
        self._highest = 0.0
        self._scale: int | None = None
        """What pixels are multiplied by, once a fraction tells."""
        self._labels: list[NDArray[np.int64] | list[str]] = []

    def fault(self, what: str) -> AaeError:
        """Say what is wrong in the line after the last one that was read."""
        return AaeError(f"{self._path}, line {self._line + 1:,}, {what}.", _HINT)

    def add(self, block: bytes) -> None:
        """Add whole lines; only the last of the file may lack its end."""
        block = block.replace(b"\r\n", b"\n").rstrip(b"\n")
        if not block:
            return
        block += b"\n"
        label = self._columns.label
        values = parse_whole_numbers(block, self._columns.num)
        if values is not None:
            self._add_lines(values, None if label is None else values[:, label].astype(np.int64))
            return
        found = parse_lines(block, self._columns.num, label)
        if found is None or any(len(text) > _MAX_LABEL_LETTERS for text in found[1]):
            self._add_cells(block[:-1])
        else:
            self._add_lines(found[0], found[1] if label is not None else None)

    def _add_lines(
        self, values: NDArray[np.int32] | NDArray[np.float64], labels: NDArray[np.int64] | list[str] | None
    ) -> None:
        """Add parsed lines (N, columns) with their labels."""
        self._add_pixels(values[:, self._columns.pixels])
        self._line += len(values)
        if labels is not None:
            # A class has one name in memory, not one for each image.
            self._labels.append([sys.intern(text) for text in labels] if isinstance(labels, list) else labels)

    def _add_cells(self, block: bytes) -> None:
        """Add lines that hold more than numbers, one by one."""
        self._num_single += (block.count(b"\n") + 1) * self._columns.num
        if self._num_single > _MAX_SINGLE_CELLS:
            raise AaeError(
                f"{self._path} writes many of its values in another way than as numbers alone, such as with spaces "
                "around them.",
                "Write it anew, such as with pandas: pd.read_csv(…).to_csv(…, index=False).",
            )
        try:
            text = block.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._line += block.count(b"\n", 0, error.start)
            raise self.fault("is no text in UTF-8") from error
        labels: list[str] = []
        rows: list[NDArray[np.float64]] = []
        first = self._line
        for line in text.split("\n"):
            try:
                cells = next(csv.reader([line]), [])
            except csv.Error as error:
                raise self.fault("is no line of a CSV file") from error
            if len(cells) != self._columns.num:
                raise self.fault(f"has {len(cells):,} values, not {self._columns.num:,}")
            rows.append(self._numbers(cells))
            if self._columns.label is not None:
                labels.append(cells[self._columns.label].strip())
                if len(labels[-1]) > _MAX_LABEL_LETTERS:
                    raise self.fault("has a label that is longer than any name")
            self._line += 1
        self._line = first
        self._add_pixels(np.stack(rows))
        self._line += len(rows)
        if self._columns.label is not None:
            self._labels.append(labels)

    def _numbers(self, cells: list[str]) -> NDArray[np.float64]:
        """Give the pixels of a line (P,)."""
        chosen = self._columns.pixels
        words = cells[chosen] if isinstance(chosen, slice) else [cells[index] for index in chosen]
        together = "".join(words)
        if len(together) > _MAX_CELL * len(words):
            raise self.fault("holds numbers of more digits than any pixel has")
        try:
            # Python reads more than pixels: 1_000, other alphabets' digits, and what is no number or infinite.
            if "_" in together or not together.isascii():
                raise ValueError
            values = np.fromiter(map(float, words), np.float64, len(words))
            if not np.isfinite(values).all():
                raise ValueError
        except ValueError:
            wrong = next((word for word in map(str.strip, words) if not NUMBER.fullmatch(word)), "")
            raise self.fault(f"holds {wrong[:20]!r}, which is no pixel") from None
        return values

    def _add_pixels(self, values: NDArray[np.int32] | NDArray[np.float64]) -> None:
        """Add lines of pixels (N, P), of which fractions up to 1 mean that 1 is white."""
        high = float(values.max())
        if not (values.min() >= 0 and high <= 255):
            raise self.fault("or one that follows holds a pixel that is not from 0 to 255")
        is_fraction = values.dtype.kind == "f" and bool((values % 1).any())
        if self._scale is None and is_fraction:
            self._scale = 255 if max(high, self._highest) <= 1 else 1
            self._pixels[: self._num] *= np.uint8(self._scale)
        if self._scale == 255 and high > 1:
            raise self.fault("or one that follows holds a pixel beyond 1, where others are fractions")
        self._highest = max(self._highest, high)
        if self._scale == 255 or values.dtype.kind == "f":
            values = np.rint(values * (self._scale or 1))
        self._pixels[self._num : self._num + len(values)] = values
        self._num += len(values)

    def table(self) -> PixelTable:
        """Give what was filled in.

        Raises:
            AaeError: A label is a number that no class has.
        """
        layout = self._columns.layout
        shape = (self._num, layout.height, layout.width, layout.channels)
        pixels = self._pixels[: self._num].reshape(shape)
        label: NDArray[np.int64] | list[str] | None = None
        if self._columns.label is not None:
            label = self._label()
        return PixelTable(pixels[..., 0] if layout.channels == 1 else pixels, label)

    def _label(self) -> NDArray[np.int64] | list[str]:
        if all(isinstance(part, np.ndarray) for part in self._labels):
            return np.concatenate([np.zeros(0, np.int64), *self._labels])
        texts = [text for part in self._labels for text in _texts(part)]
        if not all(re.fullmatch(r"\d{1,9}(\.0*)?|-1(\.0*)?|", text, re.ASCII) for text in texts):
            return ["" if text == "-1" else text for text in texts]
        return np.array([int(text.partition(".")[0] or -1) for text in texts], np.int64)


def _texts(part: NDArray[np.int64] | list[str]) -> Iterator[str]:
    return iter(part) if isinstance(part, list) else map(str, part.tolist())
