"""Pictures and labels of a stranger's parquet files as arrays, in bounded time and memory."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aaecli.data.decoding import parquet
from aaecli.data.decoding.parquet import damaged
from aaecli.data.decoding.pictures import decode
from aaecli.data.decoding.pillow_warnings import without_pillow_warnings
from aaecli.data.naming import files
from aaecli.data.readers.arrays import MAX_BYTES
from aaecli.data.readers.disk import SPLIT, Disk, empty
from aaecli.errors import AaeError

_IMAGES = ("image", "images", "img", "imgs", "picture", "pictures", "photo", "pixel_values", "jpg", "png", "x")
_LABELS = ("label", "labels", "class", "classes", "target", "targets", "category", "digit", "fine_label", "y")
# Of several, the first that there is holds.
_MAX_METADATA_BYTES = 2**20
_MIN_ROW_BYTES = 16
"""Fewest bytes of a file that a picture takes on the average: the smallest PNG has four times as many."""
_BOMB_BYTES = 2**20
_MAX_READ_BYTES = MAX_BYTES
"""Most bytes of all pictures as they are packed: what is in a dictionary counts as often as it occurs."""
_NEEDED_BY = "Reading a .parquet file"
_HINT = "Pictures are files in a column of bytes, or of {bytes, path}, as the library datasets writes them."


class Table(NamedTuple):
    """The rows of the files of one part.

    Attributes:
        image: uint8 (N, H, W) or (N, H, W, 3).
        label: int64 (N,), -1 for none; None where labels are texts, or there is no column of them.
        texts: Labels that are texts, empty for none; None otherwise.
        class_names: Names of the classes by their numbers, where the metadata have them.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.int64] | None
    texts: list[str] | None
    class_names: tuple[str, ...]

    def in_colour(self, disk: Disk | None) -> Table:
        """Give the same rows with images (N, H, W, 3)."""
        if self.image.ndim == 4:
            return self
        return self._replace(image=_coloured(self.image, len(self.image), "The part without colour", disk))


class _Columns(NamedTuple):
    """The columns of a file: what is read of the pictures, the one of labels, and the names of its classes."""

    image: str
    read: str
    label: str | None
    has_texts: bool
    class_names: tuple[str, ...]


def total_rows(path: Path) -> int:
    """Give the number of rows that a file claims.

    Raises:
        AaeError: It cannot be opened, is damaged, or claims more than it can hold.
    """
    with parquet.opened(str(path), str(path), _NEEDED_BY) as file:
        rows = sum(parquet.num_rows(file, group, str(path)) for group in range(file.metadata.num_row_groups))
    most = (path.stat().st_size + _BOMB_BYTES) // _MIN_ROW_BYTES
    if rows > most:
        raise damaged(str(path), f"it claims {rows:,} pictures in {path.stat().st_size:,} bytes")
    return rows


def read_table(
    paths: Sequence[Path], counts: Sequence[int], advanced: Callable[[int], None], disk: Disk | None = None
) -> Table:
    """Read the files of one part.

    Args:
        paths: The files.
        counts: How many rows each has.
        advanced: Receives how many pictures of the part are decoded.
        disk: Where the images are put; into memory where None.

    Raises:
        AaeError: A file is damaged, has no column of pictures, a row without one, or pictures of several sizes.
    """
    gathered, columns = _Gathered(sum(counts), advanced, disk), None
    for path, count in zip(paths, counts, strict=True):
        before = gathered.number
        own = _read_file(path, gathered)
        if gathered.number - before != count:
            raise damaged(str(path), f"it has {gathered.number - before:,} rows where there were {count:,}")
        if columns is not None and (own.label is None, own.has_texts) != (columns.label is None, columns.has_texts):
            raise AaeError(f"{paths[0]} and {path} differ in their labels.", "Take all files from the same data set.")
        columns = columns or own
    if columns is None or gathered.image is None:
        raise AaeError(f"{paths[0]} holds no images.", "Copy or download the data set again.")
    texts = [str(value) for value in gathered.labels] if columns.has_texts else None
    label = np.array(gathered.labels, np.int64) if columns.label is not None and texts is None else None
    return Table(gathered.image, label, texts, columns.class_names)


class _Gathered:
    """The rows that were read so far.

    Args:
        total: How many there will be.
        advanced: Receives how many there are.
        disk: See ``read_table``.
    """

    def __init__(self, total: int, advanced: Callable[[int], None], disk: Disk | None) -> None:
        self.image: NDArray[np.uint8] | None = None
        self.labels: list[int | str] = []
        self.number = 0
        self._total = total
        self._advanced = advanced
        self._disk = disk
        self._num_read = 0

    def add(self, data: bytes, name: str) -> None:
        """Decode a picture.

        Raises:
            AaeError: It is no picture, is of another size than the first, or takes too much memory with the others.
        """
        self._num_read += len(data)
        most = _MAX_READ_BYTES if self._disk is None else self._disk.max_bytes
        if self._num_read > most:
            raise AaeError(f"The pictures up to {name} take more than {most:,} bytes.", _remedy(self._disk))
        pixels = decode(data, name).pixels
        if self.image is None:
            _check_size(self._total * pixels.size, name, self._disk)
            self.image = empty((self._total, *pixels.shape), self._disk)
        if pixels.ndim > self.image.ndim - 1:
            self.image = _coloured(self.image, self.number, name, self._disk)
        if pixels.shape[:2] != self.image.shape[1:3]:
            raise AaeError(
                f"{name} is of {pixels.shape[1]} × {pixels.shape[0]} pixels, and the first picture of "
                f"{self.image.shape[2]} × {self.image.shape[1]}.",
                "Write the pictures into a folder with a sub-folder for each class: there they may be of any size.",
            )
        self.image[self.number] = pixels[..., None] if pixels.ndim < self.image.ndim - 1 else pixels
        self.number += 1

    def said(self) -> None:
        """Say how far the decoding is."""
        self._advanced(self.number)


def _read_file(path: Path, gathered: _Gathered) -> _Columns:
    name = str(path)
    with parquet.opened(name, name, _NEEDED_BY) as file, without_pillow_warnings():
        columns = _columns(file.schema_arrow, name)
        wanted = [columns.read, *([columns.label] if columns.label else [])]
        row = 0
        for group in range(file.metadata.num_row_groups):
            for _, batch in parquet.batches(file, group, wanted, name):
                for cell in batch.column(columns.image):
                    gathered.add(_data(cell, f"row {row:,} of {name}"), f"Row {row:,} of {name}")
                    row += 1
                if columns.label is not None:
                    gathered.labels += _labels(batch.column(columns.label), columns, name)
                gathered.said()
    return columns


def _data(cell: Any, title: str) -> bytes:
    value = cell.as_py()
    data: bytes | None = value.get("bytes") if isinstance(value, dict) else value
    if not data:
        raise AaeError(f"There is no picture in {title}.", _HINT)
    if len(data) > files.MAX_BYTES:
        raise AaeError(f"The picture in {title} is larger than {files.MAX_BYTES // 2**20} MiB.", "Save it smaller.")
    return data


def _labels(column: Any, columns: _Columns, name: str) -> list[int | str]:
    values = column.to_pylist()
    if columns.has_texts:
        # A class has one name in memory, not one for each picture.
        return ["" if value is None else sys.intern(value) for value in values]
    numbers = [-1 if value is None else int(value) for value in values]
    wrong = next((number for number in numbers if not -1 <= number <= np.iinfo(np.int64).max), None)
    if wrong is not None:
        raise AaeError(f"{name} holds the label {wrong}.", "Number the classes from 0; -1 is for none.")
    return list(numbers)


def _coloured(image: NDArray[np.uint8], count: int, name: str, disk: Disk | None) -> NDArray[np.uint8]:
    """Give grey images (N, H, W), of which so many are filled, as (N, H, W, 3)."""
    _check_size(3 * image.size, name, disk)
    found = empty((*image.shape, 3), disk)
    found[:count] = image[:count, ..., None]
    return found


def _check_size(num_bytes: int, name: str, disk: Disk | None) -> None:
    most = MAX_BYTES if disk is None else disk.max_bytes
    if num_bytes > most:
        raise AaeError(
            f"{name} and the others take {num_bytes:,} bytes as pixels; at most {most:,} are read.",
            _remedy(disk),
        )


def _remedy(disk: Disk | None) -> str:
    return SPLIT if disk is not None else "Pack the data set, and name the store instead: `aaecli data pack --help`."


def _columns(schema: Any, name: str) -> _Columns:
    """Tell which column holds the pictures and which the labels.

    Raises:
        AaeError: None holds pictures.
    """
    types = parquet.pyarrow(_NEEDED_BY).types
    features = _features(schema.metadata or {})
    # Of columns of one name, none can be meant.
    known = {entry: schema.field(entry).type for entry in schema.names if schema.names.count(entry) == 1}
    plain = {entry: kind.value_type if types.is_dictionary(kind) else kind for entry, kind in known.items()}
    pictures = [entry for entry, kind in plain.items() if _is_of_pictures(kind, types)]
    image = _chosen(pictures, [entry for entry in pictures if features.get(entry, {}).get("_type") == "Image"], _IMAGES)
    if image is None:
        listed = ", ".join(schema.names[:12])
        raise AaeError(f"{name} has no column of pictures; its columns are: {listed}.", _HINT)
    texts = {entry for entry, kind in plain.items() if types.is_string(kind) or types.is_large_string(kind)}
    labels = [entry for entry, kind in plain.items() if types.is_integer(kind) or entry in texts]
    classed = [entry for entry in labels if features.get(entry, {}).get("_type") == "ClassLabel"]
    label = _chosen([entry for entry in labels if entry.casefold() in _LABELS], classed, _LABELS)
    names = features.get(label, {}).get("names") if label else None
    usable = isinstance(names, list) and all(isinstance(entry, str) for entry in names)
    is_struct = types.is_struct(plain[image])
    return _Columns(
        image,
        f"{image}.bytes" if is_struct else image,
        label,
        label in texts,
        tuple(names) if names and usable else (),
    )


def _is_of_pictures(kind: Any, types: Any) -> bool:
    if types.is_struct(kind):
        fields = {kind.field(index).name: kind.field(index).type for index in range(kind.num_fields)}
        kind = fields.get("bytes")
    return kind is not None and (types.is_binary(kind) or types.is_large_binary(kind))


def _chosen(candidates: Sequence[str], better: Sequence[str], known: Sequence[str]) -> str | None:
    """Choose a column: of the better ones if there are any, by its name, else the first."""
    among = better or candidates
    order = {entry: index for index, entry in enumerate(known)}
    return min(among, key=lambda entry: order.get(entry.casefold(), math.inf), default=None)


def _features(metadata: dict[bytes, bytes]) -> dict[str, Any]:
    """Give the features of the columns that the library ``datasets`` has written; none where they are unreadable."""
    text = metadata.get(b"huggingface", b"")
    if not text or len(text) > _MAX_METADATA_BYTES:
        return {}
    try:
        features = json.loads(text)["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return (
        {key: value for key, value in features.items() if isinstance(value, dict)} if isinstance(features, dict) else {}
    )
