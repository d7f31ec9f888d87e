"""Pictures in parquet files, a few rows at a time: a column of bytes, or of {bytes, path} as Hugging Face has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

from aaecli.data.naming.files import MAX_BYTES
from aaecli.data.naming.picture_names import suffix_of
from aaecli.data.preprocessing.prepare import Encoded
from aaecli.errors import AaeError, missing_package
from aaecli.files.opening import open_regular, shown
from aaecli.scale.tar_files import UnreadError, damaged

IMAGE = "image"
"""Column of the pictures where nobody names one."""
_MAX_ROW_GROUPS = 2**20
_MAX_FOOTER_TEXT = 2**26
_MOST_SLICES = 16
"""Of one row group: to reach its rows, a reader passes by those before."""
_ROWS = 128
_BATCH_BYTES = 2**26
_MOST_REPEATED = 2**28
"""Bytes of rows that are read at once, where one value is in all of them."""
_BUFFER = 2**20


def is_parquet(name: str) -> bool:
    """Tell by its name whether an input is a parquet file, or a pattern of some."""
    return suffix_of(name) in (".parquet", ".pq")


def pyarrow() -> Any:
    """Import pyarrow, set to one thread, with its module ``parquet``.

    Raises:
        AaeError: It is not installed.
    """
    try:
        import pyarrow as module
        import pyarrow.parquet
    except ImportError as error:
        raise missing_package("aaecli bulk", "pyarrow", "bulk") from error
    module.set_cpu_count(1)
    module.set_io_thread_count(1)
    return module


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
        groups = [_rows_of(file, group, name) for group in range(file.metadata.num_row_groups)]
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
    arrow = pyarrow()
    with _opened(path, name, image, key) as (file, columns):
        is_struct = len(columns) - bool(key) > 1 or columns[0] != image
        row = 0
        for group in range(file.metadata.num_row_groups):
            rows = _rows_of(file, group, name)
            begin, end = max(first - row, 0), min(first + count - row, rows)
            if begin < end:
                try:
                    for start, batch in _batches(file, group, columns, name):
                        inner = batch.slice(max(begin - start, 0), max(0, end - max(start, begin)))
                        yield from _pictures(inner, row + max(start, begin), name, image, key, is_struct)
                        if start + len(batch) >= end:
                            break
                except (arrow.lib.ArrowException, ValueError, KeyError, OSError) as error:
                    raise damaged(name, _reason(error)) from error
            row += rows
    if row < first + count:
        raise damaged(name, f"it has {row:,} rows where there were {first + count:,}")


def _batches(file: Any, group: int, columns: list[str], name: str) -> Iterator[tuple[int, Any]]:
    """Read a row group, so many rows at a time that they fit into memory; gives the number of the first of them."""
    metadata = file.metadata.row_group(group)
    wanted = {column.partition(".")[0] for column in columns}
    chunks = [metadata.column(index) for index in range(metadata.num_columns)]
    size = sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema.partition(".")[0] in wanted)
    average = size // max(metadata.num_rows, 1) + 1
    if average > MAX_BYTES:
        raise damaged(name, f"its pictures are of {average // 2**20:,} MiB on the average")
    number = 0
    rows = max(1, min(_ROWS, _BATCH_BYTES // average, _MOST_REPEATED // max(map(_largest_repeated, chunks))))
    for batch in file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False):
        yield number, batch
        number += len(batch)


def _largest_repeated(chunk: Any) -> int:
    """Give a bound of the bytes of a value that may be in each row, though the file holds it once.

    Such values are in a dictionary page. Of that, the footer has the compressed size; what it may grow by is no more
    than what the whole column does.
    """
    if not chunk.has_dictionary_page or chunk.dictionary_page_offset is None:
        return 1
    compressed = chunk.data_page_offset - chunk.dictionary_page_offset
    growth = max(0, chunk.total_uncompressed_size - chunk.total_compressed_size)
    return min(MAX_BYTES, compressed + growth + _BUFFER) if compressed > 0 else MAX_BYTES


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
    arrow = pyarrow()
    with open_regular(path) as source:
        try:
            file = arrow.parquet.ParquetFile(
                source,
                buffer_size=_BUFFER,
                pre_buffer=False,
                thrift_string_size_limit=_MAX_FOOTER_TEXT,
                thrift_container_size_limit=_MAX_ROW_GROUPS,
            )
            columns = _columns(file.schema_arrow, name, image, key)
        except (arrow.lib.ArrowException, ValueError, KeyError, OSError) as error:
            raise damaged(name, _reason(error)) from error
        yield file, columns


def _rows_of(file: Any, group: int, name: str) -> int:
    rows: int = file.metadata.row_group(group).num_rows
    if rows < 0:
        raise damaged(name, "a row group has fewer rows than none")
    return rows


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


def _reason(error: BaseException) -> str:
    lines = str(error).splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(". ")[:200]
