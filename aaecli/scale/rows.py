"""The rows of answers: their columns, and the parquet file that holds those of a shard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.errors import AaeError
from aaecli.files.opening import open_regular
from aaecli.files.writing import replacing
from aaecli.scale.parquet_files import pyarrow
from aaecli.serve.classify import Answered, Failure

FLUSH = 10_000
"""Rows of a row group: so many are in memory at most."""
PLAN, UNREADABLE = "aaecli.plan", "aaecli.unreadable"
"""Keys in the metadata of a part: the digest of the plan, and how many of its pictures could not be read."""


def schema(num_classes: int, style_dim: int, *, has_decoder: bool) -> Any:
    """Give the columns.

    Args:
        num_classes: Length of ``label_prob``.
        style_dim: Length of ``style``; 0 for no such column.
        has_decoder: Whether there may be errors of reconstruction, and novelty scores.
    """
    arrow = pyarrow()
    named = arrow.struct([("label", arrow.string()), ("probability", arrow.float32())])
    columns = [
        ("key", arrow.string()),
        ("label", arrow.dictionary(arrow.int32(), arrow.string())),
        ("probability", arrow.float32()),
        ("top", arrow.list_(named)),
        ("label_prob", arrow.list_(arrow.float32(), num_classes)),
        *([("style", arrow.list_(arrow.float32(), style_dim))] if style_dim else []),
        *([("reconstruction_error", arrow.float64()), ("novelty", arrow.float64())] if has_decoder else []),
        ("warnings", arrow.list_(arrow.string())),
        ("error", arrow.string()),
    ]
    return arrow.schema(columns)


class Part:
    """Gathers the rows of a shard, and writes them some thousands at a time.

    Args:
        writer: pyarrow's writer of the file.
        columns: See ``schema``.

    Attributes:
        num_rows: Rows so far.
        num_unreadable: Pictures among them that could not be read.
    """

    def __init__(self, writer: Any, columns: Any) -> None:
        self._writer = writer
        self._schema = columns
        self.num_rows = self.num_unreadable = 0
        self._begin()

    def _begin(self) -> None:
        self._cells: dict[str, list[Any]] = {name: [] for name in self._schema.names}
        self._vectors: dict[str, list[NDArray[np.float32]]] = {"label_prob": [], "style": []}
        self._failed: list[bool] = []

    def add(self, answered: Answered) -> None:
        """Add the rows of a batch."""
        cells = self._cells
        failed = [isinstance(outcome, Failure) for outcome in answered.outcomes]
        for outcome in answered.outcomes:
            if isinstance(outcome, Failure):
                values: dict[str, Any] = {"key": outcome.image, "error": text(outcome.error.message)}
            else:
                values = outcome._asdict() | {"key": outcome.image, "error": None}
                values["top"] = [{"label": text(name), "probability": share} for name, share in outcome.top]
                values["label"] = text(outcome.label)
                values["warnings"] = list(outcome.warnings)
            values["key"] = text(values["key"])
            for name, column in cells.items():
                if name not in self._vectors:
                    column.append(values.get(name))
        for name, vector in (("label_prob", answered.prob), ("style", answered.style)):
            if name in cells and vector is not None:
                spread = np.zeros((len(failed), vector.shape[1]), np.float32)
                spread[~np.array(failed, bool)] = vector
                self._vectors[name].append(spread)
        self._failed += failed
        self.num_rows += len(failed)
        self.num_unreadable += sum(failed)
        if len(self._failed) >= FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write what has been gathered."""
        if not self._failed:
            return
        arrow = pyarrow()
        arrays = []
        for field in self._schema:
            if field.name in self._vectors:
                values = np.concatenate(self._vectors[field.name]).reshape(-1)
                mask = arrow.array(self._failed)
                arrays.append(arrow.FixedSizeListArray.from_arrays(arrow.array(values), type=field.type, mask=mask))
            elif arrow.types.is_dictionary(field.type):
                arrays.append(arrow.array(self._cells[field.name], arrow.string()).dictionary_encode())
            else:
                arrays.append(arrow.array(self._cells[field.name], field.type))
        self._writer.write_table(arrow.Table.from_arrays(arrays, schema=self._schema))
        self._begin()


@contextmanager
def part(path: Path, columns: Any, plan: str) -> Iterator[Part]:
    """Write a part: it has its name when the block has ended and all of it is on the disk.

    Args:
        path: The file.
        columns: See ``schema``.
        plan: Digest of the plan.

    Raises:
        AaeError: It cannot be written.
    """
    arrow = pyarrow()
    with (
        replacing(path) as temporary,
        arrow.parquet.ParquetWriter(
            temporary, columns, compression="zstd", write_page_checksum=True, use_dictionary=["label", "warnings"]
        ) as writer,
    ):
        gathered = Part(writer, columns)
        yield gathered
        gathered.flush()
        writer.add_key_value_metadata({PLAN: plan, UNREADABLE: str(gathered.num_unreadable)})


def footer(path: Path) -> tuple[int, dict[str, str]]:
    """Give the number of rows of a part, and its metadata.

    Raises:
        AaeError: It is damaged.
    """
    arrow = pyarrow()
    with open_regular(path) as file:
        try:
            found = arrow.parquet.read_metadata(file)
        except (arrow.lib.ArrowException, ValueError, OSError) as error:
            raise AaeError(f"{path} is damaged.", "Delete it: the same command writes it again.") from error
    metadata = found.metadata or {}
    return found.num_rows, {_decoded(name): _decoded(value) for name, value in metadata.items()}


def _decoded(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def text(value: str) -> str:
    r"""Give a text that UTF-8 can hold: bytes of a file's name that are none stand as ``\udcff``."""
    return value.encode("utf-8", "backslashreplace").decode()
