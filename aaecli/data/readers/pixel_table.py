"""A table of images in a CSV file: which columns are pixels, and their values as bytes, in bounded memory.

Nearly all of such a file is whole numbers and commas, which are parsed many at a time: MNIST's 47 million values in
seconds. Blocks of lines that hold anything else are read cell by cell.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aaecli.data.readers.arrays import MAX_LABELS
from aaecli.data.readers.pixels import Layout, square_layout
from aaecli.errors import AaeError
from aaecli.files.opening import open_regular

_LABELS = {"label", "labels", "class", "target", "y", "digit", "letter", "character", "emotion"}
_NOT_PIXELS = {"", "id", "index", "image_id", "imageid", "unnamed: 0"}
_MIN_SIDE = 8
"""Of an image: four numbers a line are a table of measurements, not an image of 2 × 2."""
_MAX_LINE = 2**20
_BLOCK = 2**19
"""Bytes that are parsed at a time: what is made of them fits into a cache."""
_MAX_LABEL_LETTERS = 200
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d*)?([eE][+-]?\d{1,2})?", re.ASCII)
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


@dataclass(frozen=True)
class _Columns:
    """Which columns there are.

    Attributes:
        num: Number of columns.
        label: Index of the label's, or None.
        pixels: Those of the pixels, H · W · C.
        layout: How they are an image.
        has_header: Whether the first line names the columns.
    """

    num: int
    label: int | None
    pixels: slice | NDArray[np.int64]
    layout: Layout
    has_header: bool


def is_pixel_table(path: Path) -> bool:
    """Tell by its first line whether a file is such a table."""
    try:
        with open_regular(path) as file:
            return _columns(file.readline(_MAX_LINE)) is not None
    except (AaeError, OSError):
        return False


def read_pixel_table(path: Path, max_bytes: int) -> PixelTable:
    """Read a file.

    Args:
        path: The file.
        max_bytes: The most that its images may take, a byte a value.

    Raises:
        AaeError: It is no such table, holds a value that is no pixel, or is too large.
    """
    try:
        with open_regular(path) as file:
            columns = _columns(file.readline(_MAX_LINE))
            if columns is None:
                raise AaeError(f"{path} holds no images: its first line is none.", _HINT)
            start = file.tell() if columns.has_header else 0
            file.seek(start)
            num_lines = 1
            while block := file.read(_BLOCK):
                num_lines += block.count(b"\n")
            size = num_lines * columns.layout.num_values
            if size > max_bytes or num_lines > MAX_LABELS:
                raise AaeError(
                    f"{path} has {num_lines:,} lines; images of more than {max_bytes:,} bytes in all are not read.",
                    "Split the data set, or check that the file is what it claims to be.",
                )
            file.seek(start)
            filling = _Filling(path, columns, num_lines, 1 if columns.has_header else 0)
            left = os.fstat(file.fileno()).st_size - start
            rest = b""
            while left > 0 and (block := file.read(min(_BLOCK, left))):
                left -= len(block)
                rest += block
                cut = rest.rfind(b"\n") + 1
                if len(rest) - cut > _MAX_LINE:
                    raise filling.fault("is longer than any line of pixels")
                filling.add(rest[:cut])
                rest = rest[cut:]
            filling.add(rest)
    except OSError as error:
        raise AaeError(f"Cannot read {path}: {error.strerror}.", "Copy or download the file again.") from error
    return filling.table()


def _columns(line: bytes) -> _Columns | None:
    """Tell the columns by the first line; None where it is no line of such a table."""
    try:
        cells = next(csv.reader([line.decode("utf-8-sig").strip("\r\n")]), [])
    except (UnicodeDecodeError, csv.Error):
        return None
    names = [cell.strip().lower() for cell in cells]
    named_label = [index for index, name in enumerate(names) if name in _LABELS]
    are_numbers = [bool(_NUMBER.fullmatch(name)) for name in names]
    counts = [str(index) for index in range(len(names) + 1)]
    has_header = bool(named_label) or are_numbers.count(False) > 1 or names in (counts[:-1], counts[1:])
    pixels = [index for index, name in enumerate(names) if not (has_header and name in _NOT_PIXELS)]
    whole = _layout(len(pixels))
    label = named_label[0] if named_label else None
    if not named_label and (whole is None or whole.channels == 3) and _layout(len(pixels) - 1) is not None:
        # All columns but one make an image: the label comes first.
        label = pixels[0]
    pixels = [index for index in pixels if index != label]
    layout = _layout(len(pixels))
    if layout is None or len(named_label) > 1:
        return None
    is_run = pixels == list(range(pixels[0], pixels[-1] + 1))
    # A slice of an array is no copy.
    chosen = slice(pixels[0], pixels[-1] + 1) if is_run else np.array(pixels)
    return _Columns(len(names), label, chosen, layout, has_header)


def _layout(num_values: int) -> Layout | None:
    layout = square_layout(num_values)
    return layout if layout is not None and layout.height >= _MIN_SIDE else None


class _Filling:
    """The arrays of a table, filled block by block."""

    def __init__(self, path: Path, columns: _Columns, num_lines: int, line: int) -> None:
        self._path, self._columns, self._line = path, columns, line
        self._pixels = np.empty((num_lines, columns.layout.num_values), np.uint8)
        self._num = 0
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
        values = _whole_numbers(block + b"\n", self._columns.num)
        if values is None:
            self._add_cells(block)
            return
        if self._columns.label is not None:
            self._labels.append(values[:, self._columns.label].astype(np.int64))
        self._add_pixels(values[:, self._columns.pixels])
        self._line += len(values)

    def _add_cells(self, block: bytes) -> None:
        """Add lines that hold more than digits, one by one."""
        try:
            text = block.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._line += block.count(b"\n", 0, error.start)
            raise self.fault("is no text in UTF-8") from error
        labels: list[str] = []
        for line in text.split("\n"):
            try:
                cells = next(csv.reader([line]), [])
            except csv.Error as error:
                raise self.fault("is no line of a CSV file") from error
            if len(cells) != self._columns.num:
                raise self.fault(f"has {len(cells):,} values, not {self._columns.num:,}")
            words = np.array([cell.strip() for cell in cells])[self._columns.pixels]
            wrong = next((word for word in words.tolist() if not _NUMBER.fullmatch(word)), None)
            if wrong is not None:
                raise self.fault(f"holds {wrong[:20]!r}, which is no pixel")
            if self._columns.label is not None:
                labels.append(cells[self._columns.label].strip())
                if len(labels[-1]) > _MAX_LABEL_LETTERS:
                    raise self.fault("has a label that is longer than any name")
            self._add_pixels(words.astype(np.float64)[None])
            self._line += 1
        if self._columns.label is not None:
            self._labels.append(labels)

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


def _whole_numbers(block: bytes, num_columns: int) -> NDArray[np.int32] | None:
    """Parse lines of whole numbers (N, columns); None where there is anything else, which has to be looked at."""
    data = np.frombuffer(block, np.uint8)
    digit = data - np.uint8(ord("0"))
    is_digit = digit <= 9
    ends = np.flatnonzero(~is_digit).astype(np.int32)
    is_last = data[ends] == ord("\n")
    if not (is_last | (data[ends] == ord(","))).all() or len(ends) % num_columns:
        return None
    width = np.diff(ends, prepend=np.int32(-1)) - 1
    if width.min() < 1 or width.max() > 9:
        return None
    if is_last.sum() * num_columns != len(ends) or not is_last[num_columns - 1 :: num_columns].all():
        return None
    values = digit[ends - 1].astype(np.int32)
    for power in range(1, int(width.max())):
        longer = np.flatnonzero(width > power)
        values[longer] += digit[ends[longer] - (1 + power)].astype(np.int32) * np.int32(10**power)
    return values.reshape(-1, num_columns)
