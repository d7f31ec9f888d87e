"""`aaecli data duplicates`: which pictures are copies, in which parts of the split, in lines, as CSV and JSON."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aaecli.data.dataset import Dataset
from tests.cli.conftest import Run
from tests.conftest import WriteDataset
from tests.data.drawings import write_pictures


@pytest.fixture
def folder(in_empty_folder: Path, mnist: Dataset) -> Path:
    """Digits: a seven resized in test/, a two recompressed among the sevens, an unlabelled one shifted."""
    seven, two, other = mnist.test_image[[0, 1, 7]]
    names = {
        "seven/a.png": seven,
        "two/b.png": two,
        "unlabelled/c.png": other,
        "unlabelled/d.png": np.roll(other, 1, 0),
    }
    names |= {f"unlabelled/{number}.png": mnist.test_image[number] for number in range(10, 22)}
    folder = write_pictures(in_empty_folder / "digits", names)
    write_pictures(folder, {"test/seven/large.png": np.asarray(Image.fromarray(seven).resize((40, 40)))})
    Image.fromarray(two).save(folder / "seven/b.jpg", quality=80)
    return folder


def groups(aaecli: Run, *words: object) -> list[dict]:
    outcome = aaecli("data", "duplicates", "--json", *words)
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)["groups"]


def test_copies_in_a_folder_are_named_by_importance(aaecli: Run, folder: Path) -> None:
    found = groups(aaecli, "--data", folder)
    assert [[entry["image"] for entry in group["images"]] for group in found] == [
        ["seven/a.png", "test/seven/large.png"],
        ["seven/b.jpg", "two/b.png"],
        ["unlabelled/c.png", "unlabelled/d.png"],
    ]
    assert [(group["across_split"], group["labels_differ"]) for group in found] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    assert [entry["split"] for entry in found[0]["images"]] == ["train", "test"]
    assert [entry["label"] for entry in found[1]["images"] + found[2]["images"]] == ["seven", "two", None, None]
    shown = aaecli("data", "--data", folder, "duplicates").out.splitlines()
    assert [line.split("  ")[0] for line in shown[:3]] == ["across the split", "labels differ", "copies"]
    assert shown[3] == ("3 groups of near duplicates, 6 of 18 pictures: 1 across the split, 1 whose labels differ.")


def test_a_list_and_a_sheet(aaecli: Run, folder: Path, in_empty_folder: Path) -> None:
    words = ("data", "duplicates", "--data", folder, "--out", "copies.csv")
    outcome = aaecli(*words)
    assert (outcome.code, outcome.err) == (
        0,
        "copies.csv lists the groups; copies.png shows them.\n",
    )
    with (in_empty_folder / "copies.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["number"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert [(row["group"], row["path"], row["split"], row["label"]) for row in rows[:3]] == [
        ("1", "seven/a.png", "train", "seven"),
        ("1", "test/seven/large.png", "test", "seven"),
        ("2", "seven/b.jpg", "train", "seven"),
    ]
    with Image.open(in_empty_folder / "copies.png") as sheet:
        assert sheet.width > 6 * 84
    for name in ("copies.csv", "copies.png"):
        (in_empty_folder / name).write_text("mine")
        assert aaecli(*words).code == 1
        assert (in_empty_folder / name).read_text() == "mine"
        assert aaecli(*words, "--force").code == 0


def test_a_list_is_csv_and_not_among_the_pictures(aaecli: Run, folder: Path) -> None:
    assert "is a CSV file" in aaecli("data", "duplicates", "--data", folder, "--out", "x.txt").err
    outcome = aaecli("data", "duplicates", "--data", folder, "--out", folder / "x.csv")
    assert outcome.code == 1
    assert "would lie in" in outcome.err


def test_damaged_and_empty_files(aaecli: Run, folder: Path) -> None:
    (folder / "seven/damaged.png").write_bytes((folder / "seven/a.png").read_bytes()[:60])
    (folder / "seven/empty.png").touch()
    outcome = aaecli("data", "duplicates", "--data", folder)
    assert outcome.code == 0
    assert "3 groups of near duplicates, 6 of 18 pictures" in outcome.out
    assert "warning: 2 pictures cannot be read" in outcome.err


def test_names_are_not_obeyed(aaecli: Run, folder: Path, in_empty_folder: Path, mnist: Dataset) -> None:
    for name in ("unlabelled/\x1b[31mred.png", "unlabelled/=cmd.png", os.fsdecode(b"unlabelled/\xff.png")):
        write_pictures(folder, {name: mnist.test_image[30]})
    outcome = aaecli("data", "duplicates", "--data", folder, "--out", "copies.csv")
    assert outcome.code == 0
    written = outcome.out + outcome.err + (in_empty_folder / "copies.csv").read_text()
    assert "\x1b" not in written
    assert "unlabelled/\\x1b[31mred.png" in written
    assert 3 in [len(group["images"]) for group in groups(aaecli, "--data", folder)]


def test_images_without_names_are_told_by_numbers(aaecli: Run, write_dataset: WriteDataset) -> None:
    folder = write_dataset("kin", train=[5, 6, 9] * 8, test=[9, 5], size=(20, 20))
    assert groups(aaecli, "--data", folder) == []
    assert aaecli("data", "duplicates", "--data", folder).out == "No near duplicates among 26 pictures.\n"


def test_options_without_effect_are_refused(aaecli: Run, folder: Path) -> None:
    for words in (("--size", 32), ("--channels", 3), ("--no-normalise",), ("--transpose",)):
        outcome = aaecli("data", "--data", folder, *words, "duplicates")
        assert outcome.code == 1
        assert "has no effect on duplicates" in outcome.err
    assert aaecli("data", "duplicates", "--data", "absent").code == 1
