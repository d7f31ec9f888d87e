"""Data sets in CSV files with an image a line, as on Kaggle: ``label,pixel0,pixel1,…``, with a header or without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.readers import emnist
from aaecli.data.readers.arrays import MAX_BYTES, Part, dataset_of
from aaecli.data.readers.disk import Disk
from aaecli.data.readers.parts import files_in, part_in, prefix_of
from aaecli.data.readers.pixel_table import PixelTable, is_pixel_table, read_pixel_table
from aaecli.data.readers.registry import READERS, Progress, Reader
from aaecli.data.readers.text_labels import class_names, numbered
from aaecli.errors import AaeError
from aaecli.files.opening import is_file, is_folder


@READERS.register("pixel-csv")
class PixelCsv(Reader):
    """A .csv file with an image a line, its label and its pixels (Kaggle), or a folder with train.csv and test.csv."""

    settings = frozenset({"transpose", "holdout"})

    def matches(self, path: Path) -> bool:
        """Tell whether it is a .csv file, or a folder with one whose lines are images."""
        if is_folder(path):
            return any(is_pixel_table(file) for file in files_in(path, ".csv"))
        return path.suffix.lower() == ".csv" and is_file(path)

    def load(self, path: Path, image: Image, progress: Progress | None = None) -> Dataset:
        """Read the files; images are taken as they are, EMNIST's turned upright."""
        return self._read(path, image, None)

    def open_mapped(self, path: Path, image: Image, disk: Disk, progress: Progress | None = None) -> Dataset | None:
        """Read the files onto a disk."""
        return self._read(path, image, disk)

    def _read(self, path: Path, image: Image, disk: Disk | None) -> Dataset:
        files, left_out = _find(path)
        remarks = [f"Not read: {', '.join(file.name for file in left_out)}."] if left_out else []
        if not is_folder(path) and len(files) > 1:
            beside = [file.name for file in files.values() if file.name != path.name]
            remarks.append(f"Of the same data set, and read as well: {', '.join(beside)}.")
        tables: dict[str, PixelTable] = {}
        for part, file in files.items():
            most = MAX_BYTES if disk is None else disk.max_bytes
            tables[part] = read_pixel_table(file, most - sum(table.pixels.size for table in tables.values()), disk)
        is_turned = emnist.is_turned(files["train"].name, image)
        if is_turned and image.transpose == "auto":
            remarks.append(emnist.UPRIGHT)
        texts = _texts(tables)

        def part_of(name: str) -> Part | None:
            if name not in tables:
                return None
            table = tables[name]
            pixels = table.pixels
            if is_turned:
                # What is mapped is copied as it is packed.
                pixels = emnist.upright(pixels) if disk is None else pixels.swapaxes(1, 2)
            return Part(pixels, _label(table, texts, files[name]), str(files[name]), str(files[name]))

        train = part_of("train")
        assert train is not None  # noqa: S101 - _find gives one
        mapping = files["train"].with_name(f"{prefix_of(files['train'])}mapping.txt")
        return dataset_of(
            path.resolve().name if is_folder(path) else prefix_of(path).strip("-_. ") or path.stem,
            train,
            part_of("validation"),
            part_of("test"),
            names=(lambda values: [texts[value] for value in values])
            if texts
            else (lambda values: emnist.class_names(mapping, values)),
            remarks=remarks,
            disk=disk,
        )


def _find(path: Path) -> tuple[dict[str, Path], list[Path]]:
    """Find the files of a data set.

    Returns:
        Each by its part, the training images first; and what lies beside them and is not read.

    Raises:
        AaeError: There are those of several data sets.
    """
    if is_folder(path):
        files = [file for file in files_in(path, ".csv") if is_pixel_table(file)]
    else:
        beside = files_in(path.parent, ".csv") if part_in(path) else []
        files = [path, *(file for file in beside if file.name != path.name and _is_of(path, file))]
    if not any(part_in(file) == "train" for file in files):
        # Nothing says which images are for what: the file that is named, or the only one, holds all there are.
        alone = [path] if not is_folder(path) else [file for file in files if part_in(file) is None] or files
        if len(alone) > 1:
            raise _several(path, alone[0], alone[1])
        return {"train": alone[0]}, [file for file in files if file not in alone and is_folder(path)]
    found: dict[str, Path] = {}
    left_out = []
    for file in files:
        part = part_in(file)
        if part is None:
            left_out.append(file)
        elif part in found:
            raise _several(path, found[part], file)
        else:
            found[part] = file
    return {part: found[part] for part in ("train", "validation", "test") if part in found}, left_out


def _is_of(path: Path, other: Path) -> bool:
    return part_in(other) is not None and prefix_of(other) == prefix_of(path) and is_pixel_table(other)


def _several(path: Path, first: Path, second: Path) -> AaeError:
    return AaeError(
        f"{path} holds several data sets: {first.name} and {second.name}.",
        f"Name a file of the one that you mean: --data {first}",
    )


def _texts(tables: dict[str, PixelTable]) -> tuple[str, ...]:
    """Name the classes where a label of any part is a text; nothing where all are numbers."""
    if all(isinstance(table.label, np.ndarray) or table.label is None for table in tables.values()):
        return ()
    return class_names(_as_texts(tables["train"]))


def _as_texts(table: PixelTable) -> list[str]:
    if isinstance(table.label, np.ndarray):
        return [str(value) if value >= 0 else "" for value in table.label.tolist()]
    return table.label or []


def _label(table: PixelTable, texts: tuple[str, ...], path: Path) -> NDArray[np.int64] | None:
    if table.label is None:
        return None
    if isinstance(table.label, np.ndarray) and not texts:
        return table.label
    return numbered(_as_texts(table), texts, path)
