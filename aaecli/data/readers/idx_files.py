"""Where the four IDX files of a data set are, torchvision's folders included, and what their names say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aaecli.errors import AaeError
from aaecli.files.opening import exists, is_file, is_folder, read_text, shown

STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_MAX_MAPPING = 2**16
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar")


@dataclass(frozen=True)
class IdxFiles:
    """The four files of a data set.

    Attributes:
        paths: By the names that MNIST's have.
        prefix: What stands before these names: ``emnist-letters-``.
    """

    paths: dict[str, Path]
    prefix: str

    @property
    def lies_on_its_side(self) -> bool:
        """Whether rows and columns of the images are swapped, as in all of EMNIST's files."""
        return self.prefix.casefold().startswith("emnist-")

    def class_names(self, values: list[int]) -> tuple[str, ...]:
        """Name the classes by the mapping file that EMNIST has beside them, else by their numbers.

        Raises:
            AaeError: The mapping file cannot be read.
        """
        numbers = tuple(str(value) for value in values)
        path = self.paths[STEMS[0]].with_name(f"{self.prefix}mapping.txt")
        if not self.prefix or not is_file(path):
            return numbers
        # A line a class: its label, and the codes of the letters that it stands for, the capital first.
        rows = [line.split() for line in read_text(path, _MAX_MAPPING).splitlines() if line.strip()]
        if not all(len(row) > 1 and all(re.fullmatch(r"\d{1,6}", word, re.ASCII) for word in row) for row in rows):
            raise AaeError(f"{path} is no mapping of labels to letters.", "Copy or download the file again.")
        letter = {int(row[0]): chr(int(row[1])) for row in rows}
        names = tuple(letter.get(value, "") for value in values)
        return (
            names if len(set(names)) == len(values) and all(name.isprintable() and name for name in names) else numbers
        )


def idx_home(folder: Path) -> Path | None:
    """Find the folder that IDX files lie in: the one that is named, or ``raw`` or ``MNIST/raw`` in it (torchvision).

    Raises:
        AaeError: Several data sets lie in it.
    """
    if _holds_idx(folder):
        return folder
    found = [inner for inner in (folder / "raw", *(inner / "raw" for inner in _inner(folder))) if _holds_idx(inner)]
    if len(found) > 1:
        raise AaeError(f"{folder} holds several data sets: {found[0]} and {found[1]}.", f"Name one: --data {found[0]}")
    return found[0] if found else None


def find_idx(folder: Path) -> IdxFiles:
    """Find the four files of a folder, whichever of their published spellings they have.

    Raises:
        AaeError: One of them is missing, or there are several.
    """
    paths = {stem: _find(folder, stem) for stem in STEMS}
    name = paths[STEMS[0]].name
    position = next(position for spelling in _spellings(STEMS[0]) if (position := name.find(spelling)) >= 0)
    return IdxFiles(paths, name[:position])


def _find(folder: Path, stem: str) -> Path:
    hint = (
        "--data takes a folder of pictures (a sub-folder for each class, or a labels.csv), or one with the four IDX "
        "files of a data set, as published, .gz or raw."
    )
    names = _spellings(stem)
    if folder.name.lower().endswith(_ARCHIVES) and is_file(folder):
        raise AaeError(
            f"{shown(folder)} is not a folder.", "Unpack it first, and name the folder that comes out of it."
        )
    try:
        if not is_folder(folder):
            what = "is not a folder" if exists(folder) else "does not exist"
            raise AaeError(f"{shown(folder)} {what}.", hint)
        # A prefix is allowed: `emnist-letters-train-images-idx3-ubyte.gz`. Hidden files are not: macOS leaves
        # `._train-images-idx3-ubyte` beside what it copies. A pipe of that name would be waited for without end.
        found = sorted(
            path
            for path in folder.iterdir()
            if path.name.removesuffix(".gz").endswith(tuple(names)) and path.name[0] != "." and is_file(path)
        )
    except OSError as error:
        raise AaeError(f"Cannot read the folder {folder}: {error.strerror}.", hint) from error
    if not found:
        raise AaeError(f"{folder} holds no {stem} nor {stem}.gz.", hint)
    if len({path.name.removesuffix(".gz") for path in found}) > 1:
        raise AaeError(
            f"{folder} holds several data sets: {found[0].name} and {found[-1].name}.", "Keep each in a folder."
        )
    return found[0]


def _holds_idx(folder: Path) -> bool:
    endings = tuple(name for stem in STEMS for name in _spellings(stem))
    return any(path.name.removesuffix(".gz").endswith(endings) for path in _inner(folder))


def _inner(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.iterdir())
    except (OSError, ValueError):
        return


def _spellings(stem: str) -> set[str]:
    part = stem.replace("t10k", "test")
    found = {stem, part}
    # QMNIST's labels are a row of numbers, of which the class is the first.
    found |= {name.replace("idx1-ubyte", "idx2-int") for name in found}
    return found | {name.replace("-idx", ".idx") for name in found}
