"""``aaecli data pack``: any data set as a store, which the other commands take like the data set itself."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aaecli.cli.cross_validation import say_what_next
from aaecli.config.image import Image
from aaecli.data.loading import load_dataset
from aaecli.data.readers import idx_reader
from aaecli.data.readers.disk import Disk
from aaecli.errors import AaeError
from tests.cli.conftest import Run
from tests.conftest import WriteDataset
from tests.data.drawings import write_classes
from tests.scale.pictures import png


def test_a_data_set_is_packed_and_described(
    aaecli: Run, write_dataset: WriteDataset, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_dataset("kin", train=[5, 6, 9] * 8, test=[9, 5], size=(4, 6))
    result = aaecli("data", "pack", source, "--out", "store")
    assert result.code == 0, result.err
    assert result.out.startswith(
        "Packed 24 training and 2 test images of 4 × 6 pixels, 3 classes, into store (0.0 MB)."
    )
    before, after = (json.loads(aaecli("data", "--json", "--data", data).out) for data in (source, "store"))
    assert after == before
    assert "unknown for this data set" in aaecli("data", "--data", "store").out
    assert "those of store.json" in aaecli("data", "--data", "store", "--verify").out
    with Path("store/test-image.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x00")
    again = aaecli("data", "--data", "store", "--verify")
    assert (again.code, again.out) == (1, "")
    assert "store/test-image.npy is damaged: its checksum" in again.err


def test_pictures_become_what_training_makes_of_them(aaecli: Run, in_empty_folder: Path) -> None:
    folder = write_classes(in_empty_folder / "stamps")
    (folder / "bar" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = aaecli("data", "pack", folder, "--out", "store", "--json")
    found = json.loads(result.out)
    assert (found["image"], found["channels"], found["num_train"], found["num_test"]) == ([28, 28], 1, 30, 0)
    assert found["num_bytes"] == sum(path.stat().st_size for path in Path("store").glob("*.npy"))
    assert json.loads(aaecli("data", "--json", "--data", "store").out)["num_unlabelled"] == 18
    smaller = aaecli("data", "pack", folder, "--out", "small", "--size", "20", "--channels", "3")
    assert "30 training images of 20 × 20 pixels in colour" in smaller.out
    assert "broken.png" in smaller.err


def test_a_store_is_not_lost(aaecli: Run, write_dataset: WriteDataset, in_empty_folder: Path) -> None:
    source = write_dataset("kin", size=(4, 6))
    assert aaecli("data", "pack", source, "--out", "store").code == 0
    before = Path("store/store.json").read_bytes()
    again = aaecli("data", "pack", source, "--out", "store")
    assert (again.code, "--force" in again.err) == (1, True)
    assert Path("store/store.json").read_bytes() == before
    assert aaecli("data", "pack", source, "--out", "store", "--force").code == 0
    assert Path("store/store.json").read_bytes() == before
    within = aaecli("data", "pack", source, "--out", source / "store")
    assert (within.code, "would lie in" in within.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("pack", "absent", "--out", "s"), "absent does not exist"),
        (("--size", "20", "pack", "kin", "--out", "s"), "--size has no effect before `pack`"),
        (("pack", "kin", "--out", "s", "--size", "20"), "--size has no effect"),
        (("--data", "kin", "--verify"), "kin is no store"),
        (("--verify",), "--verify has no effect: MNIST is no store"),
    ],
)
def test_what_cannot_be_done_is_refused(
    aaecli: Run, write_dataset: WriteDataset, in_empty_folder: Path, words: tuple[str, ...], expected: str
) -> None:
    kin = str(write_dataset("kin"))
    result = aaecli("data", *(kin if word == "kin" else word for word in words))
    assert (result.code, result.out) == (1, "")
    assert expected in result.err
    assert not Path("s").exists()
    assert aaecli("data", "--verify", "export", "--index", "0").code == 2


def test_a_store_is_trained_on_and_evaluated(aaecli: Run, write_dataset: WriteDataset, in_empty_folder: Path) -> None:
    source = write_dataset("kin", train=tuple(range(4)) * 9, test=tuple(range(4)) * 2)
    Path("small.toml").write_text('preset = "tutorial"\nmodel = "baseline"\n[network.encoder_options]\nhidden = [16]\n')
    aaecli("data", "pack", source, "--out", "store")
    options = ("--labels", "8", "--steps", "3", "--config", "small.toml", "--no-figures", "--json", "--quiet")
    weights = []
    for data in (source, "store"):
        result = aaecli("train", "--data", data, "--device", "cpu", *options)
        assert result.code == 0, result.err
        found = json.loads(result.out)
        evaluated = json.loads(aaecli("eval", "model.pt", "--data", data, "--json").out)
        assert evaluated["num_images"] == 8
        weights.append((found["test_accuracy"], evaluated["accuracy"], found["validation_accuracy"]))
    assert weights[0] == weights[1]


@pytest.mark.parametrize("transpose", [False, True])
def test_more_than_is_read_is_packed_from_unpacked_files(
    aaecli: Run, write_dataset: WriteDataset, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch, transpose: bool
) -> None:
    words = ("--transpose",) if transpose else ()
    source = write_dataset("kin", train=[5, 6, 9] * 8, test=[9, 5], size=(4, 6), compress=False)
    packed = write_dataset("packed", train=[5, 6, 9] * 8, test=[9, 5], size=(4, 6))
    expected = load_dataset(source, Image(transpose="yes" if transpose else "auto"))
    monkeypatch.setattr(idx_reader, "MAX_IMAGES", 20)
    result = aaecli("data", "pack", source, "--out", "store", *words)
    assert result.code == 0, result.err
    found = load_dataset("store")
    np.testing.assert_array_equal(found.train_image, expected.train_image)
    np.testing.assert_array_equal(found.test_image, expected.test_image)
    assert found.train_label.tolist() == expected.train_label.tolist()
    # What is compressed cannot be mapped.
    assert idx_reader.Idx().open_mapped(packed, Image(), Disk(in_empty_folder)) is None
    with (source / "train-images-idx3-ubyte").open("ab") as file:
        file.write(b"more")
    damaged = aaecli("data", "pack", source, "--out", "other", *words)
    assert (damaged.code, "its header claims 592" in damaged.err) == (1, True)


_LIMITS = (("arrays", "MAX_IMAGES"), ("pixel_csv", "MAX_BYTES"), ("pixel_table", "MAX_IMAGES"))


def write_csv(folder: Path) -> Path:
    """Write 24 images of three classes named by words and 2 test images, as fractions from the tenth line on."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for name, labels in (("train", ["bar", "dot", "ring"] * 8), ("test", ["ring", ""])):
        pixels = rng.integers(0, 2, (len(labels), 64))
        scale = [1.0 if name == "test" or row < 9 else 0.5 for row in range(len(labels))]
        lines = [
            ",".join([label, *(f"{value * factor:g}" for value in row)])
            for label, row, factor in zip(labels, pixels, scale, strict=True)
        ]
        header = ",".join(["label", *(f"pixel{index}" for index in range(64))])
        (folder / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder


def write_parquet(folder: Path) -> Path:
    """Write 24 pictures of three classes, 3 that validate, one of them in colour, and 2 that test, one unlabelled."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rng = np.random.default_rng(0)
    folder.mkdir()
    for name, labels in (("train", [4, 5, 7] * 8), ("validation", [4, 5, 7]), ("test", [7, -1])):
        images = [rng.integers(0, 256, (9, 8), np.uint8) for _ in labels]
        if name == "validation":
            images[1] = rng.integers(0, 256, (9, 8, 3), np.uint8)
        table = pa.table({"image": [png(image) for image in images], "label": labels})
        pq.write_table(table, folder / f"{name}-00000.parquet", row_group_size=5)
    return folder


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_more_than_is_read_is_packed_through_the_disk(
    aaecli: Run, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], Path]
) -> None:
    expected = load_dataset(write(Path("large")))
    for module, name in _LIMITS:
        monkeypatch.setattr(f"aaecli.data.readers.{module}.{name}", 20)
    monkeypatch.setattr("aaecli.data.readers.parquet_pictures.MAX_BYTES", 20)
    refused = aaecli("data", "--data", "large")
    assert (refused.code, "aaecli data pack large" in refused.err) == (1, True), refused.err
    result = aaecli("data", "pack", "large", "--out", "store")
    assert result.code == 0, result.err
    found = load_dataset("store")
    for field in ("classes", "test_label", "train_label"):
        np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))
    np.testing.assert_array_equal(found.train_image, expected.train_image)
    np.testing.assert_array_equal(found.test_image, expected.test_image)
    assert [*found.train_name] == [*expected.train_name]
    if expected.is_validation is not None:
        np.testing.assert_array_equal(found.is_validation, expected.is_validation)
    assert {path.name for path in in_empty_folder.iterdir()} == {"large", "store"}


def test_a_disk_without_room_is_an_error(in_empty_folder: Path) -> None:
    with pytest.raises(AaeError, match="bytes for the images cannot be had in"):
        Disk(in_empty_folder / "store").empty((2**60,))
    assert Disk(in_empty_folder).empty((0, 3)).shape == (0, 3)


def test_pictures_are_wanted_where_a_store_is_named(
    aaecli: Run, write_dataset: WriteDataset, in_empty_folder: Path
) -> None:
    aaecli("data", "pack", write_dataset("kin"), "--out", "store")
    for words in (("label", "store"), ("label", "store", "--clusters", "3"), ("label", "store", "--answers", "a.csv")):
        refused = aaecli(*words)
        assert (refused.code, refused.out) == (1, "")
        assert "store is a store: the labels of its images were settled" in refused.err
        assert "`aaecli data pack SOURCE --out store --force`" in refused.err
    for words in (("classify", "store"), ("bulk", "store", "--out", "a"), ("embed", "store", "--out", "a.npy")):
        refused = aaecli(*words)
        assert (refused.code, refused.out) == (1, "")
        assert "store is a store of prepared images" in refused.err.replace("\n", " ")
    assert aaecli("data", "duplicates", "--data", "store").code == 0


def write_tar(path: Path, folder: Path) -> Path:
    """Write the files of a folder in another order, one name twice, and what a Mac leaves behind."""
    with tarfile.open(path, "w") as archive:
        files = sorted((file for file in folder.rglob("*") if file.is_file()), key=lambda file: file.name)
        archive.add(files[0], f"./{files[-1].relative_to(folder)}")
        for file in files:
            archive.add(file, f"./{file.relative_to(folder)}")
        archive.add(files[0], "./__MACOSX/bar/._0.png")
    return path


def test_a_tar_of_pictures_is_packed_as_its_folder_is(aaecli: Run, in_empty_folder: Path) -> None:
    folder = write_classes(in_empty_folder / "stamps", test=2)
    (folder / "bar" / "empty.png").touch()
    (folder / "test" / "bar" / "inner").mkdir()
    (folder / "test" / "bar" / "bar10.png").rename(folder / "test" / "bar" / "inner" / "b.png")
    write_tar(Path("stamps.tar"), folder)
    for source, store in (("stamps", "one"), ("stamps.tar", "other")):
        result = aaecli("data", "pack", source, "--out", store)
        assert result.code == 0, result.err
        assert "empty.png" in result.err
    assert Path("one/store.json").read_text() == Path("other/store.json").read_text()


def test_what_a_tar_of_pictures_may_not_hold(aaecli: Run, in_empty_folder: Path) -> None:
    folder = write_classes(in_empty_folder / "stamps")
    (folder / "labels.csv").write_text("path,label\n")
    write_tar(Path("stamps.tar"), folder)
    refused = aaecli("data", "pack", "stamps.tar", "--out", "store")
    assert (refused.code, "labels are not read from a tar file" in refused.err) == (1, True)
    data = Path("stamps.tar").read_bytes()
    Path("cut.tar").write_bytes(data[: len(data) // 2])
    cut = aaecli("data", "pack", "cut.tar", "--out", "store")
    assert (cut.code, "cut.tar is damaged" in cut.err) == (1, True)
    Path("stamps.tar.gz").write_bytes(data)
    packed = aaecli("data", "pack", "stamps.tar.gz", "--out", "store")
    assert (packed.code, "gunzip" in packed.err) == (1, True)
    assert not Path("store").exists()


def test_suspected_labels_of_a_store_are_corrected_where_it_was_packed_from(
    aaecli: Run, write_dataset: WriteDataset, in_empty_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    kin = write_dataset("kin")
    aaecli("data", "pack", kin, "--out", "store")
    stamps = write_classes(in_empty_folder / "stamps")
    capfd.readouterr()
    for folder, expected in (
        ("store", "`aaecli data pack SOURCE --out store --force`"),
        (str(stamps), "into the folder of its class"),
        (str(kin), ""),
    ):
        say_what_next(folder, Path("r.csv"))
        err = capfd.readouterr().err
        assert expected in err.replace("\n", " ")
        assert bool(err) == bool(expected)
