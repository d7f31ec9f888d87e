"""``aaecli data``: what a data set holds, and one image of it as a picture."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aaecli.data.dataset import Dataset
from aaecli.data.loading import load_dataset
from tests.cli.conftest import Run
from tests.conftest import WriteDataset
from tests.data.drawings import write_classes


def test_the_embedded_mnist(aaecli: Run) -> None:
    result = aaecli("data")
    assert (result.code, result.err) == (0, "")
    words = result.out.split()
    for expected in ("MNIST", "50,000", "10,000", "60,000", "28", "5,923", "1,135", "published"):
        assert expected in words, expected


def test_the_embedded_mnist_as_json(aaecli: Run) -> None:
    result = aaecli("data", "--json")
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.out)
    assert (found["name"], found["image"]) == ("MNIST", [28, 28])
    assert (found["num_train"], found["num_test"]) == (60_000, 10_000)
    assert found["split"] == {"pool": 50_000, "validation": 10_000}
    assert found["checksums_ok"] is True
    assert found["classes"][1] == {"class": "1", "train": 6742, "test": 1135}
    assert [entry["class"] for entry in found["classes"]] == list("0123456789")


@pytest.mark.parametrize("by_flag", [True, False])
def test_another_data_set(
    aaecli: Run, write_dataset: WriteDataset, monkeypatch: pytest.MonkeyPatch, by_flag: bool
) -> None:
    folder = write_dataset("kin", train=[5, 6, 9] * 8, test=[9, 5], size=(4, 6))
    if not by_flag:
        monkeypatch.setenv("AAECLI_DATA", str(folder))
    result = aaecli("data", "--json", *(["--data", folder] if by_flag else []))
    assert json.loads(result.out) == {
        "name": "kin",
        "image": [4, 6],
        "channels": 1,
        "classes": [
            {"class": "5", "train": 8, "test": 1},
            {"class": "6", "train": 8, "test": 0},
            {"class": "9", "train": 8, "test": 1},
        ],
        "num_train": 24,
        "num_test": 2,
        "split": {"pool": 20, "validation": 4},
        "checksums_ok": None,
        "num_unlabelled": 0,
        "remarks": [],
        "faults": [],
        "findings": None,
    }
    table = aaecli("data", *(["--data", folder] if by_flag else []))
    assert "unknown for this data set" in table.out


def test_a_data_set_with_a_fault(aaecli: Run, write_dataset: WriteDataset) -> None:
    folder = write_dataset()
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    result = aaecli("data", "--data", folder)
    assert (result.code, result.out) == (1, "")
    assert f"{folder} holds no t10k-labels-idx1-ubyte" in result.err


def test_export_writes_the_picture_and_tells_its_label(aaecli: Run, in_empty_folder: Path, mnist: Dataset) -> None:
    result = aaecli("data", "export", "--index", 0, "--out", "digit.png")
    assert (result.code, result.out) == (0, "")
    assert result.err == "Wrote digit.png: test image 0 of MNIST, whose label is 7.\n"
    with Image.open(in_empty_folder / "digit.png") as picture:
        assert (picture.format, picture.mode) == ("PNG", "L")
        assert np.array_equal(np.asarray(picture), mnist.test_image[0])
    assert [path.name for path in in_empty_folder.iterdir()] == ["digit.png"]


def test_export_without_out_is_digit_png_and_replaces_it(
    aaecli: Run, in_empty_folder: Path, write_dataset: WriteDataset
) -> None:
    folder = write_dataset()
    aaecli("data", "export", "--data", folder, "--index", 0)
    first = (in_empty_folder / "digit.png").read_bytes()
    aaecli("data", "export", "--data", folder, "--index", 1)
    assert (in_empty_folder / "digit.png").read_bytes() != first


def test_export_keeps_what_the_user_has(aaecli: Run, in_empty_folder: Path, write_dataset: WriteDataset) -> None:
    folder = write_dataset()
    words = ("data", "export", "--data", folder, "--index", 0)
    for name, more in (("digit.png", ()), ("mine.png", ("--out", "mine.png"))):
        Path(name).write_bytes(b"a photo of mine")
        result = aaecli(*words, *more)
        assert result.code == 1
        assert f"There is a file {name} already" in result.err
        assert Path(name).read_bytes() == b"a photo of mine"
        assert aaecli(*words, *more, "--force").code == 0
        # A name that was typed is no default: what is there may be wanted, whoever wrote it.
        assert aaecli(*words, *more).code == (1 if more else 0)


def test_an_image_of_a_folder_does_not_become_one_of_its_pictures(aaecli: Run, in_empty_folder: Path) -> None:
    write_classes(Path("shapes"), 6, 0)
    result = aaecli("data", "export", "--data", "shapes", "--index", 0, "--out", "shapes/ring/again.png", "--force")
    assert result.code == 1
    assert "would lie in shapes" in result.err
    assert not Path("shapes/ring/again.png").exists()


def test_export_of_a_training_image(aaecli: Run, in_empty_folder: Path, mnist: Dataset) -> None:
    result = aaecli("data", "export", "--split", "train", "--index", 59_999, "--out", "new/last.PNG", "--json")
    assert result.code == 0
    assert json.loads(result.out) == {"file": "new/last.PNG", "split": "train", "index": 59_999, "label": "8"}
    with Image.open(in_empty_folder / "new" / "last.PNG") as picture:
        assert np.array_equal(np.asarray(picture), mnist.train_image[-1])


@pytest.mark.parametrize("ending", ["png", "bmp", "gif", "tif", "pgm", "webp", "jpg"])
def test_every_ending_is_a_format(aaecli: Run, in_empty_folder: Path, write_dataset: WriteDataset, ending: str) -> None:
    result = aaecli("data", "export", "--data", write_dataset(), "--index", 2, "--out", f"a.{ending}")
    assert result.code == 0
    with Image.open(in_empty_folder / f"a.{ending}") as picture:
        assert picture.size == (28, 28)


@pytest.mark.parametrize("place", ["group", "command", "environment"])
def test_the_data_set_may_be_named_anywhere(
    aaecli: Run, in_empty_folder: Path, write_dataset: WriteDataset, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    folder = write_dataset("kin", test=[1, 0])
    named = ("--data", folder)
    if place == "environment":
        monkeypatch.setenv("AAECLI_DATA", str(folder))
    before, after = (named if place == "group" else ()), (named if place == "command" else ())
    result = aaecli("data", *before, "export", *after, "--index", 0)
    assert result.err == "Wrote digit.png: test image 0 of kin, whose label is 1.\n"


@pytest.mark.parametrize(("index", "split", "last"), [(-1, "test", 5), (6, "test", 5), (24, "train", 23)])
def test_an_index_out_of_range_tells_the_range(
    aaecli: Run, in_empty_folder: Path, write_dataset: WriteDataset, index: int, split: str, last: int
) -> None:
    result = aaecli("data", "export", "--data", write_dataset(), "--index", index, "--split", split)
    assert (result.code, result.out) == (1, "")
    assert f"error: some has no {split} image {index}: they are numbered from 0 to {last}." in result.err
    assert list(in_empty_folder.iterdir()) == []


@pytest.mark.parametrize("name", ["digit", "digit.txt", "digit.pdf", "digit.png.exe"])
def test_an_ending_that_is_no_picture(
    aaecli: Run, in_empty_folder: Path, write_dataset: WriteDataset, name: str
) -> None:
    result = aaecli("data", "export", "--data", write_dataset(), "--index", 0, "--out", name)
    assert (result.code, result.out) == (1, "")
    assert "hint: Let the name end in one of: .png" in result.err
    assert list(in_empty_folder.iterdir()) == []


def test_a_place_that_cannot_be_written(aaecli: Run, in_empty_folder: Path, write_dataset: WriteDataset) -> None:
    (in_empty_folder / "taken").touch()
    result = aaecli("data", "export", "--data", write_dataset(), "--index", 0, "--out", "taken/digit.png")
    assert (result.code, result.out) == (1, "")
    assert "error: Cannot write taken/digit.png" in result.err


class Binary(io.TextIOWrapper):
    """A stdout that holds bytes, a terminal or not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__(io.BytesIO(), "utf-8")
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def test_export_to_a_pipe(
    aaecli: Run, in_empty_folder: Path, write_dataset: WriteDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_dataset(test=[0, 1])
    stream = Binary(terminal=False)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        result = aaecli("data", "export", "--data", folder, "--index", 1, "--out", "-")
    assert (result.code, result.err) == (0, "Wrote a PNG to stdout: test image 1 of some, whose label is 1.\n")
    with Image.open(io.BytesIO(stream.buffer.getvalue())) as picture:  # type: ignore[attr-defined]
        assert np.array_equal(np.asarray(picture), load_dataset(folder).test_image[1])
    assert list(in_empty_folder.iterdir()) == []


@pytest.mark.parametrize(("terminal", "flags", "said"), [(True, (), "a terminal."), (False, ("--json",), "--json")])
def test_a_picture_and_text_do_not_share_stdout(
    aaecli: Run, monkeypatch: pytest.MonkeyPatch, terminal: bool, flags: tuple[str, ...], said: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Binary(terminal=terminal))
        result = aaecli("data", "export", "--index", 1, "--out", "-", *flags)
    assert result.code == 1
    assert said in result.err


@pytest.mark.parametrize("words", [("export",), ("exprot",), ("export", "--index", "x"), ("--dta", "x")])
def test_wrong_usage(aaecli: Run, words: tuple[str, ...]) -> None:
    result = aaecli("data", *words)
    assert (result.code, result.out) == (2, "")
    assert "Usage: aaecli data" in result.err


def test_emnist_is_turned_and_that_may_be_chosen(aaecli: Run, write_dataset: WriteDataset) -> None:
    names = "emnist-letters-{part}-{kind}-idx{dims}-ubyte"
    folder = write_dataset("letters", names=names, test_part="test", size=(4, 6))
    assert "rows and columns were swapped" in aaecli("data", "--data", folder).out
    assert "4 × 6 pixels" in aaecli("data", "--data", folder, "--no-transpose").out
    shown = aaecli("train", "--data", folder, "--labels", "all", "--transpose", "--print-config").out
    assert 'transpose = "yes"' in shown
    (folder / "pictures").mkdir()
    (folder / "pictures/a.png").touch()
    assert "upright already" in aaecli("train", "--data", folder / "pictures", "--transpose").err


@pytest.mark.parametrize("command", ["data", "train"])
def test_a_data_set_without_its_option_is_answered_with_the_option(
    aaecli: Run, in_empty_folder: Path, command: str
) -> None:
    (in_empty_folder / "my clothes").mkdir()
    outcome = aaecli(command, "my clothes")
    assert outcome.code == 2
    words = " ".join(outcome.err.replace("│", " ").split())
    assert f"named by an option: aaecli {command} --data 'my clothes'" in words
