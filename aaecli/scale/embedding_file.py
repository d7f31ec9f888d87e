"""The columns of ``aaecli embed`` as a parquet file."""

from __future__ import annotations

import json
from pathlib import Path

from aaecli.data.decoding.parquet import pyarrow
from aaecli.serve.embedding import Columns

CLASSES = "aaecli.classes"
"""Key of the names of the classes, a list in JSON, in the metadata of the file."""


def check_parquet() -> None:
    """Check that parquet files can be written.

    Raises:
        AaeError: pyarrow is not installed.
    """
    pyarrow("Writing a parquet file")


def write_parquet(path: Path, columns: Columns, classes: tuple[str, ...]) -> None:
    """Write columns; vectors become lists of a fixed length.

    Args:
        path: The file.
        columns: The columns.
        classes: Names of the classes, in the order of ``label_prob``.
    """
    arrow = pyarrow("Writing a parquet file")
    arrays = {}
    for name, column in columns.items():
        if isinstance(column, list):
            arrays[name] = arrow.array(column, arrow.string())
        elif column.ndim == 1:
            arrays[name] = arrow.array(column)
        else:
            arrays[name] = arrow.FixedSizeListArray.from_arrays(arrow.array(column.reshape(-1)), column.shape[1])
    table = arrow.table(arrays).replace_schema_metadata({CLASSES: json.dumps(classes)})
    arrow.parquet.write_table(table, path, compression="zstd")
