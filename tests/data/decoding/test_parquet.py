"""Opening parquet files: what pyarrow is asked for, and in which order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from aaecli.data.decoding import parquet
from aaecli.errors import AaeError
from tests.scale.pictures import write_parquet

MEMBERS = {f"{number}.png": b"%d" % number * 40 for number in range(30)}


class Watched:
    """A parquet file, or a part of its metadata, that notes what is asked for."""

    def __init__(self, inner: Any, seen: list[str]) -> None:
        self._inner, self._seen = inner, seen

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name == "metadata":
            return Watched(found, self._seen)
        if name not in ("row_group", "column", "iter_batches"):
            return found

        def call(*words: Any, **more: Any) -> Any:
            result = found(*words, **more)
            self._seen.append(f"column {words[0]}" if name == "column" else name)
            return Watched(result, self._seen) if name == "row_group" else result

        return call


def test_of_the_columns_that_are_not_read_nothing_is_asked_and_of_others_after_a_row(tmp_path: Path) -> None:
    """pyarrow ends the process where the footer describes a chunk wrongly and its description is asked for."""
    path = write_parquet(tmp_path / "x.parquet", MEMBERS, struct=True, group=10)
    for columns, read in ((["image.bytes"], ["column 0"]), (["image.bytes", "image.path"], ["column 0", "column 1"])):
        seen: list[str] = []
        rows = sum(len(batch) for _, batch in parquet.batches(Watched(pq.ParquetFile(path), seen), 1, columns, "x"))
        assert rows == 10
        assert seen == ["row_group", "iter_batches", *read, "iter_batches"]


@pytest.mark.parametrize("whole", [0, 2**27])
def test_small_files_are_read_whole_and_large_ones_through_a_buffer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    monkeypatch.setattr(parquet, "_READ_WHOLE", whole)
    path = write_parquet(tmp_path / "x.parquet", MEMBERS, group=10)
    made: list[int] = []
    original = pq.ParquetFile

    def make(source: Any, **options: Any) -> Any:
        made.append(options["buffer_size"])
        return original(source, **options)

    monkeypatch.setattr(pq, "ParquetFile", make)
    with parquet.opened(str(path), "x", "a test") as file:
        found = [
            data for group in range(3) for _, batch in parquet.batches(file, group, ["image"], "x") for data in batch[0]
        ]
    assert [data.as_py() for data in found] == [*MEMBERS.values()]
    assert made == [2**20 if whole == 0 else 0]


def test_rows_that_are_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_parquet(tmp_path / "x.parquet", MEMBERS)
    monkeypatch.setattr(parquet, "MAX_BYTES", 10)
    with pytest.raises(AaeError, match="its rows are of"), parquet.opened(str(path), "x", "a test") as file:
        next(parquet.batches(file, 0, ["image"], "x"))


@pytest.mark.parametrize(
    ("name", "is_one"), [("a.parquet", True), ("b/*.PQ", True), ("a.parquet.gz", False), ("pq", False)]
)
def test_a_parquet_file_is_known_by_its_name(name: str, is_one: bool) -> None:
    assert parquet.is_parquet(name) == is_one
