"""What EMNIST's files have of their own, whichever format they are in: images on their sides, and a file of names."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aaecli.config.image import Image
from aaecli.errors import AaeError
from aaecli.files.opening import is_file, read_text

_MAX_MAPPING = 2**16
UPRIGHT = "The images of EMNIST's files lie on their sides: rows and columns were swapped (see --no-transpose)."


def is_turned(name: str, image: Image) -> bool:
    """Tell whether rows and columns of the images of a file are to be swapped.

    Args:
        name: Name of the file, or of the folder of files of MNIST's names: those of EMNIST begin with ``emnist``.
        image: The settings, which may say so themselves.
    """
    return image.transpose == "yes" or (
        image.transpose == "auto" and re.match(r"emnist(?![a-z])", name.casefold()) is not None
    )


def upright(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Swap rows and columns of images (N, H, W) or (N, H, W, 3)."""
    # A copy in order: whoever reads images one after the other reads rows.
    return np.ascontiguousarray(image.swapaxes(1, 2))


def class_names(path: Path, values: list[int]) -> tuple[str, ...]:
    """Name classes by a mapping file, else by their numbers.

    Args:
        path: The file, there or not: a line a class, of its label and the codes of the letters that it stands for, the
            capital first.
        values: The labels of the classes.

    Raises:
        AaeError: The file cannot be read.
    """
    numbers = tuple(str(value) for value in values)
    if not is_file(path):
        return numbers
    rows = [line.split() for line in read_text(path, _MAX_MAPPING).splitlines() if line.strip()]
    if not all(len(row) > 1 and all(re.fullmatch(r"\d{1,6}", word, re.ASCII) for word in row) for row in rows):
        raise AaeError(f"{path} is no mapping of labels to letters.", "Copy or download the file again.")
    letter = {int(row[0]): chr(int(row[1])) for row in rows}
    names = tuple(letter.get(value, "") for value in values)
    return names if len(set(names)) == len(values) and all(name.isprintable() and name for name in names) else numbers
