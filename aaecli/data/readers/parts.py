"""What the names of files say of the part of a data set that they hold: train, validation or test."""

from __future__ import annotations

import os
import re
from pathlib import Path

from aaecli.files.opening import is_file

_PARTS = {"train": "train", "training": "train", "val": "validation", "valid": "validation", "dev": "validation",
          "validation": "validation", "test": "test", "testing": "test"}  # fmt: skip
_PART = re.compile(rf"(?<![a-z])(?:{'|'.join(sorted(_PARTS, key=len, reverse=True))})(?![a-z])", re.IGNORECASE)
_MOST_FILES = 64


def part_in(path: Path) -> str | None:
    """Give the part that the name of a file tells, None where it tells none."""
    words = _PART.findall(path.stem)
    return _PARTS[words[-1].lower()] if words else None


def prefix_of(path: Path) -> str:
    """Give what stands in the name of a file before the word for the part: ``fashion-mnist_``."""
    found = _PART.search(path.stem)
    return path.stem[: found.start()] if found else path.stem


def without_part(path: Path) -> str:
    """Give the name of a file without its ending and without the word for the part: ``_32x32``."""
    return _PART.sub("", path.stem)


def files_in(folder: Path, *endings: str, most: int = _MOST_FILES) -> list[Path]:
    """List the files of a folder by the endings of their names, such as ``.csv``; hidden ones are left out.

    Args:
        folder: The folder; one that cannot be read has none.
        endings: In lower case.
        most: How many, at most.
    """
    try:
        # Names alone: of a folder with a million pictures, a path of each would take seconds.
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.lower().endswith(endings))
    except (OSError, ValueError):
        return []
    inner = [folder / name for name in names if name[0] != "."]
    return [path for path in inner[:most] if is_file(path)]
