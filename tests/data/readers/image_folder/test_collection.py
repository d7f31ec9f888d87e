"""Folders of the user's own pictures: how they may be laid out, and what is wrong with them."""

from __future__ import annotations

import io
import os
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from aaecli.config.image import MAX_SIZE, MIN_SIZE, Image
from aaecli.data import picture_cache
from aaecli.data.dataset import Dataset
from aaecli.data.loading import load_dataset
from aaecli.data.preprocessing.prepare import Recipe
from aaecli.data.readers.image_folder.collection import image_of, load_collection, recipe_of
from aaecli.data.split import split
from aaecli.errors import AaeError
from tests.data.drawings import drawing, write_classes, write_pictures


def labels_of(dataset: Dataset) -> dict[str, str]:
    names = (*dataset.classes, "?")
    return {name: names[label] for name, label in zip(dataset.train_name, dataset.train_label, strict=True)}


def refuse(folder: Path, image: Image | None = None) -> AaeError:
    with pytest.raises(AaeError) as caught:
        load_dataset(folder, image).require_classes()
    assert caught.value.hint
    return caught.value


def test_a_folder_a_class(tmp_path: Path) -> None:
    found = load_dataset(write_classes(tmp_path / "shapes", 3, 2, 1))
    assert (found.name, found.classes, found.image_shape) == ("shapes", ("bar", "cross", "ring"), (1, 28, 28))
    assert found.is_collection
    assert np.bincount(found.train_label + 1).tolist() == [6, 3, 3, 3]
    assert labels_of(found)["ring/ring0.png"] == "ring"
    assert labels_of(found)["unlabelled/ring3.png"] == "?"
    assert found.test_name == ("test/bar/bar5.png", "test/cross/cross5.png", "test/ring/ring5.png")
    assert found.test_label.tolist() == [0, 1, 2]
    # Light on black and centred already, so they pass through.
    place = found.train_name.index("ring/ring0.png")
    np.testing.assert_array_equal(found.train_image[place], drawing(1, 0))
    assert list(found.findings.notes()) == []


def test_classes_that_are_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    write_pictures(tmp_path, {f"{n}/a.png": drawing(n % 3, n) for n in (10, 9, 2)})
    assert load_dataset(tmp_path).classes == ("2", "9", "10")


def test_a_flat_folder_with_labels(tmp_path: Path) -> None:
    write_pictures(tmp_path, {f"{n}.png": drawing(n % 3, n) for n in range(6)})
    write_pictures(tmp_path, {"more/7.png": drawing(1, 7)})
    (tmp_path / "labels.csv").write_text("path,label\n0.png,bar\n1.png,ring\n2.png,\nmore/7.png,ring\nlost.png,bar\n")
    found = load_dataset(tmp_path)
    assert labels_of(found) == {
        "0.png": "bar", "1.png": "ring", "2.png": "?", "3.png": "?", "4.png": "?", "5.png": "?", "more/7.png": "ring"
    }  # fmt: skip
    assert found.findings.missing == ("lost.png",)
    assert any("lost.png" in note for note in found.findings.notes())


def test_labels_go_before_folders(tmp_path: Path) -> None:
    write_classes(tmp_path, 2, 2)
    (tmp_path / "labels.csv").write_text("path,label\nunlabelled/bar2.png,bar\nring/ring0.png,cross\nring/ring1.png,\n")
    found = labels_of(load_dataset(tmp_path))
    assert found["unlabelled/bar2.png"] == "bar"
    assert found["ring/ring0.png"] == "cross"
    assert found["ring/ring1.png"] == "?"
    assert found["bar/bar0.png"] == "bar"


def test_pictures_beside_the_classes_have_no_place(tmp_path: Path) -> None:
    write_classes(tmp_path, 1, 0)
    write_pictures(tmp_path, {"stray.png": drawing(0, 9)})
    error = refuse(tmp_path)
    assert "stray.png" in error.message
    assert "unlabelled" in error.hint


def test_a_test_picture_without_a_class_or_of_an_unknown_one(tmp_path: Path) -> None:
    write_pictures(write_classes(tmp_path), {"test/x.png": drawing(0, 9)})
    error = refuse(tmp_path)
    assert error.message == f"{tmp_path}/test/x.png is for testing, and nothing tells its class."
    assert f"belong into {tmp_path}/unlabelled" in error.hint
    (tmp_path / "test/x.png").unlink()
    write_pictures(tmp_path, {"test/star/x.png": drawing(0, 9)})
    assert "star" in refuse(tmp_path).message


@pytest.mark.parametrize("labelled", [[], ["bar/a.png"]])
def test_fewer_than_two_classes(tmp_path: Path, labelled: list[str]) -> None:
    write_pictures(tmp_path, {name: drawing(0, 1) for name in [*labelled, "unlabelled/b.png"]})
    error = refuse(tmp_path)
    what = "only the class 'bar'" if labelled else "no labelled picture"
    assert error.message == f"{tmp_path} holds {what}; two classes or more are needed."
    assert "aaecli label" in error.hint
    assert len(load_collection(tmp_path, Image()).train_image) == 1 + len(labelled)


def test_lists_of_another_name_are_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, {f"{n}.png": drawing(n, n) for n in range(3)})
    for name in ("train.csv", "Sample.CSV", "notes.txt"):
        (tmp_path / name).write_text("id,label\n0.png,a\n1.png,b\n")
    said = "Not read: Sample.CSV, train.csv. A list of labels is called labels.csv."
    assert said in load_collection(tmp_path, Image()).findings.layout
    (tmp_path / "train.csv").rename(tmp_path / "labels.csv")
    assert load_collection(tmp_path, Image()).findings.layout == ()


def test_the_only_folder_may_be_no_class(tmp_path: Path) -> None:
    write_pictures(tmp_path, {f"x/images/{n}.png": drawing(0, n) for n in range(3)})
    error = refuse(tmp_path / "x")
    assert "only the class 'images'" in error.message
    assert f"if 'images' is no class, `aaecli label {tmp_path}/x/images` asks for labels" in error.hint
    # There, they have no label.
    assert "`aaecli label" in refuse(tmp_path / "x/images").hint
    # All are labelled, as one class: there is nothing to ask about yet.
    (tmp_path / "x/labels.csv").write_text("".join(f"images/{n}.png,cat\n" for n in range(3)))
    error = refuse(tmp_path / "x")
    assert "only the class 'cat'" in error.message
    assert error.hint.startswith("Give each class a sub-folder, and pictures without a label unlabelled/; ")


@pytest.mark.parametrize("named", ["absolute", "images", "."])
def test_a_list_beside_the_folder_is_pointed_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    write_pictures(tmp_path, {f"x/images/{n}.png": drawing(n, n) for n in range(3)})
    (tmp_path / "x/labels.csv").write_text("".join(f"images/{n}.png,{n}\n" for n in range(3)))
    monkeypatch.chdir(tmp_path / ("x" if named == "images" else "x/images"))
    folder = tmp_path / "x/images" if named == "absolute" else Path(named)
    there = Path() if named == "images" else tmp_path / "x"
    error = refuse(folder)
    assert "no labelled picture" in error.message
    assert error.hint.startswith(f"If {there / 'labels.csv'} names their classes")
    assert f"`aaecli data --data {there}`" in error.hint
    load_collection(there, Image()).require_classes()


def test_neither_pictures_nor_idx_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    assert "neither pictures nor another data set" in refuse(tmp_path).message


def test_what_cannot_be_read_is_named_and_left_out(tmp_path: Path) -> None:
    write_classes(tmp_path, 2, 1)
    (tmp_path / "unlabelled/a.png").write_bytes(b"no picture")
    (tmp_path / "ring/b.jpg").touch()
    for _ in range(2):  # decoded, then from the cache
        found = load_dataset(tmp_path)
        assert len(found.train_image) == len(found.train_name) == len(found.train_label) == 9
        assert set(found.findings.unreadable) == {"unlabelled/a.png", "ring/b.jpg"}
    notes = " ".join(found.findings.notes())
    assert "2 pictures" in notes
    assert "a.png is not a picture" in notes


def test_a_class_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    write_classes(tmp_path, 2, 1)
    (tmp_path / "star").mkdir()
    (tmp_path / "star/a.png").write_bytes(b"no picture")
    assert "class 'star'" in refuse(tmp_path).message


def test_a_folder_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    write_pictures(tmp_path, {"test/a/b.png": drawing(0, 0)})
    assert "no picture to learn from that can be read" in refuse(tmp_path).message


def test_copies_are_found(tmp_path: Path) -> None:
    write_classes(tmp_path, 2, 2, 1)
    write_pictures(
        tmp_path,
        {
            "unlabelled/same.png": drawing(0, 0),
            "cross/wrong.png": drawing(1, 0),
            "unlabelled/twin.png": drawing(2, 2),
            "unlabelled/leak.png": drawing(2, 4),
            "unlabelled/plain.png": np.zeros((28, 28), np.uint8),
            "unlabelled/plain too.png": np.zeros((28, 28), np.uint8),
        },
    )
    found = load_dataset(tmp_path).findings
    assert found.labelled == (("bar/bar0.png", "unlabelled/same.png"),)
    assert found.contradicting == (("cross/wrong.png", "ring/ring0.png"),)
    assert found.unlabelled == (("unlabelled/cross2.png", "unlabelled/twin.png"),)
    assert found.tested == (("unlabelled/leak.png", "test/cross/cross4.png"),)
    assert len(list(found.notes())) == 3


def test_colour_and_size(tmp_path: Path) -> None:
    red = np.zeros((40, 40, 3), np.uint8)
    red[..., 0] = 200
    write_pictures(tmp_path, {"red/a.png": red, "grey/b.png": drawing(0, 0, 40)})
    found = load_dataset(tmp_path, Image(size=16, channels=3))
    assert found.image_shape == (3, 16, 16)
    assert (found.train_image[found.train_name.index("red/a.png")] == [200, 0, 0]).all()
    grey = found.train_image[found.train_name.index("grey/b.png")]
    assert (grey == grey[..., :1]).all()
    assert grey.max() > 150


def test_pictures_are_left_as_they_are_where_asked(tmp_path: Path) -> None:
    # A dark bar in a corner of a light picture: normalised, it would be light and in the middle.
    pixels = np.full((28, 28), 220, np.uint8)
    pixels[2:12, 3:6] = 30
    write_pictures(tmp_path, {"a/a.png": pixels, "b/b.png": drawing(0, 0)})
    as_is = load_dataset(tmp_path, Image(normalise="none"))
    np.testing.assert_array_equal(as_is.train_image[0], pixels)
    normalised = load_dataset(tmp_path, Image(normalise="strokes")).train_image[0]
    assert normalised[0].max() < 50 < 200 < normalised[14].max()


def test_many_oddities_raise_the_question_of_normalising(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_pictures(tmp_path, {f"{n % 2}/{n}.png": np.full((30, 30), rng.integers(256), np.uint8) for n in range(8)})
    assert any("--no-normalise" in note for note in load_dataset(tmp_path).findings.notes())
    assert not any(
        "--no-normalise" in note for note in load_dataset(tmp_path, Image(normalise="none")).findings.notes()
    )


def test_the_second_start_decodes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_classes(tmp_path, 3, 3)
    first = load_dataset(tmp_path)
    decoded: list[str] = []
    real = picture_cache.prepare_chunk

    def watched(sources, recipe):
        decoded.extend(Path(source).name for source in sources)
        return real(sources, recipe)

    monkeypatch.setattr(picture_cache, "prepare_chunk", watched)
    again = load_dataset(tmp_path)
    assert decoded == []
    np.testing.assert_array_equal(again.train_image, first.train_image)

    # A new picture, a changed one, one that is gone, one that was labelled by moving it.
    write_pictures(tmp_path, {"unlabelled/new.png": drawing(0, 99)})
    changed = tmp_path / "ring/ring1.png"
    Picture.fromarray(drawing(1, 77)).save(changed)
    os.utime(changed, ns=(1, 1))
    (tmp_path / "bar/bar0.png").unlink()
    (tmp_path / "unlabelled/bar4.png").rename(tmp_path / "bar/bar4.png")
    (tmp_path / "ring/bad.png").write_bytes(b"no picture")
    third = load_dataset(tmp_path)
    assert sorted(decoded) == ["bad.png", "bar4.png", "new.png", "ring1.png"]
    for name, expected in (("ring/ring1.png", drawing(1, 77)), ("bar/bar4.png", drawing(0, 4))):
        np.testing.assert_array_equal(third.train_image[third.train_name.index(name)], expected)
    assert labels_of(third)["bar/bar4.png"] == "bar"
    decoded.clear()
    load_dataset(tmp_path)
    assert decoded == []
    write_pictures(tmp_path, {"unlabelled/newer.png": drawing(0, 98)})
    fourth = load_dataset(tmp_path)
    assert decoded == ["newer.png"]
    decoded.clear()
    load_dataset(tmp_path, Image(size=20))
    assert len(decoded) == 20
    # What was kept and what was decoded now are together what another machine decodes.
    monkeypatch.setenv("AAECLI_CACHE", str(tmp_path / "elsewhere"))
    anew = load_dataset(tmp_path)
    assert fourth.train_name == anew.train_name
    assert fourth.findings == anew.findings
    np.testing.assert_array_equal(fourth.train_image, anew.train_image)


def test_an_unchanged_folder_is_known_without_a_table_of_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_classes(tmp_path, 2, 1)
    (tmp_path / "ring/bad.png").write_bytes(b"no picture")
    first = load_dataset(tmp_path)
    monkeypatch.setattr(picture_cache, "_read", lambda *_: pytest.fail("read as if something had changed"))
    again = load_dataset(tmp_path)
    np.testing.assert_array_equal(again.train_image, first.train_image)
    assert again.findings == first.findings
    assert list(again.findings.unreadable) == ["ring/bad.png"]


def test_pictures_of_another_folder_are_not_taken_for_those_of_this_one(tmp_path: Path) -> None:
    # Alike in all that is looked at before a picture is decoded: name, size and time.
    for kind, folder in enumerate(("one", "other")):
        write_pictures(tmp_path / folder, {f"{label}/a.bmp": drawing(kind, label) for label in range(2)})
        for path in (tmp_path / folder).rglob("*.bmp"):
            os.utime(path, ns=(1, 1))
    load_dataset(tmp_path / "one")
    np.testing.assert_array_equal(load_dataset(tmp_path / "other").train_image, [drawing(1, 0), drawing(1, 1)])


def cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what this test decodes by itself, and give the folder that it is kept in."""
    monkeypatch.setenv("AAECLI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pictures"


def test_what_was_not_used_for_long_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = cache_of_its_own(tmp_path, monkeypatch)
    cache.mkdir(parents=True)
    long_ago, lately = time.time() - 91 * 86400, time.time() - 89 * 86400
    # A file of another name is somebody else's, however old.
    old, used, other = f"{'0' * 32}.npz", f"{'1' * 32}.npz", "old.npz"
    for name, when in ((old, long_ago), (used, lately), (other, long_ago)):
        (cache / name).touch()
        os.utime(cache / name, (when, when))
    load_dataset(write_classes(tmp_path / "data", 2, 1))
    (made,) = {path.name for path in cache.iterdir()} - {used, other}
    # Reading it is using it.
    os.utime(cache / made, (lately, lately))
    load_dataset(tmp_path / "data")
    assert (cache / made).stat().st_mtime > lately + 86400


def cached(cache: Path, folder: Path) -> tuple[np.ndarray, Path, dict[str, np.ndarray]]:
    """Decode two classes of pictures into an empty cache: the images, the file that keeps them, and its parts."""
    image = load_dataset(write_classes(folder, 2, 1)).train_image
    (path,) = cache.iterdir()
    with np.load(path) as content:
        return image, path, dict(content)


@pytest.mark.parametrize("fault", ["of another form", "too short", "empty"])
def test_a_cache_whose_parts_do_not_fit_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    folder = tmp_path / "data"
    image, path, parts = cached(cache_of_its_own(tmp_path, monkeypatch), folder)
    if fault == "of another form":
        parts["image"] = parts["image"][:, :-1]
    elif fault == "too short":
        parts["index"] = parts["index"][:-1]
    else:
        parts = {"digest": parts["digest"]}
    with path.open("wb") as file:
        np.savez(file, **parts)
    np.testing.assert_array_equal(load_dataset(folder).train_image, image)


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("part", ["digest", "image", "table"])
def test_a_cache_with_code_in_it_runs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    folder = tmp_path / "data"
    image, path, parts = cached(cache_of_its_own(tmp_path, monkeypatch), folder)
    parts[part] = np.array([Trap(tmp_path / "sprung")], object)
    with path.open("wb") as file:
        np.savez(file, **parts)
    np.testing.assert_array_equal(load_dataset(folder).train_image, image)
    assert not (tmp_path / "sprung").exists()


def test_a_cache_that_cannot_be_touched_or_is_gone_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_classes(tmp_path, 2, 1)
    first = load_dataset(folder)

    def refuse_to(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse_to)
    np.testing.assert_array_equal(load_dataset(folder).train_image, first.train_image)
    # Another start may forget it at the same moment.
    picture_cache._forget([tmp_path / "gone.npz"])


@pytest.mark.parametrize("settings", [Image(28, 1, "strokes"), Image(20, 3, "none"), Image(64, 1, "none")])
def test_settings_and_recipe_are_two_words_for_one_thing(settings: Image) -> None:
    assert image_of(recipe_of(settings)) == settings
    other = replace(recipe_of(settings), shape=(settings.size, settings.size + 1))
    assert image_of(other) is None


def test_no_folder_has_led_to_images_beyond_the_limits() -> None:
    found = [size for size in range(2 * MAX_SIZE) if image_of(Recipe((size, size))) is not None]
    assert (found[0], found[-1]) == (MIN_SIZE, MAX_SIZE)


def test_test_pictures_of_a_class_that_has_no_label_yet(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"a/0.png": drawing(0, 0), "test/a/1.png": drawing(0, 1), "test/b/2.png": drawing(1, 2)})
    found = load_collection(tmp_path, Image())
    assert found.test_label.tolist() == [0, -1]
    np.testing.assert_array_equal(found.test_image, [drawing(0, 1), drawing(1, 2)])
    assert found.train_label.dtype == found.test_label.dtype == np.int64


def test_no_test_pictures_are_none_of_the_same_shape(tmp_path: Path) -> None:
    found = load_dataset(write_classes(tmp_path, 2, 1))
    assert found.test_image.shape == (0, 28, 28)
    assert found.test_label.dtype == np.int64
    assert found.test_name == ()


def test_a_picture_that_goes_away_after_it_was_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AAECLI_CACHE", str(tmp_path / "cache"))
    write_pictures(tmp_path / "pictures", {"a.png": drawing(0, 0), "b.png": drawing(1, 0)})
    names = ["a.png", "gone.png", "b.png"]
    for _ in range(2):  # decoded, and from the cache
        found = picture_cache.load_pictures(tmp_path / "pictures", names, Recipe())
        assert found.index.tolist() == [0, 2]
        assert list(found.unreadable) == [1]
        assert "No such file" in found.unreadable[1]
    write_pictures(tmp_path / "pictures", {"gone.png": drawing(2, 0)})
    back = picture_cache.load_pictures(tmp_path / "pictures", names, Recipe())
    assert back.index.tolist() == [0, 1, 2]
    assert not back.unreadable


def test_a_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    write_classes(tmp_path / "data", 2, 1)
    first = load_dataset(tmp_path / "data")
    for path in (Path(os.environ["AAECLI_CACHE"]) / "pictures").iterdir():
        path.write_bytes(path.read_bytes()[:-700])
    np.testing.assert_array_equal(load_dataset(tmp_path / "data").train_image, first.train_image)


def test_a_cache_that_cannot_be_written_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AAECLI_CACHE", str(tmp_path / "file"))
    assert len(load_dataset(write_classes(tmp_path / "data", 2, 1)).train_image) == 9


def test_many_pictures_are_decoded_by_workers_in_order(tmp_path: Path) -> None:
    write_classes(tmp_path, 30, 40)
    (tmp_path / "unlabelled/bad.png").write_bytes(b"?")
    told: list[tuple[int, int]] = []
    found = load_dataset(tmp_path, None, lambda done, total: told.append((done, total)))
    assert told[-1] == (211, 211)
    for name, image in zip(found.train_name, found.train_image, strict=True):
        stem = Path(name).stem
        kind = ("bar", "ring", "cross").index(stem.rstrip("0123456789"))
        np.testing.assert_array_equal(image, drawing(kind, int(stem.lstrip("abcdefghijklmnopqrstuvwxyz"))))


def test_a_share_of_the_labelled_is_kept_back(tmp_path: Path) -> None:
    found = load_dataset(write_classes(tmp_path, 10, 5))
    parts = split(found, "all", 0)
    assert np.bincount(found.train_label[parts.validation]).tolist() == [2, 2, 2]
    assert np.bincount(found.train_label[parts.labelled]).tolist() == [8, 8, 8]
    assert len(parts.pool) == 45 - 6
    assert not set(parts.validation) & set(parts.pool)
    assert set(parts.labelled) <= set(parts.pool)
    other = split(found, "all", 1)
    assert set(other.validation) != set(parts.validation)
    assert len(split(found, 6, 0).labelled) == 6
    with pytest.raises(AaeError, match="--labels 25 does not fit"):
        split(found, 25, 0)
    assert len(split(found, "all", 0, 0.5).validation) == 15


def test_nothing_is_kept_back_from_a_class_of_one_or_beside_a_test_set(tmp_path: Path) -> None:
    found = load_dataset(write_classes(tmp_path / "few", 1, 5))
    assert len(split(found, "all", 0, 0.9).validation) == 0
    assert len(split(found, "all", 0).labelled) == 3
    tested = load_dataset(write_classes(tmp_path / "tested", 10, 0, 3))
    assert len(split(tested, "all", 0).labelled) == 30
    assert len(split(tested, "all", 0, 0.2).labelled) == 24


def test_pictures_of_a_flat_folder_wait_for_labels(tmp_path: Path) -> None:
    write_pictures(tmp_path, {f"{number}.png": drawing(0, number) for number in range(3)})
    assert load_collection(tmp_path, Image()).train_label.tolist() == [-1, -1, -1]


def test_folders_in_the_folder_of_a_class_are_of_that_class(tmp_path: Path) -> None:
    write_pictures(
        tmp_path, {"a/old/1.png": drawing(0, 0), "a/2.b.png": drawing(0, 1), "b/very/old/3.png": drawing(1, 0)}
    )
    assert labels_of(load_dataset(tmp_path)) == {"a/2.b.png": "a", "a/old/1.png": "a", "b/very/old/3.png": "b"}


def test_hidden_files_and_links_to_folders_are_left_out(tmp_path: Path) -> None:
    write_pictures(write_classes(tmp_path, 1, 1), {".hidden.png": drawing(0, 7), "__MACOSX/a.png": drawing(0, 8)})
    for part in ("bar", "ring", "cross", "unlabelled"):
        write_pictures(tmp_path, {f"{part}/._{number}.png": drawing(0, 9) for number in range(5)})
    (tmp_path / "unlabelled/circle").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "unlabelled/pipe.png").symlink_to(tmp_path / "absent")
    assert len(load_dataset(tmp_path).train_name) == 6


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_picture_that_changed_is_decoded_anew(tmp_path: Path, change: str) -> None:
    path = write_classes(tmp_path, 2, 0) / "ring/ring0.png"
    load_dataset(tmp_path)
    before = path.stat()
    # Without compression, so that of two pictures of one shape the files are as long.
    for number, ending in ((5, "bmp"), (6, "bmp" if change == "time" else "png")):
        Picture.fromarray(drawing(1, number)).save(path, ending.upper())
        os.utime(path, ns=(1, before.st_mtime_ns + (number if change == "time" else 0)))
        found = load_dataset(tmp_path)
        np.testing.assert_array_equal(found.train_image[found.train_name.index("ring/ring0.png")], drawing(1, number))


def test_a_folder_that_cannot_be_listed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_classes(tmp_path, 1, 0)
    scandir = os.scandir

    def refusing(path: Path):
        if Path(path).name == "cross":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert refuse(tmp_path).message == f"Cannot read the folder {tmp_path / 'cross'}: Permission denied."


def _claims(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@pytest.mark.parametrize("shape", [(2**50, 28, 28), (2**31, 28, 28), (0,)])
def test_a_cache_that_claims_petabytes_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    monkeypatch.setenv("AAECLI_CACHE", str(tmp_path / "cache"))
    write_classes(tmp_path / "set", 2, 1)
    before = load_collection(tmp_path / "set", Image()).train_image
    (path,) = (tmp_path / "cache").rglob("*.npz")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["image.npy"] = _claims(shape) + bytes(5)
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    assert np.array_equal(load_collection(tmp_path / "set", Image()).train_image, before)


def test_a_cache_that_would_expand_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AAECLI_CACHE", str(tmp_path / "cache"))
    write_classes(tmp_path / "set", 2, 1)
    before = load_collection(tmp_path / "set", Image()).train_image
    (path,) = (tmp_path / "cache").rglob("*.npz")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("digest.npy", _claims((2**24,)) + bytes(2**24))
    assert np.array_equal(load_collection(tmp_path / "set", Image()).train_image, before)
