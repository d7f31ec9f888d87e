"""A stranger's parquet file: opened with bounds on its footer, read a few rows at a time that fit into memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aaecli.data.naming.files import MAX_BYTES
from aaecli.data.naming.picture_names import suffix_of
from aaecli.errors import AaeError, missing_package
from aaecli.files.opening import open_regular, shown

_MAX_ROW_GROUPS = 2**20
_MAX_FOOTER_TEXT = 2**26
_ROWS = 128
_BATCH_BYTES = 2**26
_MOST_REPEATED = 2**28
"""Bytes of rows that are read at once, where one value is in all of them."""
_BUFFER = 2**20
_READ_WHOLE = 2**27
"""Of files up to so many bytes, a row group is read whole. From others it is read through a buffer, which pyarrow makes
as large as a page claims to be: two gigabytes at most."""


def is_parquet(name: str) -> bool:
    """Tell by its name whether a file is a parquet file, or a pattern names some."""
    return suffix_of(name) in (".parquet", ".pq")


def pyarrow(what: str) -> Any:
    """Import pyarrow, set to one thread, with its module ``parquet``.

    Args:
        what: What needs it, for the error.

    Raises:
        AaeError: It is not installed.
    """
    try:
        import pyarrow as module
        import pyarrow.parquet
    except ImportError as error:
        raise missing_package(what, "pyarrow", "bulk") from error
    module.set_cpu_count(1)
    module.set_io_thread_count(1)
    return module


def damaged(name: str, reason: str) -> AaeError:
    """Give the error of a file that cannot be read to the end."""
    return AaeError(f"{shown(name)} is damaged: {reason}.", "Copy or download the file again.")


@contextmanager
def opened(path: str, name: str, what: str) -> Iterator[Any]:
    """Open a file, and say what is wrong with it wherever pyarrow finds that out.

    Args:
        path: The file.
        name: What to call it in an error.
        what: What needs pyarrow.

    Raises:
        AaeError: It cannot be opened or is damaged.
    """
    arrow = pyarrow(what)
    with open_regular(path) as source:
        try:
            yield arrow.parquet.ParquetFile(
                source,
                buffer_size=_BUFFER if os.fstat(source.fileno()).st_size > _READ_WHOLE else 0,
                pre_buffer=False,
                thrift_string_size_limit=_MAX_FOOTER_TEXT,
                thrift_container_size_limit=_MAX_ROW_GROUPS,
            )
        except (arrow.lib.ArrowException, ValueError, KeyError, OSError) as error:
            raise damaged(name, _reason(error)) from error


def num_rows(file: Any, group: int, name: str) -> int:
    """Give the number of rows of a row group.

    Raises:
        AaeError: There are fewer than none.
    """
    rows: int = file.metadata.row_group(group).num_rows
    if rows < 0:
        raise damaged(name, "a row group has fewer rows than none")
    return rows


def batches(file: Any, group: int, columns: list[str], name: str) -> Iterator[tuple[int, Any]]:
    """Read a row group, so many rows at a time that they fit into memory; gives the number of the first of them.

    Raises:
        AaeError: Its pictures are too large.
    """
    metadata, schema = file.metadata.row_group(group), file.metadata.schema
    average = metadata.total_byte_size // max(metadata.num_rows, 1) + 1
    if average > MAX_BYTES:
        raise damaged(name, f"its rows are of {average // 2**20:,} MiB on the average")
    # Of a chunk that the footer describes wrongly, pyarrow 26 gives no description: it ends the process. To read a row
    # of it is an error as any other, so that comes first, and chunks that are not read are not looked at.
    next(file.iter_batches(1, row_groups=[group], columns=columns, use_threads=False), None)
    read = [index for index in range(len(schema)) if _is_read(schema.column(index).path, columns)]
    chunks = [metadata.column(index) for index in read]
    average = sum(chunk.total_uncompressed_size for chunk in chunks) // max(metadata.num_rows, 1) + 1
    number = 0
    rows = max(1, min(_ROWS, _BATCH_BYTES // average, _MOST_REPEATED // max([1, *map(_largest_repeated, chunks)])))
    for batch in file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False):
        yield number, batch
        number += len(batch)


def _is_read(path: str, columns: list[str]) -> bool:
    return any(path == column or path.startswith(f"{column}.") for column in columns)


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


def _reason(error: BaseException) -> str:
    lines = str(error).splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(". ")[:200]
