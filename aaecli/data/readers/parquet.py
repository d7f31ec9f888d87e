"""Data sets in parquet files as on Hugging Face: a column of pictures, ``{bytes, path}`` or bytes, and one of labels.

Which column is which, and how the classes are called, the metadata say that the library ``datasets`` writes; without
them, the names and the types of the columns. Each file of a part of the data set has the part in its name, as in
``train-00000-of-00002.parquet``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.naming.picture_names import SUFFIXES, suffix_of
from aaecli.data.readers.arrays import Part, check_number, dataset_of
from aaecli.data.readers.disk import Disk, remedy
from aaecli.data.readers.parts import files_in, part_in, prefix_of
from aaecli.data.readers.registry import READERS, Progress, Reader
from aaecli.data.readers.text_labels import class_names, numbered
from aaecli.errors import AaeError
from aaecli.files.opening import is_file, is_folder

if TYPE_CHECKING:
    from aaecli.data.readers.parquet_pictures import Table

ENDINGS = (".parquet", ".pq")
_MOST_SHARDS = 4096
_MOST_ENTRIES = 64
"""Of a folder, so many entries are looked at to tell whether its inner folders hold parquet files."""


@READERS.register("parquet")
class Parquet(Reader):
    """A .parquet file with a column of pictures and one of labels (Hugging Face), or a folder with such files."""

    settings = frozenset({"holdout"})

    def matches(self, path: Path) -> bool:
        """Tell whether it is a parquet file, or a folder that holds parquet files and no pictures."""
        if is_folder(path):
            return _home(path) is not None
        return path.suffix.lower() in ENDINGS and is_file(path)

    def load(self, path: Path, image: Image, progress: Progress | None = None) -> Dataset:
        """Decode the pictures, which are taken as they are."""
        return self._read(path, None, progress)

    def open_mapped(self, path: Path, image: Image, disk: Disk, progress: Progress | None = None) -> Dataset | None:
        """Decode the pictures onto a disk."""
        return self._read(path, disk, progress)

    def _read(self, path: Path, disk: Disk | None, progress: Progress | None) -> Dataset:
        # Decoding takes modules that other formats do without.
        from aaecli.data.readers.parquet_pictures import read_table, total_rows

        home = _home(path) if is_folder(path) else None
        files = _parts(path, home)
        # By their footers alone: a file of a few bytes can claim millions of rows.
        counts = {file: total_rows(file) for names in files.values() for file in names}
        check_number(sum(counts.values()), str(path), disk, remedy(path, disk))
        done = 0

        def advanced(number: int) -> None:
            if progress is not None:
                progress(done + number, sum(counts.values()))

        tables: dict[str, Table] = {}
        for name, shards in files.items():
            tables[name] = read_table(shards, [counts[file] for file in shards], advanced, disk)
            done += len(tables[name].image)
        if len({table.image.ndim for table in tables.values()}) > 1:
            tables = {name: table.in_colour(disk) for name, table in tables.items()}
        names = _class_names(tables)
        parts = {name: _part(table, files[name][0], names) for name, table in tables.items()}
        return dataset_of(
            _name(path, home),
            parts["train"],
            parts.get("validation"),
            parts.get("test"),
            names=lambda values: _named(names, values),
            remarks=_remarks(path, files),
            disk=disk,
        )


def _home(folder: Path) -> Path | None:
    """Find the folder that the parquet files lie in: the one that is named, or ``data`` or the only other one in it.

    A folder with pictures, or with inner folders beside parquet files, is one of pictures.

    Raises:
        AaeError: Several inner folders hold parquet files.
    """
    if _first_of(folder):
        return folder
    entries = list(_entries(folder, _MOST_ENTRIES))
    if len(entries) == _MOST_ENTRIES:
        return None
    found = [entry for entry in entries if entry.name[0] != "." and is_folder(entry) and _first_of(entry)]
    if len(found) > 1:
        raise AaeError(f"{folder} holds several data sets: {found[0]} and {found[1]}.", f"Name one: --data {found[0]}")
    return found[0] if found else None


def _first_of(folder: Path) -> bool:
    """Tell whether a folder holds parquet files, and neither pictures nor folders that may hold some."""
    found = False
    for entry in _entries(folder, _MOST_SHARDS):
        # Of a folder of pictures, the first one tells already.
        if entry.name[0] != "." and (suffix_of(entry.name) in SUFFIXES or is_folder(entry)):
            return False
        found = found or suffix_of(entry.name) in ENDINGS
    return found and bool(files_in(folder, *ENDINGS, most=1))


def _entries(folder: Path, most: int) -> Iterator[Path]:
    try:
        yield from islice(folder.iterdir(), most)
    except (OSError, ValueError):
        return


def _parts(path: Path, home: Path | None) -> dict[str, list[Path]]:
    """Give the files of each part; of a file that is named, those beside it that are of its data set.

    Raises:
        AaeError: There are none for training, or those of several data sets.
    """
    if home is not None:
        files = files_in(home, *ENDINGS, most=_MOST_SHARDS)
    elif part_in(path) is None:
        files = [path]
    else:
        beside = files_in(path.parent, *ENDINGS, most=_MOST_SHARDS)
        files = [file for file in beside if part_in(file) is not None and prefix_of(file) == prefix_of(path)]
    prefixes = sorted({prefix_of(file) for file in files if part_in(file) is not None})
    if len(prefixes) > 1 or (not prefixes and len(files) > 1):
        first, second = (
            (next(file for file in files if prefix_of(file) == prefix) for prefix in prefixes[:2])
            if (prefixes)
            else files[:2]
        )
        raise AaeError(
            f"{path} holds several data sets: {first.name} and {second.name}.",
            f"Name a file of the one that you mean: --data {first}",
        )
    found: dict[str, list[Path]] = {}
    for file in files:
        name = part_in(file) if prefixes else "train"
        if name is not None:
            found.setdefault(name, []).append(file)
    if "train" not in found:
        raise AaeError(
            f"{path} holds no training images: no name of a file has the word 'train'.",
            "Name the file itself, such as --data pictures.parquet, where it holds all there are.",
        )
    return {name: found[name] for name in ("train", "validation", "test") if name in found}


def _name(path: Path, home: Path | None) -> str:
    prefix = "" if home else prefix_of(path).strip("-_. ")
    folder = (home or path.parent).resolve()
    return prefix or (folder.parent if folder.name == "data" else folder).name


def _remarks(path: Path, files: dict[str, list[Path]]) -> list[str]:
    beside = [file.name for names in files.values() for file in names if file.name != path.name]
    if is_folder(path) or not beside:
        return []
    more = f" and {len(beside) - 3:,} more" if len(beside) > 3 else ""
    return [f"Of the same data set, and read as well: {', '.join(beside[:3])}{more}."]


def _class_names(tables: dict[str, Table]) -> tuple[str, ...]:
    """Give the names of the classes by their numbers: those of the metadata, or the labels where they are texts."""
    return class_names(tables["train"].texts or []) or tables["train"].class_names


def _part(table: Table, file: Path, names: tuple[str, ...]) -> Part:
    label = table.label if table.texts is None else numbered(table.texts, names, file)
    return Part(table.image, label, str(file), str(file))


def _named(names: tuple[str, ...], values: list[int]) -> list[str]:
    found = [names[value] if value < len(names) else "" for value in values]
    usable = all(name and name.isprintable() for name in found) and len(set(found)) == len(found)
    return found if usable else [str(value) for value in values]
