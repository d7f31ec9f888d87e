"""Where the four IDX files of a data set are, torchvision's folders included, and what their names say."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aaecli.errors import AaeError
from aaecli.files.opening import is_file

STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@dataclass(frozen=True)
class IdxFiles:
    """The four files of a data set.

    Attributes:
        paths: By the names that MNIST's have.
        prefix: What stands before these names: ``emnist-letters-``.
    """

    paths: dict[str, Path]
    prefix: str


def is_idx(path: Path) -> bool:
    """Tell whether a file has the name of one of the four."""
    return _prefix(path) is not None and is_file(path)


def idx_home(folder: Path) -> Path | None:
    """Find the folder that IDX files lie in: the one that is named, or ``raw`` or ``MNIST/raw`` in it (torchvision).

    Raises:
        AaeError: Several data sets lie in it.
    """
    if _holds_idx(folder):
        return folder
    homes = (folder / "raw", *(folder / name / "raw" for name, is_inner in _entries(folder) if is_inner))
    found = [home for home in homes if _holds_idx(home)]
    if len(found) > 1:
        raise AaeError(f"{folder} holds several data sets: {found[0]} and {found[1]}.", f"Name one: --data {found[0]}")
    return found[0] if found else None


def find_idx(path: Path) -> IdxFiles:
    """Find the four files, whichever of their published spellings they have.

    Args:
        path: Their folder, or one of the four where files of several data sets lie in it.

    Raises:
        AaeError: One of them is missing, or there are several.
    """
    prefix = _prefix(path) if is_idx(path) else None
    folder = path if prefix is None else path.parent
    paths = {stem: _find(folder, stem, prefix) for stem in STEMS}
    return IdxFiles(paths, _prefix(paths[STEMS[0]]) or "")


def _find(folder: Path, stem: str, prefix: str | None) -> Path:
    hint = "The four IDX files of a data set lie in a folder, as published, .gz or raw."
    names = tuple(_spellings(stem))
    try:
        # A prefix is allowed: `emnist-letters-train-images-idx3-ubyte.gz`. Hidden files are not: macOS leaves
        # `._train-images-idx3-ubyte` beside what it copies. A pipe of that name would be waited for without end.
        found = sorted(
            path
            for path in folder.iterdir()
            if path.name.removesuffix(".gz").endswith(names) and path.name[0] != "." and is_file(path)
        )
    except OSError as error:
        raise AaeError(f"Cannot read the folder {folder}: {error.strerror}.", hint) from error
    if prefix is not None:
        found = [path for path in found if _prefix(path) == prefix]
    if not found:
        raise AaeError(f"{folder} holds no {prefix or ''}{stem} nor {prefix or ''}{stem}.gz.", hint)
    if len({path.name.removesuffix(".gz") for path in found}) > 1:
        raise AaeError(
            f"{folder} holds several data sets: {found[0].name} and {found[-1].name}.",
            f"Name a file of the one that you mean: --data {found[0]}",
        )
    return found[0]


def _prefix(path: Path) -> str | None:
    """Give what stands before the published name of a file; None where it has none."""
    name = path.name.removesuffix(".gz")
    spelling = next((spelling for spelling in _all_spellings() if name.endswith(spelling)), None)
    return None if spelling is None else name.removesuffix(spelling)


def _holds_idx(folder: Path) -> bool:
    return any(name.removesuffix(".gz").endswith(_all_spellings()) for name, _ in _entries(folder))


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Give name of each entry of a folder, and whether it is a folder; a folder that cannot be read has none."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry.name, entry.is_dir()) for entry in entries)
    except (OSError, ValueError):
        return []


@cache
def _all_spellings() -> tuple[str, ...]:
    return tuple(sorted(spelling for stem in STEMS for spelling in _spellings(stem)))


def _spellings(stem: str) -> set[str]:
    part = stem.replace("t10k", "test")
    found = {stem, part}
    # QMNIST's labels are a row of numbers, of which the class is the first.
    found |= {name.replace("idx1-ubyte", "idx2-int") for name in found}
    return found | {name.replace("-idx", ".idx") for name in found}
