"""Data sets in ``.npz`` files of numpy: Keras' mnist.npz, MedMNIST's, and KMNIST's pairs of files of one array each.

``npz_arrays`` tells what each array is for. Nothing is unpickled, and the headers of all arrays are read and compared
before any of their data.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.readers import emnist
from aaecli.data.readers.arrays import MAX_BYTES, MAX_IMAGES, Part, check_number, dataset_of
from aaecli.data.readers.npz_arrays import NpzArray, Role, find_arrays, is_of_images, npz_files
from aaecli.data.readers.npz_file import NpzFile
from aaecli.data.readers.pixels import as_images, image_layout
from aaecli.data.readers.registry import READERS, Progress, Reader
from aaecli.data.readers.text_labels import class_names, numbered
from aaecli.errors import AaeError
from aaecli.files.opening import is_file, is_folder, read_text

_NAMES = {"classes", "class_names", "label_names", "target_names", "names"}
_MAX_MAP_BYTES = 2**16
_MAX_NAME_BYTES = 2**20
_MAX_LABEL_BYTES = 4 * 256
_MAX_TEXT_BYTES = 2**28
"""Bounds of one label that is a text, whose letters take four bytes each, and of all of them."""


@READERS.register("npz")
class Npz(Reader):
    """An .npz file of numpy with images and labels, or a folder with one, or with a file for each array."""

    settings = frozenset({"transpose", "holdout"})

    def matches(self, path: Path) -> bool:
        """Tell whether it is an .npz file, or a folder with one whose arrays are images or labels."""
        if is_folder(path):
            return any(is_of_images(file) for file in npz_files(path))
        return path.suffix.lower() == ".npz" and is_file(path)

    def load(self, path: Path, image: Image, progress: Progress | None = None) -> Dataset:
        """Read the arrays; images are taken as they are, with floats brought to bytes and EMNIST's turned upright."""
        arrays, prefix = find_arrays(path)
        for role, array in arrays.items():
            _check(role, array, arrays)
        images = [array.header for (_, kind), array in arrays.items() if kind == "image"]
        check_number(sum(header.shape[0] for header in images), str(path))
        total = sum(header.num_bytes for header in images)
        if total > MAX_BYTES:
            raise AaeError(f"The images of {path} take {total:,} bytes.", "Split the data set.")
        labels, texts = _labels(arrays)
        is_turned = emnist.is_turned(next(iter(arrays.values())).file.name, image)
        parts = {
            name: _part(name, arrays, labels.get(name), is_turned=is_turned)
            for name in ("train", "validation", "test")
            if (name, "image") in arrays
        }
        home = next(iter(arrays.values())).file
        return dataset_of(
            path.resolve().name.removesuffix(".npz") if not prefix else prefix.strip("-_. "),
            parts["train"],
            parts.get("validation"),
            parts.get("test"),
            names=lambda values: [texts[value] for value in values] if texts else _class_names(home, prefix, values),
            remarks=[emnist.UPRIGHT] if is_turned and image.transpose == "auto" else [],
        )


def _check(role: Role, array: NpzArray, arrays: Mapping[Role, NpzArray]) -> None:
    """Refuse by its header what is no array of images or of labels, or does not fit to its counterpart."""
    part, kind = role
    shape, dtype = array.header.shape, array.header.dtype
    if kind == "image":
        layout = image_layout(shape, dtype, str(array))
        is_copied = dtype != np.uint8 or array.header.is_fortran or layout.is_channels_first
        if array.header.num_bytes > (most := MAX_BYTES // 2) and is_copied:
            raise AaeError(
                f"{array} takes {array.header.num_bytes:,} bytes; of a type and order that is converted, at most "
                f"{most:,} are read.",
                "Store the images as (N, H, W) of type uint8.",
            )
        return
    many = shape[1] if len(shape) == 2 else 1
    if many != 1 and len(shape) == 2:
        raise AaeError(f"{array} holds {many:,} labels for each image; one is needed.", "Choose one column of them.")
    if len(shape) not in (1, 2) or dtype.kind not in "iubU" or shape[0] > MAX_IMAGES:
        raise AaeError(
            f"{array} has shape {shape} and type {dtype}; labels are whole numbers or texts, (N,) or (N, 1).",
            "Store labels as numbers from 0, and -1 for none, or as names of classes, and an empty one for none.",
        )
    if dtype.kind == "U" and (dtype.itemsize > _MAX_LABEL_BYTES or array.header.num_bytes > _MAX_TEXT_BYTES):
        raise AaeError(f"{array} takes {array.header.num_bytes:,} bytes for labels.", "Store labels as numbers from 0.")
    images = arrays.get((part, "image"))
    if images is not None and images.header.shape[:1] != shape[:1]:
        raise AaeError(f"{images} has {images.header.shape[0]:,} images, but {array} {shape[0]:,} labels.",
                       "Take both from the same data set.")  # fmt: skip


def _labels(arrays: Mapping[Role, NpzArray]) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
    """Read the labels of each part, int64 (N,), and the names of the classes where the labels are texts."""
    found = {part: array for (part, kind), array in arrays.items() if kind == "label"}
    of_text = {part: array for part, array in found.items() if array.header.dtype.kind == "U"}
    if not of_text:
        return {part: _numbers(array) for part, array in found.items()}, ()
    if other := next((array for part, array in found.items() if part not in of_text), None):
        raise AaeError(f"{next(iter(of_text.values()))} holds texts, and {other} numbers.", "Store all in one way.")
    distinct = {part: np.unique(_read(array).reshape(-1), return_inverse=True) for part, array in of_text.items()}
    texts = {part: [text.strip() for text in words.tolist()] for part, (words, _) in distinct.items()}
    names = class_names(texts.get("train", ()))
    return {part: numbered(texts[part], names, str(found[part]))[index] for part, (_, index) in distinct.items()}, names


def _numbers(array: NpzArray) -> NDArray[np.int64]:
    values = _read(array).reshape(-1)
    if values.dtype.kind == "u" and values.size and values.max() > np.iinfo(np.int64).max:
        raise AaeError(f"{array} holds a label beyond all numbers of classes.", "Number the classes from 0.")
    label = values.astype(np.int64)
    if len(label) and label.min() < -1:
        raise AaeError(f"{array} holds the label {label.min()}.", "Number the classes from 0; -1 is for none.")
    return label


def _part(name: str, arrays: Mapping[Role, NpzArray], label: NDArray[np.int64] | None, *, is_turned: bool) -> Part:
    images, labels = arrays[name, "image"], arrays.get((name, "label"))
    image = as_images(_read(images), str(images))
    image = emnist.upright(image) if is_turned else image
    return Part(image, label, str(images), str(images if labels is None else labels))


def _read(array: NpzArray) -> NDArray[Any]:
    with NpzFile(array.file) as file:
        return file.read(array.key)


def _class_names(path: Path, prefix: str, values: list[int]) -> list[str]:
    """Name the classes by an array of names in the file, or a table beside it (KMNIST's classmap), else by numbers."""
    for names in (_names_inside(path), _names_beside(path.with_name(f"{prefix.rstrip('-_')}_classmap.csv"))):
        found = [names.get(value, "") for value in values]
        if all(name and name.isprintable() for name in found) and len(set(found)) == len(found):
            return found
    return [str(value) for value in values]


def _names_inside(path: Path) -> dict[int, str]:
    with NpzFile(path) as file:
        for key, header in file.headers.items():
            is_list = header.dtype.kind == "U" and len(header.shape) == 1 and 0 < header.num_bytes <= _MAX_NAME_BYTES
            if key.lower() in _NAMES and is_list:
                return {index: name.strip() for index, name in enumerate(file.read(key).tolist())}
    return {}


def _names_beside(path: Path) -> dict[int, str]:
    if not is_file(path):
        return {}
    rows = _rows(read_text(path, _MAX_MAP_BYTES))
    return {int(row[0]): row[-1] for row in rows if len(row) > 1 and re.fullmatch(r"\d{1,6}", row[0], re.ASCII)}


def _rows(text: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(text.splitlines())
    except csv.Error:
        return
