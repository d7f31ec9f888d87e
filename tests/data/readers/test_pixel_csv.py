"""CSV files with an image a line, as Kaggle's competitions and data sets have them; damaged ones say what is wrong."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aaecli.config.image import Image
from aaecli.data.loading import find_reader, load_dataset
from aaecli.data.readers import pixel_table
from aaecli.data.readers.pixel_numbers import parse_lines
from aaecli.data.split import split
from aaecli.errors import AaeError

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (24, 8, 8), np.uint8)
LABEL = np.tile(np.arange(3), 8)
NAMES = [f"pixel{number}" for number in range(64)]


def write(path: Path, rows: Iterable[Iterable[Any]], header: Iterable[object] = ()) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if header := [*header]:
            writer.writerow(header)
        writer.writerows(rows)
    return path


def lines(image: Any = IMAGE, label: Any = LABEL) -> list[list[Any]]:
    return [[value, *row.reshape(-1).tolist()] for value, row in zip(label, image, strict=True)]


def refuse(path: Path) -> AaeError:
    with pytest.raises(AaeError) as caught:
        load_dataset(path)
    assert caught.value.hint
    return caught.value


def test_a_competition_whose_test_images_have_no_labels(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", lines(), ["label", *NAMES])
    write(tmp_path / "test.csv", IMAGE[::-1][:6].reshape(6, -1).tolist(), NAMES)
    write(tmp_path / "sample_submission.csv", [(1, 0), (2, 0)], ["ImageId", "Label"])
    found = load_dataset(tmp_path)
    assert found.classes == ("0", "1", "2")
    np.testing.assert_array_equal(found.train_image, np.concatenate([IMAGE, IMAGE[::-1][:6]]))
    assert found.train_label.tolist() == [*LABEL.tolist(), *[-1] * 6]
    assert len(found.test_label) == 0
    assert "test.csv has no labels: its 6 images" in found.remarks[0]
    # Some of the labelled are kept back, as of a folder of pictures.
    parts = split(found, "all", 0)
    assert len(parts.validation) == 6
    assert len(parts.labelled) + len(parts.validation) <= 24 < len(parts.pool) + len(parts.validation)


@pytest.mark.parametrize("header", [(), ("label", *NAMES), ("label", *range(64)), range(65)])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n\n"])
def test_with_a_header_and_without(tmp_path: Path, header: Iterable[object], ending: str) -> None:
    for part in ("train", "test"):
        path = write(tmp_path / f"mnist_{part}.csv", lines(), header)
        text = path.read_bytes().decode().replace("\r\n", ending[:2] if ending != "\n\n\n" else "\n")
        path.write_bytes((text + ("\n\n" if ending == "\n\n\n" else "")).encode())
    for named in (tmp_path, tmp_path / "mnist_train.csv", tmp_path / "mnist_test.csv"):
        found = load_dataset(named)
        np.testing.assert_array_equal(found.train_image, IMAGE)
        np.testing.assert_array_equal(found.test_image, IMAGE)
        assert found.test_label.tolist() == LABEL.tolist()
    assert (found.name, bool(found.remarks)) == ("mnist", True)


def test_what_pandas_writes_with_its_index_and_quotes(tmp_path: Path) -> None:
    rows = [f'{number},"{label}",' + ",".join(f"{value}.0" for value in row.reshape(-1))
            for number, (label, row) in enumerate(zip("abc" * 8, IMAGE, strict=True))]  # fmt: skip
    (tmp_path / "x.csv").write_text(",".join(["", "class", *NAMES]) + "\n" + "\n".join(rows))
    found = load_dataset(tmp_path / "x.csv")
    assert (found.name, found.classes) == ("x", ("a", "b", "c"))
    np.testing.assert_array_equal(found.train_image, IMAGE)
    assert found.train_label.tolist() == LABEL.tolist()


def test_the_label_may_come_last_and_images_have_colour(tmp_path: Path) -> None:
    colour = RNG.integers(0, 256, (24, 8, 8, 3), np.uint8)
    rows = [[*row[1:], row[0]] for row in lines(colour)]
    write(tmp_path / "x.csv", rows, [*(f"pixel{number:04}" for number in range(192)), "label"])
    found = load_dataset(tmp_path / "x.csv")
    assert found.image_shape == (3, 8, 8)
    np.testing.assert_array_equal(found.train_image, colour)


def test_images_without_a_label_among_others(tmp_path: Path) -> None:
    label = ["" if number > 17 else value for number, value in enumerate(LABEL.tolist())]
    found = load_dataset(write(tmp_path / "x.csv", lines(label=label), ["label", *NAMES]))
    assert found.train_label.tolist() == [*LABEL[:18].tolist(), *[-1] * 6]


@pytest.mark.parametrize("block", [64, 2**19])
def test_fractions_up_to_one_are_of_white(tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel_table, "_BLOCK", block)
    image = IMAGE / 255
    image[:4] = IMAGE[:4] > 127
    rows = [[int(value) if value in (0, 1) else value for value in row] for row in lines(image)]
    found = load_dataset(write(tmp_path / "x.csv", rows))
    np.testing.assert_array_equal(found.train_image, np.rint(image * 255))
    found = load_dataset(write(tmp_path / "x.csv", lines(IMAGE / 2)))
    np.testing.assert_array_equal(found.train_image, np.rint(IMAGE / 2))


def test_blocks_of_any_size_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.csv", lines(), ["label", *NAMES])
    for size in (1, 7, 300, 5000):
        monkeypatch.setattr(pixel_table, "_BLOCK", size)
        np.testing.assert_array_equal(load_dataset(path).train_image, IMAGE)


def test_letters_of_emnist_are_turned_and_named(tmp_path: Path) -> None:
    for part in ("train", "test"):
        write(tmp_path / f"emnist-letters-{part}.csv", lines(label=LABEL + 1))
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n3 67 99\n")
    found = load_dataset(tmp_path)
    assert found.classes == ("A", "B", "C")
    np.testing.assert_array_equal(found.train_image, IMAGE.swapaxes(1, 2))
    np.testing.assert_array_equal(load_dataset(tmp_path, Image(transpose="no")).train_image, IMAGE)


def test_of_several_data_sets_one_is_to_be_named(tmp_path: Path) -> None:
    for name in ("a_train", "b_train", "b_test"):
        write(tmp_path / f"{name}.csv", lines())
    assert refuse(tmp_path).message.endswith("several data sets: a_train.csv and b_train.csv.")
    assert load_dataset(tmp_path / "a_train.csv").name == "a"
    assert len(load_dataset(tmp_path / "b_train.csv").test_label) == 24
    (tmp_path / "a_train.csv").rename(tmp_path / "more.csv")
    assert "Not read: more.csv." in load_dataset(tmp_path).remarks


def test_a_list_of_labels_beside_pictures_is_none(tmp_path: Path) -> None:
    write(tmp_path / "labels.csv", [("a.png", 3), ("b.png", 5)], ["path", "label"])
    found = find_reader(tmp_path)
    assert found is not None
    assert found[0] == "image-folder"
    assert "its first line is none" in refuse(tmp_path / "labels.csv").message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("3," + "0," * 62 + "0", "line 26, has 64 values, not 65"),
        ("3," + "0," * 64 + "0", "line 26, has 66 values, not 65"),
        ("3," + "0," * 63 + "256", "not from 0 to 255"),
        ("3," + "0," * 63 + "-1", "not from 0 to 255"),
        ("3," + "0," * 63 + "nan", "line 26, holds 'nan', which is no pixel"),
        ("3," + "0," * 63 + "1e999", "which is no pixel"),
        ("3," + "0," * 63 + "0x10", "which is no pixel"),
        ("3," + "0," * 63 + "1_0", "line 26, holds '1_0', which is no pixel"),
        ("3," + "0," * 63 + "\u0663", "line 26, holds '\u0663', which is no pixel"),
        ("3," + "0," * 63 + "0.5" + "1" * 3000, "line 26, holds numbers of more digits than any pixel has"),
        ("3," + "0," * 63, "line 26, holds '', which is no pixel"),
        ("\udcff," + "0," * 63 + "0", "is no text in UTF-8"),
        ("x" * 300 + "," + "0," * 63 + "0", "longer than any name"),
        ('"' + "0," * 63 + "0", "line 26, has 1 values, not 65"),
        ("0" * (2**21 + 2**20), "is longer than any line"),
        ("\0" * 70, "has 1 values"),
    ],
)
def test_what_is_no_image_is_named_by_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = write(tmp_path / "x.csv", lines(), ["label", *NAMES])
    path.write_bytes(path.read_bytes() + line.encode("utf-8", "surrogateescape"))
    message = refuse(path).message
    assert said in message
    assert len(message) < 400


def test_labels_that_do_not_fit(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", lines(label=list("abc") * 8))
    write(tmp_path / "test.csv", lines(label=list("abd") * 8))
    assert "holds the label 'd', which no training image has" in refuse(tmp_path).message
    write(tmp_path / "test.csv", lines(label=[9] * 24))
    assert "holds the label '9'" in refuse(tmp_path).message
    (tmp_path / "test.csv").unlink()
    write(tmp_path / "train.csv", lines(label=[1] * 24))
    with pytest.raises(AaeError, match="names a single class"):
        load_dataset(tmp_path / "train.csv").require_classes()


def test_a_file_of_lines_without_end_is_refused_before_it_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixel_table, "parse_whole_numbers", lambda *_: pytest.fail("parsed"))
    path = write(tmp_path / "x.csv", lines())
    path.write_bytes(path.read_bytes() + b"\n" * 5_000_000)
    assert "has more lines than the 1,048,576 images" in refuse(path).message
    with path.open("ab") as file:
        # Takes no room on a disk.
        file.truncate(2**31 + 1)
    assert "is larger than 2,048 MiB" in refuse(path).message
    path.write_bytes(b"label" + b",p" * 64 + b"\n" + b"\0" * 2**22)
    assert "longer than any line" in refuse(path).message


def test_numbers_in_any_spelling_are_read_many_at_a_time_as_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = RNG.random((24, 64))
    label = [["dog", "big, black dog", "cat"][number % 3] for number in range(24)]
    spellings: dict[str, Any] = {
        "few digits": "{:.4f}".format,
        "all digits": repr,
        "exponents": "{:.18e}".format,
        "signs": "{:+.3f}".format,
        "quotes": '"{:.3f}"'.format,
        "whole": lambda value: f"{value:.0f}.",
    }
    path = tmp_path / "x.csv"
    for spell in spellings.values():
        rows = [f'"{name}",' + ",".join(map(spell, row)) for name, row in zip(label, value.tolist(), strict=True)]
        path.write_text("\n".join(rows))
        with monkeypatch.context() as patched:
            patched.setattr(pixel_table, "_MAX_SINGLE_CELLS", 0)
            together = load_dataset(path)
        with monkeypatch.context() as patched:
            patched.setattr(pixel_table, "parse_lines", lambda *_: None)
            singly = load_dataset(path)
        np.testing.assert_array_equal(together.train_image, singly.train_image)
        assert together.classes == singly.classes == ("big, black dog", "cat", "dog")
        np.testing.assert_array_equal(together.train_label, singly.train_label)


@pytest.mark.parametrize(
    "line",
    [
        '"1,2"' + ",0" * 63, '1"2"' + ",0" * 64, '"a""b"' + ",0" * 64, "a" + ',""' * 64, "a" + ",.5.5" * 64,
        "a" + ",1-1" * 64, "a" + ",1e5e5" * 64, "a" + ",." * 64, "a" + ",-" * 64, "a" + ",1e" * 64, "a" + ", 1" * 64,
        "a" + ",1" * 65, "a" + ',0"1"' * 64, "a" + ',"0' + ',1"' * 64, "a" + ",inf" * 64, "a" + ",1e999" * 64,
        "\udce9" + ",0" * 64,
    ],
)  # fmt: skip
def test_what_is_no_line_of_numbers_is_left_to_be_looked_at(line: str) -> None:
    assert parse_lines(b"b" + b",1" * 64 + b"\n", 65, 0) is not None
    assert parse_lines(b"b" + b",1" * 64 + b"\n" + line.encode("utf-8", "surrogateescape") + b"\n", 65, 0) is None


def test_no_more_cells_than_take_seconds_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.csv"
    path.write_text("\n".join(f"{number}" + ", 1" * 64 for number in LABEL.tolist()))
    assert load_dataset(path).train_image.max() == 1
    monkeypatch.setattr(pixel_table, "_MAX_SINGLE_CELLS", 1000)
    assert "in another way than as numbers alone" in refuse(path).message
