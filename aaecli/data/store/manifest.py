"""``store.json``: what a store holds. It is written last, so a folder without a valid one is no store."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from aaecli.config.models import MAX_CLASSES
from aaecli.config.parsing import build
from aaecli.data.store.npy import PACK_AGAIN, num_bytes
from aaecli.errors import AaeError
from aaecli.files.opening import is_file, read_bytes
from aaecli.suggestions import suggest_aaecli

NAME = "store.json"
FORMAT = "aaecli-store"
SCHEMA = 1
IMAGE = "image.npy"
MAX_IMAGES = 2**28
"""Most images of a part: labels and splits take 8 bytes of memory each."""
_MAX_BYTES = 2**22
_MAX_NAME = 1000
_MAX_SIDE = 2**12
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Part:
    """The training or the test images of a store.

    Attributes:
        count: How many.
        name_bytes: Bytes of all their names together; -1 where they have none.
        is_divided: Whether a file says which of them only validate.
    """

    count: int
    name_bytes: int = -1
    is_divided: bool = False


@dataclass(frozen=True)
class Manifest:
    """What a store holds.

    Attributes:
        format: ``FORMAT``.
        schema: Version of the format.
        name: What to call the data set.
        image: Shape of an image: (H, W) or (H, W, 3).
        classes: Name of each class; a label is an index into it.
        every_label: Whether every label there is is learnt from where the user names no number.
        train: The training images, those that only validate included.
        test: The test images.
        sha256: SHA-256 of each file by its name, in hexadecimal.
    """

    format: str
    schema: int
    name: str
    image: tuple[int, ...]
    classes: tuple[str, ...]
    every_label: bool
    train: Part
    test: Part
    sha256: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> Iterator[tuple[str, str, tuple[int, ...]]]:
        """Give name, type and shape of each file. The names follow from the schema, never from what a store says."""
        for kind, part in (("train", self.train), ("test", self.test)):
            if not part.count:
                continue
            yield f"{kind}-{IMAGE}", "|u1", (part.count, *self.image)
            yield f"{kind}-label.npy", "<i2", (part.count,)
            if part.is_divided:
                yield f"{kind}-validates.npy", "|u1", (part.count,)
            if part.name_bytes >= 0:
                yield f"{kind}-name.npy", "|u1", (part.name_bytes,)
                yield f"{kind}-name-end.npy", "<i8", (part.count,)
        yield "first-copy.npy", "<i8", (self.train.count + self.test.count,)

    @property
    def num_bytes(self) -> int:
        """Size of all files but ``store.json``."""
        return sum(num_bytes(dtype, shape) for _, dtype, shape in self.files())

    def digest(self) -> str:
        """Give a SHA-256 of all training images and their labels, by the checksums of their files."""
        learnt = (self.sha256[name] for name in (f"train-{IMAGE}", "train-label.npy"))
        return hashlib.sha256(" ".join(learnt).encode()).hexdigest()

    def text(self) -> str:
        """Spell it as ``store.json`` has it."""
        table = {name: value for name, value in asdict(self).items() if name != "sha256"}
        table["files"] = {
            name: {"bytes": num_bytes(dtype, shape), "sha256": self.sha256[name]} for name, dtype, shape in self.files()
        }
        return json.dumps(table, indent=2) + "\n"


def holds_store(folder: Path) -> bool:
    """Tell whether a folder is a store, or was to become one."""
    return is_file(folder / f"train-{IMAGE}") or (is_file(folder / NAME) and _is_named_so(folder / NAME))


def suggest_packing_again(folder: Path) -> str:
    """Give the command that packs a store anew, in backticks."""
    return suggest_aaecli("data", "pack", "SOURCE", "--out", folder, "--force")


def read_manifest(folder: Path) -> Manifest:
    """Read what a store holds.

    Raises:
        AaeError: ``store.json`` is missing or damaged, or of another version.
    """
    path = folder / NAME
    if not is_file(path):
        raise AaeError(
            f"{folder} is no store, since it has no {NAME}: packing it did not end.",
            "Pack the data set again, with --force into the same folder.",
        )
    try:
        table = json.loads(read_bytes(path, _MAX_BYTES))
        schema, files = table.pop("schema"), table.pop("files")
        if type(schema) is int and schema != SCHEMA:
            raise AaeError(f"{path} is of another version of aaecli.", "Pack the data set anew with this one.")
        manifest = _built(table | {"schema": schema}, files)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = f": {error}" if isinstance(error, _FaultError) else ""
        raise AaeError(f"{path} is damaged: it describes no store{reason}.", PACK_AGAIN) from error
    return manifest


class _FaultError(ValueError):
    """Why a description is impossible."""


def _built(table: dict[str, Any], files: dict[str, Any]) -> Manifest:
    """Build a manifest, once nothing in it is impossible."""
    try:
        manifest = build(Manifest, table)
    except AaeError as error:
        raise ValueError from error
    sides, classes = manifest.image, manifest.classes
    _hold(manifest.format == FORMAT, "it is of another format")
    _hold(len(sides) in (2, 3) and sides[2:] in ((), (3,)), "its images have no possible shape")
    _hold(all(0 < side <= _MAX_SIDE for side in sides), "its images have no possible size")
    _hold(len(set(classes)) == len(classes) <= MAX_CLASSES, "its classes are too many, or have one name twice")
    _hold(all(0 < len(name) <= _MAX_NAME for name in (manifest.name, *classes)), "a name is empty or too long")
    for part in (manifest.train, manifest.test):
        _hold(0 <= part.count <= MAX_IMAGES, "a number of images is out of range")
        _hold(-1 <= part.name_bytes <= MAX_IMAGES * _MAX_NAME, "the length of its names is out of range")
    _hold(manifest.train.count > 0, "it has no training images")
    described = list(manifest.files())
    _hold(list(files) == [name for name, *_ in described], "its files are others")
    for name, dtype, shape in described:
        size, digest = files[name]["bytes"], files[name]["sha256"]
        _hold(size == num_bytes(dtype, shape), f"the size of {name} does not follow from the number of images")
        _hold(type(digest) is str and _SHA256.fullmatch(digest) is not None, f"the checksum of {name} is none")
    return replace(manifest, sha256={name: files[name]["sha256"] for name in files})


def _hold(holds: bool, fault: str) -> None:
    if not holds:
        raise _FaultError(fault)


def _is_named_so(path: Path) -> bool:
    """Tell whether a ``store.json`` is that of a store: other programs may have files of that name."""
    try:
        return FORMAT.encode() in read_bytes(path, _MAX_BYTES)
    except AaeError:
        return False
