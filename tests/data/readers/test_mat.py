"""``.mat`` files as SVHN's, written by scipy; damaged ones say what is wrong."""

from __future__ import annotations

import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from aaecli.config.image import Image
from aaecli.data.loading import find_reader, load_dataset
from aaecli.data.readers import mat_file
from aaecli.data.readers.mat_file import MatFile
from aaecli.errors import AaeError

RNG = np.random.default_rng(0)
LABEL = np.tile(np.arange(1, 11, dtype=np.uint8), 3)


def pixels(*shape: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return RNG.integers(0, 256, shape, np.uint8)


def refuse(path: Path) -> AaeError:
    with pytest.raises(AaeError) as caught:
        load_dataset(path)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("named", ["", "train_32x32.mat", "test_32x32.mat"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_files_of_svhn(tmp_path: Path, named: str, packed: bool) -> None:
    image, test = pixels(32, 32, 3, 30), pixels(32, 32, 3, 10)
    savemat(tmp_path / "train_32x32.mat", {"X": image, "y": LABEL[:, None]}, do_compression=packed)
    savemat(tmp_path / "test_32x32.mat", {"X": test, "y": LABEL[:10, None]}, do_compression=packed)
    (tmp_path / "digitStruct.mat").write_bytes(b"MATLAB 7.3 MAT-file")
    found = load_dataset(tmp_path / named)
    assert found.classes == tuple("0123456789")
    np.testing.assert_array_equal(found.train_image, image.transpose(3, 0, 1, 2))
    np.testing.assert_array_equal(found.test_image, test.transpose(3, 0, 1, 2))
    assert found.train_image.flags.c_contiguous
    assert found.train_label.tolist() == (LABEL % 10).tolist()
    assert "The label 10 of SVHN's files stands for the digit 0." in found.remarks
    assert not found.is_collection


def test_other_labels_stay_what_they_are(tmp_path: Path) -> None:
    savemat(tmp_path / "x.mat", {"images": pixels(9, 7, 30), "labels": LABEL.astype(float)})
    found = load_dataset(tmp_path / "x.mat")
    assert (found.name, found.classes) == ("x", tuple(map(str, range(1, 11))))
    assert found.image_shape == (1, 9, 7)
    # Without test images some of the labelled are kept back.
    assert found.is_collection
    # Without labels there are no classes, and images all the same.
    savemat(tmp_path / "y.mat", {"X": pixels(9, 7, 30)})
    assert load_dataset(tmp_path / "y.mat").classes == ()


TYPES = ["u1", "i1", "<u2", "<i2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8", "?"]


@pytest.mark.parametrize("packed", [False, True])
def test_arrays_are_what_scipy_reads(tmp_path: Path, packed: bool) -> None:
    arrays = {f"a{number}": (RNG.random((3, 4, 2)) * 100).astype(name) for number, name in enumerate(TYPES)}
    arrays |= {"one": np.array([[3]], np.uint8), "none": np.zeros((0, 0)), "line": np.arange(5.0)}
    others = {"text": "abc", "cell": np.array([1, "a"], object), "struct": {"a": 1}, "complex": np.array([1 + 2j])}
    savemat(tmp_path / "x.mat", arrays | others, do_compression=packed)
    expected = loadmat(tmp_path / "x.mat")
    file = MatFile(tmp_path / "x.mat")
    assert file.headers.keys() == arrays.keys()
    for name in arrays:
        found = file.read(name)
        np.testing.assert_array_equal(found, expected[name])
        assert found.shape == file.headers[name].shape == expected[name].shape


def test_the_other_order_of_bytes(tmp_path: Path) -> None:
    def element(kind: int, body: bytes) -> bytes:
        return kind.to_bytes(4) + len(body).to_bytes(4) + body + bytes(-len(body) % 8)

    values = np.arange(6, dtype=">i2")
    parts = [(6, bytes([0, 0, 0, 10]) + bytes(4)), (5, (2).to_bytes(4) + (3).to_bytes(4)), (3, values.tobytes())]
    body = element(*parts[0]) + element(*parts[1]) + bytes([0, 1, 0, 1]) + b"X\0\0\0" + element(*parts[2])
    (tmp_path / "x.mat").write_bytes(b"MATLAB 5.0".ljust(124) + b"\x01\x00MI" + element(14, body))
    np.testing.assert_array_equal(MatFile(tmp_path / "x.mat").read("X"), loadmat(tmp_path / "x.mat")["X"])
    np.testing.assert_array_equal(MatFile(tmp_path / "x.mat").read("X"), values.reshape(2, 3, order="F"))


ARRAYS = {"X": pixels(8, 8, 3, 30), "y": LABEL}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"a": 1.0}, "holds no images: its arrays of numbers are a"),
        (ARRAYS | {"y": LABEL[:9]}, "30 images in X, but 9 labels in y"),
        (ARRAYS | {"y": np.zeros((30, 2))}, "one label for each image"),
        (ARRAYS | {"y": LABEL + 0.5}, "no numbers of classes"),
        (ARRAYS | {"y": LABEL - 5.0}, "no numbers of classes"),
        (ARRAYS | {"y": LABEL * np.nan}, "no numbers of classes"),
        (ARRAYS | {"y": LABEL * 1e300}, "beyond all numbers of classes"),
        (ARRAYS | {"X": pixels(8, 8)}, "which are no images"),
        (ARRAYS | {"X": pixels(8, 8, 5, 30)}, "which are no images"),
        (ARRAYS | {"X": np.full((8, 8, 3, 30), 256.0)}, "holds pixels from 256.0 to 256.0"),
        (ARRAYS | {"X": np.zeros((0, 8, 3, 30), np.uint8)}, "holds no images"),
    ],
)
def test_what_is_no_data_set_is_said(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    savemat(tmp_path / "x.mat", arrays)
    assert said in refuse(tmp_path / "x.mat").message


def test_a_folder_of_two_data_sets_or_of_none(tmp_path: Path) -> None:
    for name in ("train_a", "train_b"):
        savemat(tmp_path / f"{name}.mat", ARRAYS)
    assert "several data sets: train_a.mat and train_b.mat" in refuse(tmp_path).message
    assert load_dataset(tmp_path / "train_a.mat").train_image.shape == (30, 8, 8, 3)
    for path in tmp_path.iterdir():
        path.unlink()
    savemat(tmp_path / "imagelabels.mat", {"labels": LABEL})
    found = find_reader(tmp_path)
    assert found is not None
    assert found[0] == "image-folder"
    savemat(tmp_path / "test_32x32.mat", ARRAYS)
    assert "no name of a file has the word 'train'" in refuse(tmp_path).message


def test_hdf5_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.mat").write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n")
    error = refuse(tmp_path / "x.mat")
    assert "MATLAB 7.3" in error.message
    assert "-v7" in error.hint


@pytest.mark.parametrize("packed", [False, True])
def test_wherever_it_is_cut_or_changed_an_error_says_so(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "x.mat"
    savemat(path, {"X": pixels(4, 4, 3, 10), "y": LABEL[:10]}, do_compression=packed)
    body = path.read_bytes()
    for cut in range(len(body) - 1, 0, -29):
        path.write_bytes(body[:cut])
        refuse(path)
    for place in range(126, len(body), 7):
        path.write_bytes(body[:place] + bytes([body[place] ^ 0x41]) + body[place + 1 :])
        with suppress(AaeError):
            load_dataset(path)
    # What was changed in a packed array is found by its checksum.
    if packed:
        path.write_bytes(body[:-2] + bytes([body[-2] ^ 1]) + body[-1:])
        refuse(path)


def test_no_more_is_unpacked_than_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.mat"
    savemat(path, {"X": np.zeros((8, 8, 3, 30_000), np.uint8), "y": np.arange(30_000) % 3}, do_compression=True)
    monkeypatch.setattr(mat_file, "_BOMB_BYTES", 2**10)
    assert "times its size" in refuse(path).message
    monkeypatch.setattr(mat_file, "MAX_BYTES", 1000)
    assert "at most 1,000 are read" in refuse(path).message
    body = path.read_bytes()
    # A longer stream than its header claims.
    inner = zlib.decompress(body[136:]) + bytes(100)
    packed = zlib.compress(inner)
    path.write_bytes(body[:128] + (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed)
    monkeypatch.undo()
    with pytest.raises(AaeError, match="damaged"):
        MatFile(path).read("X")


def test_no_setting_of_pictures_has_an_effect(tmp_path: Path) -> None:
    savemat(tmp_path / "x.mat", ARRAYS)
    found = find_reader(tmp_path / "x.mat")
    assert found is not None
    assert found[1].settings == {"holdout"}
    assert load_dataset(tmp_path / "x.mat", Image(size=14)).image_shape == (3, 8, 8)
