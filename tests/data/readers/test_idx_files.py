"""Kin of MNIST as they are published: EMNIST on its side, QMNIST's rows of labels, torchvision's folders."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from aaecli.config.image import Image
from aaecli.data.loading import holds_pictures, load_dataset
from aaecli.data.readers.idx_files import idx_home
from aaecli.errors import AaeError
from tests.conftest import WriteDataset

EMNIST = "emnist-letters-{part}-{kind}-idx{dims}-ubyte"


def emnist(write_dataset: WriteDataset) -> Path:
    return write_dataset("letters", train=[1, 2, 3] * 8, test=[3, 1, 2], names=EMNIST, test_part="test", size=(4, 6))


def test_emnist_is_turned_upright_and_said(write_dataset: WriteDataset) -> None:
    folder = emnist(write_dataset)
    stored = load_dataset(folder, Image(transpose="no"))
    assert (stored.image_shape, stored.remarks) == ((1, 4, 6), ())
    for image in (None, Image(), Image(transpose="yes")):
        found = load_dataset(folder, image)
        assert found.image_shape == (1, 6, 4)
        np.testing.assert_array_equal(found.train_image, stored.train_image.swapaxes(1, 2))
        np.testing.assert_array_equal(found.test_image, stored.test_image.swapaxes(1, 2))
        assert found.train_image.flags.c_contiguous
        assert bool(found.remarks) == (image != Image(transpose="yes"))


def test_other_sets_stay_as_they_are_unless_asked(write_dataset: WriteDataset) -> None:
    folder = write_dataset(size=(4, 6))
    assert load_dataset(folder).image_shape == (1, 4, 6)
    assert load_dataset(folder, Image(transpose="yes")).image_shape == (1, 6, 4)


def test_letters_are_named_by_the_mapping(write_dataset: WriteDataset) -> None:
    folder = emnist(write_dataset)
    assert load_dataset(folder).classes == ("1", "2", "3")
    mapping = folder / "emnist-letters-mapping.txt"
    mapping.write_text("1 65 97\n2 66 98\n3 67 99\n4 68 100\n")
    found = load_dataset(folder)
    assert (found.classes, found.test_label.tolist()) == (("A", "B", "C"), [2, 0, 1])
    # One that names two labels alike, or not all, is no help.
    for text in ("1 65\n2 65\n3 66\n", "1 65\n", "1 7\n2 8\n3 9\n", ""):
        mapping.write_text(text)
        assert load_dataset(folder).classes == ("1", "2", "3")
    for text in ("1 A\n", "1\n", "1 99999999999\n"):
        mapping.write_text(text)
        with pytest.raises(AaeError, match=r"mapping\.txt is no mapping"):
            load_dataset(folder)


def write_qmnist(folder: Path, *, label: int = 7) -> Path:
    folder.mkdir(parents=True)
    for part, count in (("train", 24), ("test", 6)):
        rows = np.zeros((count, 8), ">i4")
        rows[:, 0] = np.where(np.arange(count) % 2, label, 3)
        rows[:, 1:] = 70_000
        head = bytes((0, 0, 12, 2)) + count.to_bytes(4, "big") + (8).to_bytes(4, "big")
        (folder / f"qmnist-{part}-labels-idx2-int.gz").write_bytes(gzip.compress(head + rows.tobytes()))
        image = np.random.default_rng(count).integers(0, 256, (count, 5, 5), np.uint8)
        head = bytes((0, 0, 8, 3)) + b"".join(size.to_bytes(4, "big") for size in image.shape)
        (folder / f"qmnist-{part}-images-idx3-ubyte").write_bytes(head + image.tobytes())
    return folder


def test_the_labels_of_qmnist_are_the_first_of_each_row(tmp_path: Path) -> None:
    found = load_dataset(write_qmnist(tmp_path / "QMNIST/raw"))
    assert (found.name, found.classes) == ("QMNIST", ("3", "7"))
    assert found.test_label.tolist() == [0, 1] * 3
    with pytest.raises(AaeError, match="labels that are not from 0 to 255") as caught:
        load_dataset(write_qmnist(tmp_path / "other", label=256))
    assert caught.value.hint


@pytest.mark.parametrize("inner", ["raw", "MNIST/raw"])
def test_the_folder_that_torchvision_makes(write_dataset: WriteDataset, tmp_path: Path, inner: str) -> None:
    write_dataset(f"root/{inner}")
    root = tmp_path / "root"
    assert idx_home(root) == root / inner
    assert not holds_pictures(root)
    assert load_dataset(root).name == ("root" if inner == "raw" else "MNIST")
    write_dataset("root/KMNIST/raw")
    with pytest.raises(AaeError, match="several data sets") as caught:
        load_dataset(root)
    assert "--data" in caught.value.hint


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "set.zip").touch()
    with pytest.raises(AaeError, match="is an archive") as caught:
        load_dataset(tmp_path / "set.zip")
    assert "Unpack it" in caught.value.hint
