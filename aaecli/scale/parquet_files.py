"""Pictures in parquet files, a few rows at a time: a column of bytes, or of {bytes, path} as Hugging Face has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

from aaecli.data.decoding import parquet
from aaecli.data.decoding.parquet import damaged
from aaecli.data.decoding.tar import UnreadError
from aaecli.data.naming.files import MAX_BYTES
from aaecli.data.preprocessing.prepare import Encoded
from aaecli.errors import AaeError
from aaecli.files.opening import shown

IMAGE = "image"
"""Column of the pictures where nobody names one."""
_MOST_SLICES = 16
"""Of one row group: to reach its rows, a reader passes by those before."""


def pyarrow() -> Any:
    """Import pyarrow, set to one thread, with its module ``parquet``.

    Raises:
        AaeError: It is not installed.
    """
    return parquet.pyarrow("aaecli bulk")


def cut(name: str, image: str, key: str, size: int) -> list[tuple[int, int]]:
    """Cut a parquet file into slices of about ``size`` rows, along its row groups where they are small.

    Args:
        name: The file.
        image: Column of the pictures.
        key: Column of their names; may be empty.
        size: Rows of a slice.

    Returns:
        The first row and the number of rows of each slice.

    Raises:
        AaeError: It cannot be opened, is damaged, or has no such columns.
    """
    with _opened(name, name, image, key) as (file, _):
        groups = [parquet.num_rows(file, group, name) for group in range(file.metadata.num_row_groups)]
    return list(_slices(groups, size))


def _slices(groups: list[int], size: int) -> Iterator[tuple[int, int]]:
    first = gathered = 0
    for rows in groups:
        if gathered and gathered + rows > size:
            yield first, gathered
            first, gathered = first + gathered, 0
        if rows > size:
            step = max(size, -(-rows // _MOST_SLICES))
            for start in range(0, rows, step):
                yield first + start, min(step, rows - start)
            first += rows
        else:
            gathered += rows
    if gathered:
        yield first, gathered


def read_parquet(path: str, name: str, image: str, key: str, first: int, count: int) -> Iterator[Encoded | AaeError]:
    """Read pictures of a parquet file.

    Args:
        path: The file.
        name: What to call it in an error.
        image: Column of the pictures: bytes, or a struct with ``bytes`` and perhaps ``path``.
        key: Column of their names, of text or whole numbers. Empty: their ``path``, else the file's name and the number
            of the row.
        first: First row.
        count: Number of rows.

    Yields:
        Each picture with its name; an error with it where a row has none, or one that is larger than is read.

    Raises:
        AaeError: The file cannot be read, is damaged, or has other columns.
    """
    with _opened(path, name, image, key) as (file, columns):
        is_struct = len(columns) - bool(key) > 1 or columns[0] != image
        row = 0
        for group in range(file.metadata.num_row_groups):
            rows = parquet.num_rows(file, group, name)
            begin, end = max(first - row, 0), min(first + count - row, rows)
            if begin < end:
                for start, batch in parquet.batches(file, group, columns, name):
                    inner = batch.slice(max(begin - start, 0), max(0, end - max(start, begin)))
                    yield from _pictures(inner, row + max(start, begin), name, image, key, is_struct)
                    if start + len(batch) >= end:
                        break
            row += rows
    if row < first + count:
        raise damaged(name, f"it has {row:,} rows where there were {first + count:,}")


def _pictures(batch: Any, row: int, name: str, image: str, key: str, is_struct: bool) -> Iterator[Encoded | AaeError]:
    cells = batch.column(image)
    keys = batch.column(key).to_pylist() if key else [None] * len(batch)
    for number, (cell, spelt) in enumerate(zip(cells, keys, strict=True), row):
        value = cell.as_py() if cell.is_valid and (not is_struct or cell["bytes"].is_valid) else None
        data = value["bytes"] if is_struct and value else value
        if spelt is None and is_struct and "path" in cell.type.names and cell.is_valid:
            spelt = cell["path"].as_py()
        title = f"{PurePath(name).name}:{number}" if spelt is None else str(spelt)
        if not data:
            yield UnreadError(title, f"Row {number:,} of {shown(name)} has no picture.")
        elif len(data) > MAX_BYTES:
            yield UnreadError(title, f"Row {number:,} of {shown(name)} is larger than {MAX_BYTES // 2**20} MiB.")
        else:
            yield Encoded(title, data)


@contextmanager
def _opened(path: str, name: str, image: str, key: str) -> Iterator[tuple[Any, list[str]]]:
    """Open a file; gives it with the columns to read, first those of the pictures."""
    with parquet.opened(path, name, "aaecli bulk") as file:
        yield file, _columns(file.schema_arrow, name, image, key)


def _columns(schema: Any, name: str, image: str, key: str) -> list[str]:
    """Give the columns to read, first those of the pictures."""
    types = pyarrow().types
    for column, option in ((image, "--image"), (key, "--key")):
        if column and schema.get_all_field_indices(column) == []:
            known = ", ".join(schema.names[:20])
            raise AaeError(f"{shown(name)} has no column '{column}'.", f"Name another one with {option}: {known}.")
    kind = schema.field(image).type
    kind = kind.value_type if types.is_dictionary(kind) else kind
    is_struct = types.is_struct(kind)
    inner = {kind.field(index).name for index in range(kind.num_fields)} & {"bytes", "path"} if is_struct else set()
    data = kind.field("bytes").type if "bytes" in inner else kind
    data = data.value_type if types.is_dictionary(data) else data
    if not (types.is_binary(data) or types.is_large_binary(data)):
        raise AaeError(
            f"The column '{image}' of {shown(name)} holds no pictures: it is of the type {kind}.",
            "Pictures are files in a binary column, or a struct of bytes and path. Name the column with --image.",
        )
    if key:
        named = schema.field(key).type
        if not (types.is_string(named) or types.is_large_string(named) or types.is_integer(named)):
            raise AaeError(
                f"The column '{key}' of {shown(name)} holds no names: it is of the type {named}.",
                "Name a column of text or whole numbers with --key.",
            )
    columns = [f"{image}.{child}" for child in sorted(inner)] if is_struct else [image]
    return columns + ([key] if key else [])
