"""Data sets in ``.mat`` files: SVHN's cropped digits, and others whose arrays lie in the same way.

The images are an array ``X`` (H, W, 3, N) or (H, W, N), the labels an array ``y`` with N numbers. SVHN has the digit 0
as its class 10.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.readers.arrays import MAX_BYTES, MAX_IMAGES, Part, check_number, dataset_of
from aaecli.data.readers.mat_file import Header, MatFile
from aaecli.data.readers.parts import files_in, part_in, without_part
from aaecli.data.readers.pixels import as_images, image_layout
from aaecli.data.readers.registry import READERS, Progress, Reader
from aaecli.errors import AaeError
from aaecli.files.opening import is_file, is_folder

_IMAGES = ("X", "x", "images", "image", "data")
_LABELS = ("y", "labels", "label", "target")
_HINT = (
    "Images are an array X (H, W, 3, N) or (H, W, N), labels an array y with N numbers, as in SVHN's train_32x32.mat."
)
_SVHN_SHAPE = (32, 32, 3)
_ZERO = 10
"""SVHN's label of the digit 0."""
_SVHN = "The label 10 of SVHN's files stands for the digit 0."


@READERS.register("mat")
class Mat(Reader):
    """A .mat file of MATLAB with images and labels (SVHN), or a folder with train and test files of that kind."""

    settings = frozenset({"holdout"})

    def matches(self, path: Path) -> bool:
        """Tell whether it is a .mat file, or a folder with one whose arrays are images and labels."""
        if is_folder(path):
            return any(_is_of_images(file) for file in files_in(path, ".mat"))
        return path.suffix.lower() == ".mat" and is_file(path)

    def load(self, path: Path, image: Image, progress: Progress | None = None) -> Dataset:
        """Read the arrays; images are taken as they are."""
        files, remarks = _find(path)
        opened = {name: MatFile(file) for name, file in files.items()}
        keys = {name: _keys(files[name], file) for name, file in opened.items()}
        images = [opened[name].headers[key] for name, (key, _) in keys.items()]
        check_number(sum(header.shape[-1] for header in images), str(path))
        if (total := sum(header.num_bytes for header in images)) > MAX_BYTES:
            raise AaeError(f"The images of {path} take {total:,} bytes.", "Split the data set.")
        parts = {name: _part(files[name], file, keys[name]) for name, file in opened.items()}
        if all(_is_svhn(part) for part in parts.values()):
            parts = {name: _with_zero(part) for name, part in parts.items()}
            remarks.append(_SVHN)
        name = (
            path.resolve().name if is_folder(path) else without_part(path).strip("-_. ") or path.resolve().parent.name
        )
        return dataset_of(name, parts["train"], parts.get("validation"), parts.get("test"), remarks=remarks)


def _is_of_images(path: Path) -> bool:
    """Tell whether a file of a folder, which may hold others, is one of this layout."""
    try:
        headers = MatFile(path).headers
    except AaeError:
        return False
    return _key(headers, _IMAGES) is not None and _key(headers, _LABELS) is not None


def _find(path: Path) -> tuple[dict[str, Path], list[str]]:
    """Give the file of each part, and remarks on what else is there.

    Raises:
        AaeError: There are none for training, or those of several data sets.
    """
    if is_folder(path):
        files = [file for file in files_in(path, ".mat") if _is_of_images(file)]
    else:
        beside = files_in(path.parent, ".mat") if part_in(path) else []
        alike = [file for file in beside if part_in(file) and without_part(file) == without_part(path) and file != path]
        files = [path, *(file for file in alike if _is_of_images(file))]
    found: dict[str, Path] = {}
    left_out = []
    for file in files:
        name = part_in(file)
        if name is None and len(files) > 1:
            left_out.append(file.name)
        elif (name := name or "train") in found:
            raise AaeError(
                f"{path} holds several data sets: {found[name].name} and {file.name}.",
                f"Name a file of the one that you mean: --data {found[name]}",
            )
        else:
            found[name] = file
    if "train" not in found and is_folder(path):
        raise AaeError(f"{path} holds no training images: no name of a file has the word 'train'.", _HINT)
    if "train" not in found:
        # Nothing says which images are for what: the file that is named holds all there are.
        found = {"train": path}
    remarks = [f"Not read: {', '.join(left_out)}."] if left_out else []
    others = [file.name for file in found.values() if file != path]
    if not is_folder(path) and others:
        remarks.append(f"Of the same data set, and read as well: {', '.join(others)}.")
    return {name: found[name] for name in ("train", "validation", "test") if name in found}, remarks


def _key(headers: dict[str, Header], known: tuple[str, ...]) -> str | None:
    return next((name for name in known if name in headers), None)


def _keys(path: Path, file: MatFile) -> tuple[str, str | None]:
    """Give the names of the arrays of images and of labels, once their headers are seen to fit each other.

    Raises:
        AaeError: They do not, or there are no images.
    """
    image, label = _key(file.headers, _IMAGES), _key(file.headers, _LABELS)
    if image is None:
        listed = ", ".join(list(file.headers)[:5]) or "none"
        raise AaeError(f"{path} holds no images: its arrays of numbers are {listed}.", _HINT)
    header = file.headers[image]
    if len(header.shape) not in (3, 4):
        raise AaeError(f"{path} ({image}) has shape {header.shape}, which are no images.", _HINT)
    image_layout((header.shape[-1], *header.shape[:-1]), header.dtype, f"{path} ({image})")
    # For a moment the values are in memory twice: in the file's order, and image after image.
    if header.num_bytes > (most := MAX_BYTES // 2):
        raise AaeError(
            f"{path} ({image}) takes {header.num_bytes:,} bytes; at most {most:,} are read of a .mat file.",
            "Split the data set, or save it as .npz.",
        )
    if label is not None:
        labels = file.headers[label]
        if labels.num_bytes > 8 * MAX_IMAGES or labels.shape.count(1) < len(labels.shape) - 1:
            raise AaeError(f"{path} ({label}) has shape {labels.shape}; one label for each image is needed.", _HINT)
        if max(labels.shape) != header.shape[-1]:
            raise AaeError(
                f"{path} has {header.shape[-1]:,} images in {image}, but {max(labels.shape):,} labels in {label}.",
                "Take both from the same data set.",
            )
    return image, label


def _part(path: Path, file: MatFile, keys: tuple[str, str | None]) -> Part:
    image, label = keys
    pixels = file.read(image)
    # The first axis varies fastest: backwards, the images follow each other as bytes do.
    ordered = np.moveaxis(pixels, -1, 0)
    images = as_images(ordered, f"{path} ({image})")
    return Part(images, None if label is None else _labels(path, label, file.read(label)), str(path), str(path))


def _labels(path: Path, name: str, values: NDArray[np.generic]) -> NDArray[np.int64]:
    flat = values.reshape(-1)
    number = flat.astype(np.float64)
    if len(flat) and not (np.isfinite(number).all() and (number == np.rint(number)).all() and number.min() >= -1):
        raise AaeError(f"{path} ({name}) holds labels that are no numbers of classes.", "Number the classes from 0.")
    if len(flat) and number.max() >= 2**53:
        raise AaeError(f"{path} ({name}) holds a label beyond all numbers of classes.", "Number the classes from 0.")
    return number.astype(np.int64)


def _is_svhn(part: Part) -> bool:
    """Tell whether these are as SVHN's cropped digits: 32 × 32 in colour, and of the classes 1 to 10."""
    label = part.label
    return (
        part.image.shape[1:] == _SVHN_SHAPE
        and label is not None
        and bool(len(label))
        and bool(((label >= 1) & (label <= _ZERO)).all())
    )


def _with_zero(part: Part) -> Part:
    assert part.label is not None  # noqa: S101 - SVHN's have labels
    return Part(part.image, np.where(part.label == _ZERO, 0, part.label), part.image_file, part.label_file)
