"""Data sets: the embedded MNIST is the published one, and any other in the same four files loads or says why not."""

from __future__ import annotations

import gzip
import hashlib
import os
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from aaecli.data.dataset import Dataset, kept_back
from aaecli.data.loading import load_dataset
from aaecli.data.readers import mnist as mnist_reader
from aaecli.errors import AaeError
from tests.conftest import WriteDataset, idx_bytes

# As published with the file (https://yann.lecun.com/exdb/mnist), counted over the labels.
MNIST_TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def refuse(folder: str | Path) -> AaeError:
    with pytest.raises(AaeError) as caught:
        load_dataset(folder)
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    return caught.value


def test_embedded_mnist_is_whole(mnist: Dataset) -> None:
    assert mnist.name == "MNIST"
    assert mnist.classes == tuple("0123456789")
    assert mnist.image_shape == (1, 28, 28)
    assert mnist.train_image.shape == (60_000, 28, 28)
    assert mnist.test_image.shape == (10_000, 28, 28)
    assert mnist.train_label.dtype == mnist.test_label.dtype == np.int64
    assert np.bincount(mnist.train_label).tolist() == MNIST_TRAIN_COUNTS
    assert np.bincount(mnist.test_label).tolist() == MNIST_TEST_COUNTS
    assert mnist.train_label[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test_label[:5].tolist() == [7, 2, 1, 0, 4]
    assert round(mnist.train_image.mean() / 255, 4) == 0.1307


def test_the_checksums_are_those_of_the_raw_files() -> None:
    for entry in (resources.files("aaecli.data") / "mnist").iterdir():
        stem = entry.name.removesuffix(".gz")
        raw = gzip.decompress(entry.read_bytes())
        assert mnist_reader._SHA256[stem] == hashlib.sha256(raw).hexdigest()


def test_an_altered_mnist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stem = "t10k-labels-idx1-ubyte"
    monkeypatch.setitem(mnist_reader._SHA256, stem, "0" * 64)
    with pytest.raises(AaeError, match=stem) as caught:
        load_dataset()
    assert "Install aaecli again" in caught.value.hint


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(
    ("names", "test_part"),
    [
        ("{part}-{kind}-idx{dims}-ubyte", "t10k"),
        ("{part}-{kind}.idx{dims}-ubyte", "t10k"),
        ("kin-letters-{part}-{kind}-idx{dims}-ubyte", "test"),
        ("{part}-{kind}.idx{dims}-ubyte", "test"),
    ],
)
def test_other_sets_load_under_each_published_spelling(
    write_dataset: WriteDataset, compress: bool, names: str, test_part: str
) -> None:
    folder = write_dataset("kin", names=names, test_part=test_part, compress=compress, size=(5, 7))
    kin = load_dataset(str(folder))
    assert kin.name == "kin"
    assert kin.classes == ("0", "1")
    assert kin.image_shape == (1, 5, 7)
    assert kin.train_image.shape == (24, 5, 7)
    assert kin.test_label.tolist() == [0, 1] * 3


def test_labels_counted_from_one_and_gaps_become_indices(write_dataset: WriteDataset) -> None:
    kin = load_dataset(write_dataset(train=[1, 9, 3, 9, 1, 3], test=[9, 1]))
    assert kin.classes == ("1", "3", "9")
    assert kin.train_label.tolist() == [0, 2, 1, 2, 0, 1]
    assert kin.test_label.tolist() == [2, 0]


def test_two_sets_in_one_folder_are_too_many(write_dataset: WriteDataset) -> None:
    folder = write_dataset(compress=False)
    for path in list(folder.iterdir()):
        (folder / f"other-{path.name}").write_bytes(path.read_bytes())
    error = refuse(folder)
    assert "several data sets: other-t" in error.message or "several data sets: t" in error.message


def test_up_to_256_classes(write_dataset: WriteDataset) -> None:
    kin = load_dataset(write_dataset(train=np.arange(256), test=[255, 0], size=(2, 2)))
    assert len(kin.classes) == 256
    assert kin.train_label.tolist() == list(range(256))
    assert kin.test_label.tolist() == [255, 0]


def test_raw_and_gzip_of_the_same_file_are_one(write_dataset: WriteDataset) -> None:
    write_dataset(compress=False)
    assert len(load_dataset(write_dataset(compress=True)).train_label) == 24


def test_what_systems_leave_beside_files_is_ignored(write_dataset: WriteDataset) -> None:
    folder = write_dataset()
    (folder / "._train-images-idx3-ubyte.gz").write_bytes(b"\0\5\26\7")
    (folder / "train-images.idx3-ubyte").mkdir()
    assert len(load_dataset(folder).train_label) == 24


@pytest.mark.parametrize(("part", "other"), [("train", "train"), ("t10k", "t10k")])
def test_images_and_labels_of_unlike_count(write_dataset: WriteDataset, part: str, other: str) -> None:
    folder = write_dataset()
    (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx_bytes(np.zeros(5)))
    error = refuse(folder)
    assert f"{folder / part}-images-idx3-ubyte.gz holds" in error.message
    assert f"{other}-labels-idx1-ubyte.gz 5 labels" in error.message


@pytest.mark.parametrize("kind", ["images-idx3", "labels-idx1"])
@pytest.mark.parametrize("part", ["train", "t10k"])
def test_a_missing_file_is_named(write_dataset: WriteDataset, part: str, kind: str) -> None:
    folder = write_dataset()
    (folder / f"{part}-{kind}-ubyte.gz").unlink()
    assert f"{folder} holds no {part}-{kind}-ubyte" in refuse(folder).message


def test_no_such_folder_and_a_file_in_its_place(tmp_path: Path) -> None:
    assert "does not exist" in refuse(tmp_path / "absent").message
    (tmp_path / "file").touch()
    error = refuse(tmp_path / "file")
    assert "is in no format that is read" in error.message
    for word in (".npz", ".csv", "IDX", "pictures"):
        assert word in error.hint


def test_a_misspelt_folder_is_guessed(tmp_path: Path) -> None:
    (tmp_path / "my stamps").mkdir()
    guess = f"Did you mean '{tmp_path / 'my stamps'}'? --data takes"
    assert refuse(tmp_path / "mystamps").hint.startswith(guess)
    assert refuse(tmp_path / "absent" / "mystamps").hint.startswith("--data takes")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_not_waited_for(write_dataset: WriteDataset) -> None:
    folder = write_dataset()
    (folder / "train-images-idx3-ubyte.gz").unlink()
    os.mkfifo(folder / "train-images-idx3-ubyte")
    assert "holds no train-images" in refuse(folder).message


def test_a_name_that_the_system_refuses() -> None:
    for name in ("x" * 5000, "a\0b", "a\ud800"):
        message = refuse(name).message
        assert "does not exist" in message
        assert len(message.encode()) < 500


def test_an_unreadable_folder(write_dataset: WriteDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(self: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    folder = write_dataset()
    monkeypatch.setattr(Path, "iterdir", deny)
    assert refuse(folder).message == f"Cannot read the folder {folder}: Permission denied."


def test_a_single_class(write_dataset: WriteDataset) -> None:
    dataset = load_dataset(write_dataset(train=[3] * 12, test=[3]))
    with pytest.raises(AaeError, match="a single class"):
        dataset.require_classes()


def test_a_test_label_that_no_training_image_has(write_dataset: WriteDataset) -> None:
    assert "holds the label 7" in refuse(write_dataset(test=[0, 7, 1])).message


@pytest.mark.parametrize("part", ["train", "test"])
def test_no_images(write_dataset: WriteDataset, part: str) -> None:
    assert "holds no images" in refuse(write_dataset(**{part: []})).message


def test_images_without_pixels(write_dataset: WriteDataset) -> None:
    assert "without pixels" in refuse(write_dataset(size=(0, 28))).message


def test_training_and_test_images_of_unlike_size(write_dataset: WriteDataset) -> None:
    folder = write_dataset()
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(idx_bytes(np.zeros((6, 14, 28))))
    error = refuse(folder)
    assert "differ in size" in error.message
    assert "14" in error.message


def test_several_data_sets_in_one_folder(write_dataset: WriteDataset) -> None:
    for kind in ("digits", "balanced", "letters"):
        folder = write_dataset(names=f"emnist-{kind}-{{part}}-{{kind}}-idx{{dims}}-ubyte", test_part="test")
    error = refuse(folder)
    assert "several data sets" in error.message
    assert "emnist-balanced-train" in error.message
    assert "emnist-letters-train" in error.message


def test_what_was_kept_back_is_found_by_name_and_has_a_label() -> None:
    image = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((4, 2, 3, 3), np.uint8)
    none = np.empty((0, 2, 3, 3), np.uint8)
    pictures = Dataset(
        "p", ("a", "b"), image, np.array([0, 1, -1, 1]), none, np.empty(0, np.int64), ("w", "x", "y", "z")
    )
    assert pictures.image_shape == (3, 2, 3)
    found = kept_back(pictures, ["z", "gone", "y", "w"], Path("model.pt"))
    assert (found.test_name, found.test_label.tolist(), found.images_of) == (("z", "w"), [1, 0], "holdout")
    assert found.test_image[:, 0, 0, 0].tolist() == [3, 0]
    with pytest.raises(AaeError, match="no labelled picture was kept back"):
        kept_back(pictures, ["y", "gone"], Path("model.pt"))
    with pytest.raises(AaeError, match="no labelled pictures") as caught:
        kept_back(replace(pictures, train_label=np.full(4, -1)), ["y"], Path("model.pt"))
    assert "folder test" in caught.value.hint
