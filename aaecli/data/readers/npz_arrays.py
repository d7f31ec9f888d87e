"""Which array of which ``.npz`` file is what: by its key, or where a file holds one array alone by the file's name.

A name has a word for the part (train, val, test) and one for the kind (images, labels). Only headers are read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aaecli.data.readers.npz_file import Header, NpzFile
from aaecli.errors import AaeError
from aaecli.files.opening import is_file, is_folder

_PARTS = {"train": "train", "training": "train", "val": "validation", "valid": "validation",
          "validation": "validation", "test": "test", "testing": "test"}  # fmt: skip
_KINDS = {"x": "image", "image": "image", "images": "image", "img": "image", "imgs": "image", "data": "image",
          "y": "label", "label": "label", "labels": "label", "target": "label", "targets": "label"}  # fmt: skip
_BEFORE = re.compile(
    rf"(.*?)(?<![a-z])(?:{'|'.join(sorted({*_PARTS, *_KINDS}, key=len, reverse=True))})(?![a-z])", re.IGNORECASE
)
_MOST_FILES = 64
_HINT = "Arrays are called like x_train and y_train, train_images and train_labels, or images and labels."


@dataclass(frozen=True)
class NpzArray:
    """One array of a file, not read yet.

    Attributes:
        file: The file.
        key: Its key there.
        header: Its shape and the type of its values.
    """

    file: Path
    key: str
    header: Header

    def __str__(self) -> str:
        return f"{self.file} ({self.key})"


Role = tuple[str, str]
"""What an array is: its part, and ``image`` or ``label``."""


def npz_files(folder: Path) -> list[Path]:
    """List the .npz files of a folder, by name; no more than a data set has."""
    try:
        inner = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".npz" and path.name[0] != ".")
    except OSError:
        return []
    return [path for path in inner[:_MOST_FILES] if is_file(path)]


def is_of_images(path: Path) -> bool:
    """Tell whether a file of a folder, which may hold others, is one of this layout."""
    try:
        with NpzFile(path) as file:
            return bool(_roles(path, file.headers))
    except AaeError:
        return False


def _roles(path: Path, headers: Mapping[str, Header]) -> dict[Role, str]:
    """Give the key of each array whose role is known.

    Raises:
        AaeError: Two have the same.
    """
    found: dict[Role, str] = {}
    for key in headers:
        # A file of one array has the key arr_0, and the name says what it is.
        role = _role(path.stem if len(headers) == 1 and _role(key) is None else key)
        if role is not None and role in found:
            raise AaeError(f"{path} holds two arrays for the same: {found[role]} and {key}.", "Take one of them out.")
        if role is not None:
            found[role] = key
    return found


def _role(name: str) -> Role | None:
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if word]
    kinds = [_KINDS[word] for word in words if word in _KINDS]
    parts = [_PARTS[word] for word in words if word in _PARTS]
    return (parts[-1] if parts else "train", kinds[-1]) if kinds else None


def _prefix(path: Path) -> str:
    """Give what stands in the name of a file before the words for part and kind: ``kmnist-``."""
    match = _BEFORE.match(path.stem)
    return match[1] if match else path.stem


def find_arrays(path: Path) -> tuple[dict[Role, NpzArray], str]:
    """Find the arrays of a data set.

    Returns:
        Each by its role, and what the names of the files begin with where each holds one array.

    Raises:
        AaeError: There are no training images, or those of several data sets.
    """
    files = npz_files(path) if is_folder(path) else [path]
    contents = {}
    for file in files:
        with NpzFile(file) as opened:
            headers = opened.headers
        if roles := _roles(file, headers):
            contents[file] = {role: NpzArray(file, key, headers[key]) for role, key in roles.items()}
        elif not is_folder(path):
            raise AaeError(f"{file} holds no images: its arrays are {_listed(headers)}.", _HINT)
    whole = [file for file, roles in contents.items() if {("train", "image"), ("train", "label")} <= set(roles)]
    if len(whole) > 1:
        raise AaeError(f"{path} holds several data sets: {whole[0].name} and {whole[1].name}.",
                       f"Name one: --data {whole[0]}")  # fmt: skip
    if whole:
        return contents[whole[0]], ""
    return _of_pairs(path, contents)


def _of_pairs(path: Path, contents: Mapping[Path, Mapping[Role, NpzArray]]) -> tuple[dict[Role, NpzArray], str]:
    """Join files of one array each; of one that is named, the files beside it."""
    named = next(iter(contents))
    if not is_folder(path):
        beside = [file for file in npz_files(path.parent) if _prefix(file) == _prefix(path) and file != path]
        contents = dict(contents)
        for file in beside:
            with NpzFile(file) as opened:
                headers = opened.headers
            keys = _roles(file, headers)
            # What holds the same as the file that is named is of another data set.
            if not contents[path].keys() & keys.keys():
                contents[file] = {role: NpzArray(file, key, headers[key]) for role, key in keys.items()}
    prefixes = sorted({_prefix(file) for file in contents})
    if len(prefixes) > 1:
        raise AaeError(f"{path} holds several data sets: {prefixes[0]}… and {prefixes[1]}….",
                       f"Name a file of one: --data {named}")  # fmt: skip
    arrays: dict[Role, NpzArray] = {}
    for found in contents.values():
        for role, array in found.items():
            if role in arrays:
                raise AaeError(
                    f"{arrays[role]} and {array} hold the same part.", "Move one of them into another folder."
                )
            arrays[role] = array
    if ("train", "image") not in arrays:
        raise AaeError(f"{path} holds no training images.", _HINT)
    return arrays, prefixes[0]


def _listed(headers: Mapping[str, Header]) -> str:
    keys = list(headers)
    return ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "") if keys else "none"
