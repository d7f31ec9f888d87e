"""Stores: what is read from one is what was packed, and whatever is wrong with one is said."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.loading import find_reader, load_dataset
from aaecli.data.readers import store as reader
from aaecli.data.readers.image_folder.folder import list_folder
from aaecli.data.split import split
from aaecli.data.store import manifest, npy
from aaecli.data.store.packing import pack_dataset, pack_pictures
from aaecli.data.store.verifying import verify_store
from aaecli.data.store.writing import claim_store
from aaecli.errors import AaeError
from aaecli.files.outputs import Outputs
from tests.data.drawings import drawing, write_classes, write_pictures

RNG = np.random.default_rng(0)
FIELDS = ("name", "classes", "images_of")


def images(count: int, *, channels: tuple[int, ...] = ()) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return RNG.integers(0, 256, (count, 6, 5, *channels), np.uint8)


def a_dataset(**changed: Any) -> Dataset:
    """Make a data set with copies within the training images, and between them and the test images."""
    train, test = images(24), images(6)
    train[20], train[13], test[2] = train[3], train[1], train[5]
    label = np.tile(np.arange(3), 8)
    return dataclasses.replace(
        Dataset("some", ("a", "b", "c"), train, label, test, np.tile(np.arange(3), 2)), **changed
    )


def packed(dataset: Dataset, folder: Path, **options: bool) -> Dataset:
    outputs = Outputs(force=True)
    claim_store(folder, outputs)
    pack_dataset(dataset, folder, outputs, **{"every_label": False} | options)
    return load_dataset(folder)


def assert_same(found: Dataset, expected: Dataset) -> None:
    assert [getattr(found, name) for name in FIELDS] == [getattr(expected, name) for name in FIELDS]
    for name in ("train_image", "train_label", "test_image", "test_label", "first_copy", "is_tested"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
        assert getattr(found, name).dtype == getattr(expected, name).dtype
    assert list(found.train_name) == list(expected.train_name)
    assert list(found.test_name) == list(expected.test_name)
    assert (found.is_validation is None) == (expected.is_validation is None)
    if found.is_validation is not None:
        np.testing.assert_array_equal(found.is_validation, expected.is_validation)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"test_image": np.zeros((0, 6, 5), np.uint8), "test_label": np.zeros(0, np.int64)},
        {"train_image": images(24, channels=(3,)), "test_image": images(6, channels=(3,))},
        {"train_label": np.where(np.arange(24) % 5, np.tile(np.arange(3), 8), -1)},
        {"is_validation": np.arange(24) > 17},
        {"train_name": tuple(f"{'é' * number}\n{number}\udcff" for number in range(24)), "test_name": ("t",) * 6},
    ],
    ids=["plain", "no test", "colour", "unlabelled", "validation", "names"],
)
@pytest.mark.parametrize("is_mapped", [False, True])
def test_what_is_read_is_what_was_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], is_mapped: bool
) -> None:
    if is_mapped:
        monkeypatch.setattr(reader, "MAX_BYTES", 0)
    dataset = a_dataset(**changed)
    found = packed(dataset, tmp_path / "store")
    assert found.train_image.flags.writeable != is_mapped
    assert_same(found, dataset)
    for part, expected in zip(
        dataclasses.astuple(split(found, 6, 1)), dataclasses.astuple(split(dataset, 6, 1)), strict=True
    ):
        np.testing.assert_array_equal(part, expected)
    verify_store(tmp_path / "store")


def test_the_files_are_numpys_and_described(tmp_path: Path) -> None:
    dataset = a_dataset()
    packed(dataset, tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "train-image.npy", allow_pickle=False), dataset.train_image)
    np.save(tmp_path / "same.npy", dataset.train_image)
    assert (tmp_path / "same.npy").read_bytes() == (tmp_path / "train-image.npy").read_bytes()
    described = json.loads((tmp_path / "store.json").read_text())
    assert described["classes"] == ["a", "b", "c"]
    assert described["files"]["train-image.npy"]["bytes"] == (tmp_path / "train-image.npy").stat().st_size
    assert {path.name for path in tmp_path.iterdir()} - described["files"].keys() == {"store.json", "same.npy"}


def test_a_folder_of_pictures_is_packed_as_it_is_loaded(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "mine", labelled=5, unlabelled=4, test=2)
    write_pictures(folder, {"ring/again.png": drawing(0, 1), "val/bar/v.png": drawing(0, 90)})
    (folder / "bar" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    settings = Image(28, 1, "none")
    expected = load_dataset(folder, settings)
    outputs = Outputs(force=False, inputs=[folder])
    findings = pack_pictures(folder, list_folder(folder), settings, tmp_path / "store", outputs)
    found = load_dataset(tmp_path / "store")
    # The same picture in two classes has a label in neither.
    assert findings == expected.findings
    assert findings.contradicting
    assert_same(found, expected)
    _, one = find_reader(tmp_path / "store") or ("", None)
    assert one is not None
    assert one.learns_every_label(tmp_path / "store")


def test_names_are_read_one_by_one(tmp_path: Path) -> None:
    names = tuple(f"name {number}" * (number % 3) for number in range(24))
    found = packed(a_dataset(train_name=names), tmp_path)
    assert (found.train_name[0], found.train_name[-1], found.train_name[7]) == (names[0], names[-1], names[7])
    assert found.train_name[3:9] == names[3:9]
    with pytest.raises(IndexError):
        found.train_name[24]
    assert found.is_collection


def test_what_is_packed_again_leaves_nothing_of_before(tmp_path: Path) -> None:
    packed(a_dataset(is_validation=np.arange(24) > 17), tmp_path)
    assert (tmp_path / "train-validates.npy").exists()
    none = {"test_image": np.zeros((0, 6, 5), np.uint8), "test_label": np.zeros(0, np.int64)}
    assert packed(a_dataset(**none), tmp_path).is_validation is None
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("first-copy.npy", "store.json", "train-image.npy", "train-label.npy"),
    ]
    with pytest.raises(AaeError, match="already"):
        claim_store(tmp_path, Outputs(force=False))


class _Stop(BaseException):
    """Ctrl-C, at a place of the test's choice."""


def test_what_is_interrupted_leaves_no_file(tmp_path: Path) -> None:
    def interrupted(done: int, total: int) -> None:
        raise _Stop

    outputs = Outputs(force=False)
    with pytest.raises(_Stop):
        pack_dataset(a_dataset(), tmp_path, outputs, every_label=False, progress=interrupted)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_packing_leaves_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = a_dataset()
    packed(dataset, tmp_path)

    def killed(*_: object) -> str:
        raise _Stop

    # The files have their names by then, and those of the store before have lost theirs.
    monkeypatch.setattr("aaecli.data.store.writing.sha256_of", killed)
    with pytest.raises(_Stop):
        packed(dataset, tmp_path)
    with pytest.raises(AaeError, match=r"has no store\.json") as caught:
        load_dataset(tmp_path)
    assert "--force" in caught.value.hint
    monkeypatch.undo()
    (tmp_path / ".train-image.npy.abcdefgh").write_bytes(b"what a killed process left")
    packed(dataset, tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_nothing_to_learn_from_makes_no_store(tmp_path: Path) -> None:
    nothing = {"train_image": images(0), "train_label": np.zeros(0, np.int64), "is_validation": None}
    with pytest.raises(AaeError, match="0 images"):
        packed(a_dataset(**nothing), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_classes_that_cannot_be_learnt_are_said(tmp_path: Path) -> None:
    found = packed(a_dataset(classes=("a", "b", "c", "d")), tmp_path)
    with pytest.raises(AaeError, match="labelled as 'd'"):
        found.require_classes()
    none = packed(
        a_dataset(classes=(), train_label=np.full(24, -1), test_image=images(0), test_label=np.array([], int)), tmp_path
    )
    with pytest.raises(AaeError, match="no class"):
        none.require_classes()


def _json(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        table = json.loads((folder / "store.json").read_text())
        change(table)
        (folder / "store.json").write_text(json.dumps(table))

    return damage


def _rewritten(name: str, values: np.ndarray[Any, Any]) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, values)


def _link(folder: Path) -> None:
    (folder / "train-image.npy").rename(folder.parent / "elsewhere.npy")
    (folder / "train-image.npy").symlink_to(folder.parent / "elsewhere.npy")


FIRST = np.arange(30)
DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut": (lambda folder: os.truncate(folder / "train-image.npy", 500), "has 500 bytes"),
    "missing": (lambda folder: (folder / "first-copy.npy").unlink(), "Cannot read"),
    "another shape": (_rewritten("train-image.npy", images(24).reshape(24, 5, 6)), "is no array"),
    "another type": (_rewritten("train-label.npy", np.zeros(24, ">i2")), "is no array"),
    "a link": (_link, "is a link"),
    "labels": (_rewritten("train-label.npy", np.full(24, 3, "<i2")), "labels that are of no class"),
    "test labels": (_rewritten("test-label.npy", np.full(6, -1, "<i2")), "labels that are of no class"),
    "copies": (_rewritten("first-copy.npy", FIRST[::-1].copy()), "which images are copies"),
    "chains of copies": (_rewritten("first-copy.npy", np.maximum(FIRST - 1, 0)), "which images are copies"),
    "names": (_rewritten("train-name-end.npy", np.full(24, 48)[::-1] - np.arange(24)), "where names end"),
    "validation": (_rewritten("train-validates.npy", np.full(24, 7, np.uint8)), "more than 0 and 1"),
    "no json": (lambda folder: (folder / "store.json").unlink(), "has no store.json"),
    "broken json": (lambda folder: (folder / "store.json").write_text("{"), "is damaged"),
    "a list": (lambda folder: (folder / "store.json").write_text("[1]"), "is damaged"),
    "nested": (lambda folder: (folder / "store.json").write_text("[" * 100_000), "is damaged"),
    "a later schema": (_json(lambda table: table.update(schema=2)), "another version"),
    "counts": (_json(lambda table: table["train"].update(count=25)), "does not follow"),
    "no images": (_json(lambda table: table["train"].update(count=0)), "no training images"),
    "endless": (_json(lambda table: table["train"].update(count=2**60)), "out of range"),
    "less than none": (_json(lambda table: table["test"].update(count=-1)), "out of range"),
    "a path": (_json(lambda table: table["files"].update({"../x.npy": {}})), "its files are others"),
    "no checksum": (_json(lambda table: table["files"]["first-copy.npy"].update(sha256="x")), "the checksum of"),
    "shape": (_json(lambda table: table.update(image=[6, 5, 4])), "no possible shape"),
    "size": (_json(lambda table: table.update(image=[0, 5])), "no possible size"),
    "classes": (_json(lambda table: table.update(classes=["a", "a", "b"])), "one name twice"),
    "nameless": (_json(lambda table: table.update(name="")), "empty or too long"),
    "a number for a name": (_json(lambda table: table.update(name=3)), "is damaged"),
    "more": (_json(lambda table: table.update(sha256={})), "is damaged"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_ends_in_a_sentence(tmp_path: Path, name: str) -> None:
    damage, expected = DAMAGES[name]
    names = tuple("ab" for _ in range(24))
    packed(a_dataset(train_name=names, is_validation=np.arange(24) > 17), tmp_path / "store")
    damage(tmp_path / "store")
    with pytest.raises(AaeError, match=expected) as caught:
        load_dataset(tmp_path / "store")
    assert caught.value.hint


def test_changed_pixels_are_found_by_the_checksums(tmp_path: Path) -> None:
    packed(a_dataset(), tmp_path)
    with (tmp_path / "train-image.npy").open("r+b") as file:
        file.seek(200)
        file.write(b"\x00\x01\x02")
    load_dataset(tmp_path)
    with pytest.raises(AaeError, match=r"train-image\.npy is damaged: its checksum"):
        verify_store(tmp_path)


def test_a_store_json_of_another_program_is_no_store(tmp_path: Path) -> None:
    write_classes(tmp_path)
    (tmp_path / "store.json").write_text('{"shop": "open"}')
    assert (find_reader(tmp_path) or ("",))[0] == "image-folder"


def test_no_more_images_than_are_read_are_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aaecli.data.store.writing.MAX_IMAGES", 23)
    with pytest.raises(AaeError, match="24 images"):
        packed(a_dataset(), tmp_path)


def test_a_header_is_as_long_for_any_number_of_images() -> None:
    assert len(npy.header("|u1", (manifest.MAX_IMAGES, 4096, 4096, 3))) == npy.HEADER
