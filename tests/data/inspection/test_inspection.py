"""Counts of a data set, and single images of it as files: what lacks a label or a test image included."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aaecli.data.dataset import Dataset
from aaecli.data.inspection.inspection import encode_image, inspect_dataset
from aaecli.data.loading import load_dataset
from aaecli.data.split import split
from aaecli.errors import AaeError
from tests.conftest import WriteDataset
from tests.data.drawings import drawing, write_classes


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "shapes", 10, 4)
    (folder / "ring/bad.png").write_bytes(b"no picture")
    found = inspect_dataset(load_dataset(folder), checksums_ok=None)
    assert found["classes"] == [{"class": name, "train": 10, "test": 0} for name in ("bar", "cross", "ring")]
    assert (found["num_train"], found["num_test"], found["num_unlabelled"]) == (42, 0, 12)
    assert found["split"] == {"pool": 36, "validation": 6}
    assert list(found["findings"]["unreadable"]) == ["ring/bad.png"]
    assert found["findings"]["num_images"] == 42


def test_a_folder_with_a_test_set_is_divided_as_training_divides_it(tmp_path: Path) -> None:
    dataset = load_dataset(write_classes(tmp_path / "shapes", 10, 4, 2))
    parts = split(dataset, "all", 0)
    found = inspect_dataset(dataset, checksums_ok=None)
    assert found["split"] == {"pool": len(parts.pool), "validation": len(parts.validation)}
    assert not found["split"]["validation"]
    assert inspect_dataset(replace(dataset, train_label=np.full(42, -1)), checksums_ok=None)["split"]["pool"] == 42


def test_the_last_class_may_lack_test_images(write_dataset: WriteDataset) -> None:
    found = inspect_dataset(load_dataset(write_dataset(train=[0, 1, 2] * 8, test=[0, 0])), checksums_ok=True)
    assert [entry["test"] for entry in found["classes"]] == [2, 0, 0]
    assert found["checksums_ok"] is True


@pytest.fixture
def shapes(tmp_path: Path) -> Dataset:
    return load_dataset(write_classes(tmp_path, 1, 1, 1))


def test_the_name_of_the_class_is_given_and_none_without_a_label(shapes: Dataset) -> None:
    for index, path in enumerate(shapes.train_name):
        body, name = encode_image(shapes, "train", index)
        assert name == (path.partition("/")[0] if not path.startswith("unlabelled") else "")
        with Image.open(io.BytesIO(body)) as picture:
            assert picture.format == "PNG"
            np.testing.assert_array_equal(picture, shapes.train_image[index])
    assert encode_image(shapes, "test", 0)[1] == "bar"


def test_what_cannot_be_encoded_is_said(shapes: Dataset) -> None:
    for suffix, said in ((".txt", "Pictures cannot be written as '.txt'."), ("", "The picture's name has no ending.")):
        with pytest.raises(AaeError) as caught:
            encode_image(shapes, "train", 0, suffix)
        assert caught.value.message == said
        assert ".png, .bmp" in caught.value.hint
    with pytest.raises(AaeError, match="no test image 3: they are numbered from 0 to 2") as caught:
        encode_image(shapes, "test", 3)
    assert caught.value.hint
    body, name = encode_image(shapes, "test", 2, ".PNG")
    assert name == "ring"
    with Image.open(io.BytesIO(body)) as picture:
        np.testing.assert_array_equal(picture, drawing(1, 2))
