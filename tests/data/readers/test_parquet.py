"""Parquet files as those on Hugging Face, written by pyarrow; damaged ones say what is wrong."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from aaecli.data.loading import find_reader, load_dataset
from aaecli.data.readers import parquet_pictures
from aaecli.data.split import split
from aaecli.errors import AaeError

RNG = np.random.default_rng(0)
LABEL = [0, 1, 2] * 8
CELL = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def pixels(*shape: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return RNG.integers(0, 256, shape, np.uint8)


def png(image: np.ndarray[Any, Any], kind: str = "PNG") -> bytes:
    body = io.BytesIO()
    Image.fromarray(image).save(body, kind)
    return body.getvalue()


def cells(images: Sequence[Any]) -> pa.Array:
    return pa.array([{"bytes": png(image), "path": f"{n}.png"} for n, image in enumerate(images)], CELL)


def write(path: Path, columns: dict[str, Any], names: list[str] | None = None, **features: Any) -> Path:
    """Write a table with the metadata of ``datasets``, as far as names of classes or features are given."""
    table = pa.table(columns)
    if names is not None:
        features |= {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    if features:
        said = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": said})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=7)
    return path


def refuse(path: Path) -> AaeError:
    with pytest.raises(AaeError) as caught:
        load_dataset(path)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("inner", ["", "data", "plain_text"])
def test_the_layout_of_hugging_face(tmp_path: Path, inner: str) -> None:
    folder, names = tmp_path / "tiny" / inner, ["ant", "bee", "cat"]
    image, test = pixels(24, 9, 7), pixels(6, 9, 7)
    for shard, rows in enumerate((slice(0, 10), slice(10, 24))):
        columns = {"image": cells(image[rows]), "label": pa.array(LABEL[rows])}
        write(folder / f"train-0000{shard}-of-00002.parquet", columns, names)
    write(folder / "test-00000-of-00001.parquet", {"image": cells(test), "label": LABEL[:6]}, names)
    (tmp_path / "tiny" / "README.md").write_text("# tiny\n")
    progress: list[tuple[int, int]] = []
    found = load_dataset(tmp_path / "tiny", None, lambda done, total: progress.append((done, total)))
    assert (found.name, found.classes) == ({"plain_text": "plain_text"}.get(inner, "tiny"), tuple(names))
    np.testing.assert_array_equal(found.train_image, image)
    np.testing.assert_array_equal(found.test_image, test)
    assert found.train_label.tolist() == LABEL
    assert found.test_label.tolist() == LABEL[:6]
    assert progress[-1] == (30, 30)
    # A file of it is as good, and says which others are read.
    beside = load_dataset(folder / "train-00001-of-00002.parquet")
    assert beside.train_image.shape == (24, 9, 7)
    assert "read as well: train-00000-of-00002.parquet, test-00000-of-00001.parquet" in " ".join(beside.remarks)
    assert beside.name == found.name


def test_one_file_in_colour_with_names_of_its_own(tmp_path: Path) -> None:
    image = pixels(24, 8, 8, 3)
    image[3] = image[3][..., :1]  # a picture without colour among them
    columns = {
        "id": list(range(24)),
        "img": [png(entry) for entry in image],
        "kind": LABEL,
        "label": ["a", "b", None] * 8,
    }
    found = load_dataset(write(tmp_path / "x.parquet", columns))
    assert (found.name, found.classes, found.image_shape) == ("x", ("a", "b"), (3, 8, 8))
    np.testing.assert_array_equal(found.train_image, image)
    assert found.train_label.tolist() == [0, 1, -1] * 8
    assert len(split(found, "all", 0).validation)
    # Of several columns, the metadata say which is meant.
    found = load_dataset(write(tmp_path / "y.parquet", columns, kind={"names": ["p", "q", "r"], "_type": "ClassLabel"}))
    assert found.classes == ("p", "q", "r")


def test_parts_with_and_without_colour_become_alike(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", {"image": cells(pixels(24, 8, 8)), "label": LABEL})
    write(tmp_path / "test.parquet", {"image": cells(pixels(6, 8, 8, 3)), "label": LABEL[:6]})
    found = load_dataset(tmp_path)
    assert found.train_image.shape == (24, 8, 8, 3)
    assert (found.train_image == found.train_image[..., :1]).all()


@pytest.mark.parametrize("kind", [pa.large_binary(), pa.dictionary(pa.int32(), pa.binary())])
def test_other_kinds_of_columns(tmp_path: Path, kind: Any) -> None:
    data = pa.array([png(entry) for entry in pixels(24, 8, 8)])
    data = data.dictionary_encode() if pa.types.is_dictionary(kind) else data.cast(kind)
    label = pa.array([str(value) for value in LABEL]).dictionary_encode()
    assert load_dataset(write(tmp_path / "x.parquet", {"image": data, "label": label})).classes == ("0", "1", "2")
    none = load_dataset(write(tmp_path / "y.parquet", {"image": data}))
    assert (none.classes, none.train_label.tolist()) == ((), [-1] * 24)


@pytest.mark.parametrize(
    "said", [b"{", b"[" * 100_000, b'{"info": {"features": 3}}', b'{"info": 1}', b"\xff\xfe", b"9" * 2**21]
)
def test_metadata_that_say_nothing(tmp_path: Path, said: bytes) -> None:
    table = pa.table({"image": cells(pixels(24, 8, 8)), "label": LABEL}).replace_schema_metadata({"huggingface": said})
    pq.write_table(table, tmp_path / "x.parquet")
    assert load_dataset(tmp_path / "x.parquet").classes == ("0", "1", "2")


@pytest.mark.parametrize(
    "names", [["a"], ["a", "a", "b"], ["a", "b\x1b[2J", "c"], ["a", "", "c"], [1, 2, 3], {"a": 1}, "abc"]
)
def test_names_that_are_none(tmp_path: Path, names: Any) -> None:
    columns = {"image": cells(pixels(24, 8, 8)), "label": LABEL}
    assert load_dataset(write(tmp_path / "x.parquet", columns, names)).classes == ("0", "1", "2")


def test_a_folder_of_pictures_stays_one(tmp_path: Path) -> None:
    write(tmp_path / "metadata.parquet", {"path": ["a"]})
    (tmp_path / "ant").mkdir()
    (tmp_path / "ant" / "a.png").write_bytes(png(pixels(8, 8)))
    for other in (tmp_path / "ant" / "x.parquet", tmp_path / "bee" / "x.parquet"):
        found = find_reader(tmp_path)
        assert found is not None
        assert found[0] == "image-folder"
        write(other, {"path": ["a"]})


def test_several_data_sets(tmp_path: Path) -> None:
    columns = {"image": cells(pixels(24, 8, 8)), "label": LABEL}
    for name in ("a-train", "b-train"):
        write(tmp_path / f"{name}.parquet", columns)
    assert "several data sets: a-train.parquet and b-train.parquet" in refuse(tmp_path).message
    assert load_dataset(tmp_path / "a-train.parquet").name == "a"
    for name in ("one", "two"):
        write(tmp_path / "in" / name / "train.parquet", columns)
    assert "several data sets" in refuse(tmp_path / "in").message
    write(tmp_path / "out" / "test.parquet", columns)
    assert "no training images" in refuse(tmp_path / "out").message
    for name in ("one", "two"):
        write(tmp_path / "on" / f"{name}.parquet", columns)
    assert "several data sets: one.parquet and two.parquet" in refuse(tmp_path / "on").message


PICTURES = cells(pixels(24, 8, 8))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": [1], "b": ["x"]}, "has no column of pictures; its columns are: a, b"),
        ({"image": [[1, 2]], "label": [0]}, "has no column of pictures"),
        ({"image": [{"path": "a"}], "label": [0]}, "has no column of pictures"),
        ({"image": pa.array([], CELL), "label": pa.array([], pa.int64())}, "holds no images"),
        ({"image": pa.array([None], CELL), "label": [0]}, "no picture in row 0"),
        ({"image": pa.array([{"bytes": None, "path": "/etc/passwd"}], CELL), "label": [0]}, "no picture in row 0"),
        ({"image": [b"no picture"], "label": [0]}, "is not a picture"),
        ({"image": [png(pixels(8, 8))[:60]], "label": [0]}, "is damaged or cut short"),
        (
            {"image": [png(pixels(8, 8)), png(pixels(9, 8))], "label": [0, 1]},
            "is of 8 × 9 pixels, and the first picture of",
        ),
        ({"image": PICTURES, "label": [-2] * 24}, "holds the label -2"),
        ({"image": PICTURES, "label": pa.array([2**64 - 1] * 24, pa.uint64())}, "holds the label 18446744073709551615"),
        ({"image": PICTURES, "label": list(range(24))[::-1]}, ""),
    ],
)
def test_what_is_no_data_set_is_said(tmp_path: Path, columns: dict[str, Any], said: str) -> None:
    path = write(tmp_path / "x.parquet", columns)
    if said:
        assert said in refuse(path).message
    else:
        assert len(load_dataset(path).classes) == 24


def test_a_label_that_no_training_image_has(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", {"image": PICTURES, "label": ["a", "b", "c"] * 8})
    write(tmp_path / "test.parquet", {"image": PICTURES, "label": ["a", "b", "d"] * 8})
    assert "the label 'd', which no training image has" in refuse(tmp_path).message
    write(tmp_path / "train-1.parquet", {"image": PICTURES, "label": LABEL})
    assert "differ in their labels" in refuse(tmp_path).message


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.parquet", {"image": PICTURES, "label": LABEL})
    for name, most, said in (
        ("MAX_BYTES", 1000, "at most 1,000 are read"),
        ("_MAX_READ_BYTES", 300, "take more than 300 bytes"),
        ("_MIN_ROW_BYTES", 10**6, "it claims 24 pictures in"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(parquet_pictures, name, most)
            assert said in refuse(path).message
    # One value in all of a million rows, which a few bytes hold.
    row = pa.DictionaryArray.from_arrays(pa.array(np.zeros(2**20, np.int32)), pa.array([png(pixels(2, 2))]))
    pq.write_table(pa.table({"image": row}), tmp_path / "y.parquet")
    assert "it claims 1,048,576 pictures in" in refuse(tmp_path / "y.parquet").message


def test_wherever_it_is_cut_or_changed_an_error_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", {"image": cells(pixels(6, 4, 4)), "label": LABEL[:6]}, ["a", "b", "c"])
    body = path.read_bytes()
    for cut in range(len(body) - 1, 0, -97):
        path.write_bytes(body[:cut])
        refuse(path)
    for place in range(0, len(body), 31):
        path.write_bytes(body[:place] + bytes([body[place] ^ 0x41]) + body[place + 1 :])
        with suppress(AaeError):
            load_dataset(path)


def test_without_pyarrow_a_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.parquet", {"image": PICTURES})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    error = refuse(path)
    assert "Reading a .parquet file needs pyarrow" in error.message
    assert "aaecli[bulk]" in error.hint
