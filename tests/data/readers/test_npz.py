"""``.npz`` files as Keras, MedMNIST and KMNIST publish them, written by numpy; damaged ones say what is wrong."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aaecli.config.image import Image
from aaecli.config.models import MAX_CLASSES
from aaecli.data.loading import find_reader, load_dataset
from aaecli.data.readers import arrays, npz_file
from aaecli.data.split import split
from aaecli.errors import AaeError

RNG = np.random.default_rng(0)
LABEL = np.tile(np.arange(3, dtype=np.uint8), 8)


def pixels(*shape: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return RNG.integers(0, 256, shape, np.uint8)


def refuse(path: Path) -> AaeError:
    with pytest.raises(AaeError) as caught:
        load_dataset(path)
    assert caught.value.hint
    return caught.value


def test_the_layout_of_keras(tmp_path: Path) -> None:
    image, test = pixels(24, 9, 7), pixels(6, 9, 7)
    np.savez_compressed(tmp_path / "mnist.npz", x_train=image, y_train=LABEL, x_test=test, y_test=LABEL[:6])
    found = load_dataset(tmp_path / "mnist.npz")
    assert (found.name, found.classes, found.image_shape) == ("mnist", ("0", "1", "2"), (1, 9, 7))
    np.testing.assert_array_equal(found.train_image, image)
    np.testing.assert_array_equal(found.test_image, test)
    assert found.train_label.tolist() == LABEL.tolist()
    assert found.test_label.tolist() == LABEL[:6].tolist()
    assert not found.is_collection
    # A folder with that file alone is the same.
    assert load_dataset(tmp_path).train_image.shape == (24, 9, 7)


def test_the_layout_of_medmnist(tmp_path: Path) -> None:
    arrays = {}
    for part, count in (("train", 24), ("val", 6), ("test", 9)):
        arrays |= {f"{part}_images": pixels(count, 28, 28, 3), f"{part}_labels": LABEL[:count, None]}
    np.savez_compressed(tmp_path / "pathmnist.npz", **arrays)
    found = load_dataset(tmp_path / "pathmnist.npz")
    assert found.image_shape == (3, 28, 28)
    assert found.train_label.shape == (30,)
    parts = split(found, 3, 0)
    assert parts.validation.tolist() == list(range(24, 30))
    assert parts.pool.tolist() == list(range(24))
    np.testing.assert_array_equal(found.train_image[24:], arrays["val_images"])
    with pytest.raises(AaeError, match="says itself which images are for validation"):
        split(found, 3, 0, 0.2)


@pytest.mark.parametrize("named", ["", "kmnist-train-imgs.npz", "kmnist-test-labels.npz"])
def test_the_pairs_of_kmnist(tmp_path: Path, named: str) -> None:
    for part, count in (("train", 24), ("test", 6)):
        np.savez_compressed(tmp_path / f"kmnist-{part}-imgs.npz", pixels(count, 8, 8))
        np.savez_compressed(tmp_path / f"kmnist-{part}-labels.npz", LABEL[:count])
    (tmp_path / "kmnist_classmap.csv").write_text(
        "index,codepoint,char\n0,U+304A,お\n1,U+304D,き\n2,U+3059,す\n", "utf-8"
    )
    found = load_dataset(tmp_path / named)
    assert (found.name, found.classes) == ("kmnist", ("お", "き", "す"))
    assert (found.train_image.shape, found.test_image.shape) == ((24, 8, 8), (6, 8, 8))


def test_of_several_data_sets_one_is_to_be_named(tmp_path: Path) -> None:
    for name in ("kmnist", "k49"):
        np.savez(tmp_path / f"{name}-train-imgs.npz", pixels(24, 8, 8))
        np.savez(tmp_path / f"{name}-train-labels.npz", LABEL)
    assert "several data sets" in refuse(tmp_path).message
    assert load_dataset(tmp_path / "k49-train-imgs.npz").name == "k49"
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", x=pixels(24, 8, 8), y=LABEL)
    assert refuse(tmp_path).hint == f"Name one: --data {tmp_path / 'a.npz'}"


@pytest.mark.parametrize(
    ("stored", "shape"),
    [
        (pixels(24, 64), (1, 8, 8)),
        (pixels(24, 192), (3, 8, 8)),
        (pixels(24, 8, 9, 1), (1, 8, 9)),
        (pixels(24, 1, 8, 9), (1, 8, 9)),
        (pixels(24, 3, 8, 9), (3, 8, 9)),
        (np.asfortranarray(pixels(24, 8, 9)), (1, 8, 9)),
        (pixels(24, 8, 9).astype(">i4"), (1, 8, 9)),
        (pixels(24, 8, 9).astype(np.float64), (1, 8, 9)),
        (pixels(24, 8, 9).astype(np.float32) / 255, (1, 8, 9)),
        (pixels(24, 8, 9) > 127, (1, 8, 9)),
    ],
)
def test_other_types_and_orders(tmp_path: Path, stored: Any, shape: tuple[int, int, int]) -> None:
    np.savez(tmp_path / "x.npz", images=stored, labels=LABEL.astype(np.int64))
    found = load_dataset(tmp_path / "x.npz")
    assert found.image_shape == shape
    assert found.train_image.flags.c_contiguous
    scale = 255 if stored.dtype.kind == "b" or stored.max() <= 1 else 1
    expected = np.rint(stored.astype(np.float64) * scale)
    if shape[0] == 3 and stored.ndim == 4:
        expected = expected.transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(found.train_image.reshape(-1), expected.reshape(-1))


def test_names_in_the_file_and_images_without_a_label(tmp_path: Path) -> None:
    label = np.where(np.arange(24) < 18, LABEL.astype(np.int64), -1)
    np.savez(tmp_path / "x.npz", X=pixels(24, 8, 8), y=label, class_names=np.array(["ant", "bee", "cat"]))
    found = load_dataset(tmp_path / "x.npz")
    assert found.classes == ("ant", "bee", "cat")
    assert found.train_label.tolist() == label.tolist()
    # Without test images some of the labelled are kept back, by their names.
    assert found.is_collection
    assert found.train_name[0] == f"{tmp_path / 'x.npz'} (X)#0"
    parts = split(found, "all", 0)
    assert 0 < len(parts.validation) < 18
    assert (found.train_label[parts.labelled] >= 0).all()


def test_labels_that_are_texts_name_the_classes(tmp_path: Path) -> None:
    words = np.array(["cat", "", "ant ", "bee", "ant", ""])
    np.savez(
        tmp_path / "x.npz", X=pixels(6, 8, 8), y=words, x_test=pixels(2, 8, 8), y_test=np.array([["bee"], ["cat"]])
    )
    found = load_dataset(tmp_path / "x.npz")
    assert found.classes == ("ant", "bee", "cat")
    assert found.train_label.tolist() == [2, -1, 0, 1, 0, -1]
    assert found.test_label.tolist() == [1, 2]


def test_a_file_of_other_arrays_beside_pictures_changes_nothing(tmp_path: Path) -> None:
    np.savez(tmp_path / "embeddings.npz", vectors=np.zeros((3, 8)), ids=np.arange(3))
    found = find_reader(tmp_path)
    assert found is not None
    assert found[0] == "image-folder"


ARRAYS = {"x_train": pixels(24, 8, 8), "y_train": LABEL}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"a": np.zeros(3), "b": np.zeros(3)}, "holds no images: its arrays are a, b"),
        ({"y_train": LABEL}, "holds no training images"),
        (ARRAYS | {"y_train": LABEL[:9]}, "24 images, but"),
        (ARRAYS | {"y_train": np.zeros((24, 14), np.uint8)}, "14 labels for each image"),
        (ARRAYS | {"y_train": LABEL.astype(float)}, "labels are whole numbers or texts"),
        (ARRAYS | {"y_train": LABEL - np.int64(5)}, "holds the label -5"),
        (ARRAYS | {"y_train": np.full(24, 2**64 - 1, np.uint64)}, "beyond all numbers of classes"),
        (ARRAYS | {"x_train": np.zeros((24, 8, 8), complex)}, "which are no images"),
        (ARRAYS | {"x_train": np.zeros((24, 63))}, "which are no images"),
        (ARRAYS | {"x_train": np.full((24, 8, 8), 256)}, "holds pixels from 256 to 256"),
        (ARRAYS | {"x_train": np.full((24, 8, 8), np.nan)}, "holds pixels from nan to nan"),
        (ARRAYS | {"x_train": np.zeros((24, 0, 8), np.uint8)}, "holds no images"),
        (ARRAYS | {"x_test": pixels(6, 9, 8), "y_test": LABEL[:6]}, "differ in size"),
        (ARRAYS | {"x_test": pixels(6, 8, 8), "y_test": LABEL[:6] + 3}, "which no training image has"),
        (ARRAYS | {"train_images": ARRAYS["x_train"]}, "two arrays for the same"),
        (ARRAYS | {"y_train": np.array([object()] * 24)}, "holds Python objects in 'y_train'"),
        (ARRAYS | {"x_test": pixels(2, 8, 8), "y_test": np.array(["ant", "bee"])}, "(y_test) holds texts"),
        (
            {
                "x": pixels(3, 8, 8),
                "y": np.array(["a", "b", "a"]),
                "x_test": pixels(1, 8, 8),
                "y_test": np.array(["c"]),
            },
            "label 'c', which no training image has",
        ),
        (ARRAYS | {"y_train": np.array(["x" * 300] * 24)}, "bytes for labels"),
        (ARRAYS | {"y_train": np.full(24, 0x110000, np.uint32).view("U1")}, "no letters"),
        (ARRAYS | {"class_names": np.full(3, 0xD800, np.uint32).view("U1")}, "no letters"),
        ({f"a{number}": np.zeros(1) for number in range(70)}, "holds 70 arrays"),
    ],
)
def test_what_is_no_data_set_is_said(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    assert said in refuse(tmp_path / "x.npz").message


@pytest.mark.parametrize("labels", [{}, {"y_train": np.zeros(24, int)}, {"y_train": np.full(24, -1)}])
def test_images_without_classes_are_a_data_set_for_models_that_need_none(
    tmp_path: Path, labels: dict[str, Any]
) -> None:
    np.savez(tmp_path / "x.npz", x_train=pixels(24, 8, 8), **labels)
    found = load_dataset(tmp_path / "x.npz")
    cut = split(found, 0, 0)
    assert (len(cut.pool) + len(cut.validation), len(cut.labelled)) == (24, 0)
    with pytest.raises(AaeError, match="two or more are needed"):
        split(found, "all", 0)


def test_a_file_that_holds_the_same_is_of_another_data_set(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", data=pixels(5, 8, 8))
    np.savez(tmp_path / "images.npz", images=pixels(7, 8, 8))
    assert len(load_dataset(tmp_path / "images.npz").train_image) == 7


@pytest.mark.parametrize(("name", "turned"), [("emnist-letters", True), ("EMNIST", True), ("emnistic", False)])
def test_images_of_emnist_are_turned_upright(tmp_path: Path, name: str, turned: bool) -> None:
    image = pixels(24, 8, 8)
    np.savez(tmp_path / f"{name}.npz", x_train=image, y_train=LABEL)
    found = load_dataset(tmp_path / f"{name}.npz")
    np.testing.assert_array_equal(found.train_image, image.swapaxes(1, 2) if turned else image)
    assert bool(found.remarks) == turned
    kept = load_dataset(tmp_path / f"{name}.npz", Image(transpose="no"))
    np.testing.assert_array_equal(kept.train_image, image)


def body_of(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is no .npz file"),
        (b"PK\x05\x06", "is no .npz file"),
        (body_of(**ARRAYS)[:-30], "is no .npz file"),
        (body_of(**ARRAYS) + b"x", "is no .npz file"),
        (body_of(**ARRAYS).replace(b"descr", b"descx"), "it is damaged"),
        (body_of(**ARRAYS).replace(b"(24, 8, 8)", b"(24, 8, 9)"), "holds fewer values"),
        (body_of(**ARRAYS).replace(b"(24, 8, 8)", b"(24, 8, 7)"), "holds more values"),
        (body_of(**ARRAYS).replace(b"(24, 8, 8), }", b"(24, 8, 8(, ]"), "it is damaged"),
        (body_of(**ARRAYS).replace(b"(24,), }", b"(-4,), }"), "it is damaged"),
    ],
)
def test_a_damaged_file(tmp_path: Path, body: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A changed header has another checksum, which is seen only at the end of an array.
    monkeypatch.setattr(zipfile.ZipExtFile, "_update_crc", lambda self, data: None)
    (tmp_path / "x.npz").write_bytes(body)
    assert said in refuse(tmp_path / "x.npz").message


def test_a_wrong_checksum_is_seen(tmp_path: Path) -> None:
    body = body_of(**ARRAYS)
    at = body.index(ARRAYS["x_train"].tobytes())
    (tmp_path / "x.npz").write_bytes(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
    assert "it is damaged" in refuse(tmp_path / "x.npz").message


def test_bombs_are_refused_by_their_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz_file.NpzFile, "read", lambda *_: pytest.fail("unpacked"))
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }"
    for shape, said in ((b"900000, 28, 28", "times its size"), (b"999999999, 28, 28", "at most")):
        with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            for key in ("x_train", "y_train"):
                archive.writestr(f"{key}.npy", (header % shape).ljust(127) + b"\n" + bytes(2**20))
        assert said in refuse(tmp_path / "x.npz").message
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x_train.npy", b"")
    assert "packed as numpy packs no file" in refuse(tmp_path / "x.npz").message


def test_a_header_of_gigabytes_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_train.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**23) + bytes(2**23))
    sizes: list[int] = []
    read = zipfile.ZipExtFile.read

    def counted(file: zipfile.ZipExtFile, size: int | None = -1) -> bytes:
        sizes.append(-1 if size is None else size)
        return read(file, size)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    assert "it is damaged" in refuse(tmp_path / "x.npz").message
    assert 0 <= min(sizes) <= max(sizes) < 2**12


def test_a_second_list_of_arrays_is_not_followed(tmp_path: Path) -> None:
    body = body_of(**ARRAYS)
    start = struct.unpack("<I", body[-6:-2])[0]
    listed, size = body[start:-22], len(body) - 22 - start
    # The records of a file of more than four gigabytes, inside of what the smaller record takes for the list.
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 2, 2, size, start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(record + locator), start + size, 0)
    (tmp_path / "x.npz").write_bytes(body[:start] + listed + record + locator + end)
    with np.load(tmp_path / "x.npz") as followed:
        assert set(followed) == set(ARRAYS)
    assert "as numpy writes it" in refuse(tmp_path / "x.npz").message


def test_numbers_of_images_and_of_classes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = MAX_CLASSES + 1
    np.savez(tmp_path / "x.npz", x=np.zeros((count, 1, 1), np.uint8), y=np.arange(count))
    assert f"names {count:,} classes" in refuse(tmp_path / "x.npz").message
    monkeypatch.setattr(arrays, "MAX_IMAGES", 29)
    np.savez(tmp_path / "x.npz", **ARRAYS, x_test=pixels(6, 8, 8))
    monkeypatch.setattr(npz_file.NpzFile, "read", lambda *_: pytest.fail("unpacked"))
    assert "holds 30 images; at most 29 are read" in refuse(tmp_path / "x.npz").message
