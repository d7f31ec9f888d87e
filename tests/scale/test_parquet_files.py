"""Parquet files: which rows are a slice, and what a row's picture and name are."""

from __future__ import annotations

import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aaecli.errors import AaeError
from aaecli.scale import parquet_files
from aaecli.scale.parquet_files import _slices, cut, read_parquet
from tests.scale.pictures import write_parquet

MEMBERS = {f"{number}.png": b"%d" % number * (number % 7 + 1) for number in range(137)}


def read(path, first=0, count=137, key="id"):
    found = read_parquet(str(path), "in/x.parquet", "image", key, first, count)
    return [(entry.name, getattr(entry, "data", None)) for entry in found]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 400), max_size=20), st.integers(1, 100))
def test_slices_are_all_rows_once(groups, size):
    found = list(_slices(groups, size))
    position = 0
    for first, count in found:
        assert first == position
        assert count > 0
        position += count
    assert position == sum(groups)
    most = max([size, *(-(-rows // 16) for rows in groups)])
    assert all(count <= most for _, count in found)


def test_small_row_groups_stay_whole():
    assert list(_slices([4, 4, 4, 4], 10)) == [(0, 8), (8, 8)]
    assert list(_slices([4, 25, 4], 10)) == [(0, 4), (4, 10), (14, 10), (24, 5), (29, 4)]


@pytest.mark.parametrize("struct", [False, True])
@pytest.mark.parametrize("group", [10, 50, 1000])
def test_slices_read_the_whole(tmp_path, struct, group):
    path = write_parquet(tmp_path / "x.parquet", MEMBERS, struct=struct, group=group)
    key = "" if struct else "id"
    slices = cut(str(path), "image", key, 20)
    assert len(slices) >= 6
    assert [pair for first, count in slices for pair in read(path, first, count, key)] == [*MEMBERS.items()]


def test_without_a_key_the_row_names_the_picture(tmp_path):
    path = write_parquet(tmp_path / "x.parquet", MEMBERS, group=30)
    assert [name for name, _ in read(path, 40, 3, "")] == ["x.parquet:40", "x.parquet:41", "x.parquet:42"]


def test_keys_may_be_numbers(tmp_path):
    pq.write_table(pa.table({"image": [b"a", b"b"], "id": [7, None]}), tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet", 0, 2) == [("7", b"a"), ("x.parquet:1", b"b")]


def test_a_row_without_a_picture_is_an_error_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_files, "MAX_BYTES", 1000)
    for struct in (False, True):
        members = {"a": b"1", "none": None, "empty": b"", "large": bytes(1001), **{str(n): b"2" for n in range(20)}}
        path = write_parquet(tmp_path / "x.parquet", members, struct=struct)
        found = dict(read(path, 0, 24, "" if struct else "id"))
        assert found == members | {"empty": None, "large": None}


def test_a_struct_that_is_null(tmp_path):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    cells = [None, {"bytes": None, "path": "/etc/passwd"}, {"bytes": b"1", "path": None}]
    pq.write_table(pa.table({"image": pa.array(cells, kind)}), tmp_path / "x.parquet")
    # A path without bytes is a name, and no file to open.
    assert read(tmp_path / "x.parquet", 0, 3, "") == [
        ("x.parquet:0", None),
        ("/etc/passwd", None),
        ("x.parquet:2", b"1"),
    ]


@pytest.mark.parametrize("kind", [pa.large_binary(), pa.binary(), pa.dictionary(pa.int32(), pa.binary())])
def test_kinds_of_bytes(tmp_path, kind):
    cells = pa.array([b"a", b"b"], kind.value_type if pa.types.is_dictionary(kind) else kind)
    column = cells.dictionary_encode() if pa.types.is_dictionary(kind) else cells
    pq.write_table(pa.table({"image": column, "id": ["x", "y"]}), tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet", 0, 2) == [("x", b"a"), ("y", b"b")]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"picture": [b""]}, "no column 'image'"),
        ({"image": [1], "id": ["a"]}, "no pictures: it is of the type int64"),
        ({"image": ["a.png"], "id": ["a"]}, "no pictures: it is of the type string"),
        ({"image": [[b"a"]], "id": ["a"]}, "no pictures"),
        ({"image": [{"path": "a"}], "id": ["a"]}, "no pictures"),
        ({"image": [b"a"]}, "no column 'id'"),
        ({"image": [b"a"], "id": [1.5]}, "no names"),
    ],
)
def test_other_columns_are_refused(tmp_path, columns, reason):
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(AaeError, match=reason):
        cut(str(tmp_path / "x.parquet"), "image", "id", 10)


@pytest.mark.parametrize("body", [b"", b"PAR1", b"PAR1" * 100, b"\0" * 5000])
def test_what_is_no_parquet(tmp_path, body):
    (tmp_path / "x.parquet").write_bytes(body)
    with pytest.raises(AaeError, match="damaged"):
        cut(str(tmp_path / "x.parquet"), "image", "", 10)


def test_a_page_that_is_damaged_is_told_of(tmp_path):
    path = write_parquet(tmp_path / "x.parquet", MEMBERS)
    body = path.read_bytes()
    path.write_bytes(body[:4] + b"\xff" * 200 + body[204:])
    with pytest.raises(AaeError, match="damaged"):
        read(path)


def test_fewer_rows_than_planned_are_damage(tmp_path):
    with pytest.raises(AaeError, match="137 rows where there were 140"):
        read(write_parquet(tmp_path / "x.parquet", MEMBERS), 100, 40)


def test_one_large_picture_in_every_row_is_not_in_memory_for_each(tmp_path):
    """A file of a few kilobytes that would be two gigabytes, were its rows read as they are."""
    path = tmp_path / "x.parquet"
    cell = bytes(2**24)
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 128, pa.int32()), pa.array([cell]))
    pq.write_table(pa.table({"image": column}), path, compression="zstd", dictionary_pagesize_limit=2**28)
    assert path.stat().st_size < 2**16
    before = pa.default_memory_pool().max_memory()
    tracemalloc.start()
    try:
        for entry in read_parquet(str(path), "x", "image", "", 0, 128):
            assert entry.data == cell
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 2**29
    assert pa.default_memory_pool().max_memory() - before < 2**29
