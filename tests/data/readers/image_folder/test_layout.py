"""What the folders of a folder of pictures stand for: as strangers lay them out, rightly or with a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aaecli.data.dataset import Dataset
from aaecli.data.loading import load_dataset
from aaecli.data.readers.image_folder.layout import part_of, recognise
from aaecli.data.split import split
from aaecli.errors import AaeError
from tests.data.drawings import drawing, write_pictures


def lay_out(folder: Path, *places: str, each: int = 2) -> Path:
    """Write pictures into places, of which no two are alike."""
    pictures = {f"{place}/{place.replace('/', '-')}{n}.png".lstrip("/"): None for place in places for n in range(each)}
    return write_pictures(folder, {name: drawing(number % 3, number) for number, name in enumerate(pictures)})


def parts(dataset: Dataset) -> dict[str, set[str]]:
    """Give the places of pictures by what becomes of them."""
    cut = split(dataset, "all", 0)

    def places(rows: np.ndarray) -> set[str]:
        return {dataset.train_name[row].rpartition("/")[0] for row in rows.tolist()}

    return {
        "labelled": places(cut.labelled),
        "unlabelled": places(np.setdiff1d(cut.pool, cut.labelled)),
        "validation": places(cut.validation),
        "test": {name.rpartition("/")[0] for name in dataset.test_name},
    }


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("train", "val", "test"), ("Train", "VAL", "Test"), ("training", "validation", "testing"),
        ("TRAIN_SET", "valid", "test_set"), ("train", "eval", "test"), ("trainset", "dev", "testset"),
        ("signs_train", "signs_val", "signs_test"), ("train2017", "val2017", "test2017"),
        ("training data", "validation data", "test data"),
    ],
)  # fmt: skip
def test_a_split_is_no_class(tmp_path: Path, train: str, val: str, test: str) -> None:
    lay_out(tmp_path, *(f"{part}/{name}" for part in (train, val, test) for name in ("cat", "dog")))
    found = load_dataset(tmp_path)
    assert found.classes == ("cat", "dog")
    assert parts(found) == {
        "labelled": {f"{train}/cat", f"{train}/dog"}, "unlabelled": set(),
        "validation": {f"{val}/cat", f"{val}/dog"}, "test": {f"{test}/cat", f"{test}/dog"},
    }  # fmt: skip
    assert f"{train}/ is learnt from, {val}/ is for validation, {test}/ is for testing." in found.findings.notes()


@pytest.mark.parametrize("name", ["Unlabelled", "UNLABELED", "unlabeled", "un-labelled", "Unlabelled images"])
@pytest.mark.parametrize("around", ["", "train/"])
def test_pictures_without_a_label_are_no_class(tmp_path: Path, name: str, around: str) -> None:
    found = load_dataset(lay_out(tmp_path, *(f"{around}{place}" for place in ("cat", "dog", name)), each=5))
    assert found.classes == ("cat", "dog")
    assert parts(found)["unlabelled"] == {f"{around}{name}"}


@pytest.mark.parametrize("depth", ["stamps", "archive/stamps", "stamps/stamps"])
def test_classes_may_lie_deeper(tmp_path: Path, depth: str) -> None:
    found = load_dataset(lay_out(tmp_path, f"{depth}/cat", f"{depth}/dog", f"{depth}/unlabelled"))
    assert found.classes == ("cat", "dog")
    assert f"The classes are the folders in {depth}/." in found.findings.notes()
    deep = lay_out(tmp_path / "split", *(f"x/{part}/{part}/{name}" for part in ("train", "test") for name in "ab"))
    found = load_dataset(deep)
    assert (found.classes, len(found.train_label), len(found.test_label)) == (("a", "b"), 4, 4)


def test_val_beside_the_classes_validates(tmp_path: Path) -> None:
    found = load_dataset(lay_out(tmp_path, "cat", "dog", "Val/cat", "Val/dog"))
    assert parts(found)["validation"] == {"Val/cat", "Val/dog"}
    with pytest.raises(AaeError, match="--holdout has no effect") as caught:
        split(found, "all", 0, 0.3)
    assert caught.value.hint


def test_names_of_parts_are_names_of_classes_too(tmp_path: Path) -> None:
    for number, names in enumerate((("bus", "train", "truck"), ("valid", "invalid"), ("dev", "ops"))):
        found = load_dataset(lay_out(tmp_path / str(number), *names))
        assert found.classes == tuple(sorted(names))


@pytest.mark.parametrize(
    "places",
    [
        ("train/cat", "train/dog", "cat", "dog"),
        ("train/cat", "bird"),
        ("val/fish", "cat", "dog"),
        ("train", "val", "cat"),
        ("Training/a/b", "cat"),
    ],
)
def test_what_may_be_a_split_or_a_class_is_asked_back(tmp_path: Path, places: tuple[str, ...]) -> None:
    with pytest.raises(AaeError, match=r"looks like a part of a split, beside .*/, which looks like a class") as caught:
        load_dataset(lay_out(tmp_path, *places))
    assert "Move the classes to learn from into" in caught.value.hint


def test_parts_without_classes_hold_no_labels(tmp_path: Path) -> None:
    found = load_dataset(lay_out(tmp_path, "train", "val"))
    assert found.classes == ()
    with pytest.raises(AaeError, match="no labelled picture"):
        found.require_classes()
    assert len(split(found, 0, 0).pool) == 2


@pytest.mark.parametrize("names", [("Cat", "cat"), ("07", "7"), ("new york", "New_York")])
def test_one_class_in_two_spellings_is_not_learnt_as_two(tmp_path: Path, names: tuple[str, str]) -> None:
    found = load_dataset(lay_out(tmp_path, *names, "other"))
    with pytest.raises(AaeError, match="look like one class") as caught:
        found.require_classes()
    assert names[0] in caught.value.message
    assert caught.value.hint
    with pytest.raises(AaeError, match="look like one class"):
        split(found, "all", 0)


def test_letters_differ_by_case_and_accents_do_not_by_how_they_are_written(tmp_path: Path) -> None:
    assert load_dataset(lay_out(tmp_path / "letters", "A", "a", "b")).classes == ("A", "a", "b")
    found = load_dataset(lay_out(tmp_path / "words", "Ka\u0308se", "K\u00e4se ", "dog"))
    assert found.classes == ("K\u00e4se", "dog")
    assert np.bincount(found.train_label).tolist() == [4, 2]


def test_test_classes_are_matched_in_another_case(tmp_path: Path) -> None:
    found = load_dataset(lay_out(tmp_path, "Cat", "Dog", "test/cat", "test/dog"))
    assert found.test_label.tolist() == [0, 0, 1, 1]
    found.require_classes()


def test_what_systems_leave_is_no_class(tmp_path: Path) -> None:
    clutter = ("@eaDir", "__MACOSX", ".ipynb_checkpoints", "cat/@eaDir", "train/.x", "#recycle")
    assert load_dataset(lay_out(tmp_path, "cat", "dog", *clutter)).classes == ("cat", "dog")


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    lay_out(tmp_path, "cat", "dog")
    (tmp_path / "ring").mkdir()
    (tmp_path / "ring/a.HEIC").touch()
    (tmp_path / "bare").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "cat", target_is_directory=True)
    found = load_dataset(tmp_path)
    assert found.classes == ("cat", "dog")
    notes = " ".join(found.findings.notes())
    assert "the format is not read: ring/*.heic (1)" in notes
    assert "links to folders are not followed: linked" in notes
    assert "No picture lies in: bare/, ring/." in notes


@pytest.mark.parametrize(
    ("name", "said"),
    [("photos/a.heic", "Convert photos/"), ("set.zip", "Unpack set.zip"), ("set.tar.gz", "Unpack"), ("x.md", "Give a")],
)
def test_a_folder_without_pictures_says_what_it_has(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(AaeError, match="neither pictures nor another data set") as caught:
        load_dataset(tmp_path)
    assert said in caught.value.hint


def test_labels_beside_a_folder_of_pictures(tmp_path: Path) -> None:
    lay_out(tmp_path, "images", each=3)
    (tmp_path / "Labels.csv").write_text("filename,label\nimages0.png,cat\nimages1.png,dog\n")
    found = load_dataset(tmp_path)
    assert (found.classes, found.train_label.tolist()) == (("cat", "dog"), [0, 1, -1])
    (tmp_path / "Labels.csv").rename(tmp_path / "images/labels.csv")
    found = load_dataset(tmp_path)
    assert (found.classes, found.train_label.tolist()) == (("cat", "dog"), [0, 1, -1])


def test_labels_that_are_of_other_pictures_are_refused_with_examples(tmp_path: Path) -> None:
    lay_out(tmp_path, "", each=5)
    (tmp_path / "labels.csv").write_text("path,label\n" + "".join(f"scan{n}.png,cat\n" for n in range(9)))
    with pytest.raises(AaeError, match=r"None of the 9 pictures that .* it names scan0\.png, scan1\.png, scan2\.png; "):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("train", "test", "waits"),
    [
        ("1_train", "2_test", "3_unlabelled"), ("01-signs-train", "02-signs-test", "unlabelled"),
        ("labeled", "test", "unlabeled"), ("labelled_train", "labelled_test", "unlabelled_train"),
    ],
)  # fmt: skip
def test_parts_with_a_number_or_with_the_word_labelled(tmp_path: Path, train: str, test: str, waits: str) -> None:
    lay_out(tmp_path, *(f"{part}/{name}" for part in (train, test) for name in ("cat", "dog")), waits)
    found = load_dataset(tmp_path)
    assert found.classes == ("cat", "dog")
    assert parts(found)["test"] == {f"{test}/cat", f"{test}/dog"}
    assert parts(found)["unlabelled"] == {waits}


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (("cat/train", "cat/test", "dog/train", "dog/test"), "cat looks like a class, but holds test/"),
        (("cat/2020/train", "cat/2020/val", "dog"), "cat looks like a class, but holds val/"),
        (("cat", "dog", "dog/unlabelled"), "dog looks like a class, but holds unlabelled/"),
        (("fold1/cat", "fold1/dog", "fold2/cat", "fold2/dog"), "fold1/, fold2/, which look like parts"),
    ],
)
def test_parts_within_classes_and_folds_are_no_classes(tmp_path: Path, places: tuple[str, ...], said: str) -> None:
    with pytest.raises(AaeError, match=said):
        load_dataset(lay_out(tmp_path, *places))


def test_a_class_is_text_though_its_folder_is_bytes(tmp_path: Path) -> None:
    assert load_dataset(lay_out(tmp_path, "\udce9t\udce9", "dog")).classes == ("\\xe9t\\xe9", "dog")


def test_what_lies_deeper_in_a_class_is_said(tmp_path: Path) -> None:
    found = load_dataset(lay_out(tmp_path, "cat/left", "cat/right", "dog/left", "bird"))
    assert found.classes == ("bird", "cat", "dog")
    assert "whatever lies deeper in cat/, dog/ is of that class" in " ".join(found.findings.notes())
    lay_out(tmp_path / "flat", "cat", "dog")
    assert not list(load_dataset(tmp_path / "flat").findings.notes())


def test_a_picture_whose_name_is_not_one_of_a_picture_is_named(tmp_path: Path) -> None:
    lay_out(tmp_path, "cat", "dog")
    (tmp_path / "cat/scan").write_bytes((tmp_path / "cat/cat0.png").read_bytes())
    (tmp_path / "cat/photo.jpg_large").write_bytes(b"\xff\xd8\xff\xe0" + bytes(9))
    (tmp_path / "cat/README").write_text("The cats.")
    (tmp_path / "dog/a.npy").touch()
    (tmp_path / "ground_truth.json").touch()
    notes = " ".join(load_dataset(tmp_path).findings.notes())
    assert "do not end as a picture's: cat/photo.jpg_large, cat/scan. " in notes
    assert "the format is not read: dog/*.npy (1)" in notes
    assert "Not read: ground_truth.json" in notes


def test_a_column_of_labels_csv_tells_the_split(tmp_path: Path) -> None:
    lay_out(tmp_path, "", each=8)
    rows = ["train", "train", "val", "test", "unlabelled", "", "Train", "testing"]
    lines = [f"{n}.png,{'cat' if n % 2 else 'dog'},{where}\n" for n, where in enumerate(rows)]
    (tmp_path / "labels.csv").write_text("path,label,split\n" + "".join(lines))
    found = load_dataset(tmp_path)
    assert found.test_name == ("3.png", "7.png")
    assert found.train_label.tolist() == [1, 0, 1, -1, 0, 1]
    assert found.is_validation.tolist() == [False, False, True, False, False, False]
    assert "labels.csv tells the split: test 2, train 4, unlabelled 1, validation 1." in found.findings.notes()
    # Folds by number are no parts.
    (tmp_path / "labels.csv").write_text("path,label,split\n0.png,cat,1\n1.png,dog,2\n")
    assert load_dataset(tmp_path).test_name == ()


@pytest.mark.parametrize("word", ["cat", "testament", "trained", "evaluate me", "latest", "value", "devil", ""])
def test_other_words_are_no_parts(word: str) -> None:
    assert part_of(word) is None


NAMES = st.sampled_from(["train", "Val", "test", "unlabelled", "cat", "dog", "x_train", "x_test", "data", "7"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(NAMES, max_size=4).map(lambda path: "/".join([*path, "a.png"])), min_size=1, max_size=8))
def test_whatever_lies_where_is_placed_or_refused(names: list[str]) -> None:
    try:
        layout = recognise(Path("d"), names)
    except AaeError:
        return
    assert layout == recognise(Path("d"), reversed(names))
    for name in names:
        part, folders = layout.locate(name)
        assert part in ("train", "validation", "test", "unlabelled")
        assert len(folders) <= name.count("/")
