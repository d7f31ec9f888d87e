"""Which columns of a table are the pixels of an image, as its first line tells."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aaecli.data.readers.pixels import Layout, square_layout

NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d*)?([eE][+-]?\d{1,2})?", re.ASCII)
"""A pixel."""
_LABELS = {"label", "labels", "class", "target", "y", "digit", "letter", "character", "emotion"}
_NOT_PIXELS = {"", "id", "index", "image_id", "imageid", "unnamed: 0"}
_MIN_SIDE = 8
"""Of an image: four numbers a line are a table of measurements, not an image of 2 × 2."""


@dataclass(frozen=True)
class Columns:
    """The columns of a table.

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


def read_columns(line: bytes) -> Columns | None:
    """Tell the columns by the first line; None where it is no line of such a table."""
    try:
        cells = next(csv.reader([line.decode("utf-8-sig").strip("\r\n")]), [])
    except (UnicodeDecodeError, csv.Error):
        return None
    names = [cell.strip().lower() for cell in cells]
    named_label = [index for index, name in enumerate(names) if name in _LABELS]
    are_numbers = [bool(NUMBER.fullmatch(name)) for name in names]
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
    return Columns(len(names), label, chosen, layout, has_header)


def _layout(num_values: int) -> Layout | None:
    layout = square_layout(num_values)
    return layout if layout is not None and layout.height >= _MIN_SIDE else None
