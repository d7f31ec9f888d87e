"""The split: what is labelled, what is the pool and what is kept for validation."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from aaecli.data.dataset import Dataset
from aaecli.data.inspection.findings import Findings
from aaecli.data.split import Split, split, write_labels
from aaecli.errors import AaeError
from aaecli.experiments.cross_validation import deal


def images(count: int) -> NDArray[np.uint8]:
    """Make images of which no two are alike."""
    return np.arange(count, dtype=">u4").view(np.uint8).reshape(count, 2, 2)


def dataset_of(label: ArrayLike) -> Dataset:
    """Make a data set of these training labels; no two images are alike."""
    values = np.asarray(label, np.int64)
    image = images(len(values))
    classes = tuple(str(value) for value in range(int(values.max()) + 1))
    return Dataset("some", classes, image, values, image[:1], values[:1])


@st.composite
def data_sets(draw: st.DrawFn) -> Dataset:
    """Draw a data set of 2 to 6 classes with at least 4 images each, in any order."""
    sizes = draw(st.lists(st.integers(4, 40), min_size=2, max_size=6))
    label = np.repeat(np.arange(len(sizes)), sizes)
    return dataset_of(np.random.default_rng(draw(st.integers(0, 2**32))).permutation(label))


@given(dataset=data_sets(), seed=st.integers(0, 2**63 - 1), data=st.data())
def test_a_split_is_disjoint_whole_stratified_and_seeded(dataset: Dataset, seed: int, data: st.DataObject) -> None:
    num_images, num_classes = len(dataset.train_label), len(dataset.classes)
    whole = split(dataset, "all", seed)
    num_labels = data.draw(st.integers(num_classes, len(whole.pool)))
    result = split(dataset, num_labels, seed)

    assert np.array_equal(np.sort(np.concatenate((result.pool, result.validation))), np.arange(num_images))
    assert np.array_equal(result.pool, whole.pool)
    assert np.array_equal(whole.labelled, whole.pool)
    assert len(np.unique(result.labelled)) == len(result.labelled) == num_labels
    assert np.isin(result.labelled, result.pool).all()
    # A sixth; rounded for each class, where it is taken of each class.
    assert abs(len(result.validation) - num_images / 6) <= num_classes / 2
    for part in (result.pool, result.validation):
        assert set(dataset.train_label[part]) == set(range(num_classes))

    count = np.bincount(dataset.train_label[result.labelled], minlength=num_classes)
    available = np.bincount(dataset.train_label[result.pool], minlength=num_classes)
    # A class has fewer labels than the most of any, less one, only where it has no more images.
    assert ((count >= count.max() - 1) | (count == available)).all()
    assert count.min() >= 1

    again = split(dataset, num_labels, seed)
    assert np.array_equal(again.labelled, result.labelled)


def test_mnist_keeps_its_last_ten_thousand_for_validation(mnist: Dataset) -> None:
    result = split(mnist, 1000, 0)
    assert np.array_equal(result.pool, np.arange(50_000))
    assert np.array_equal(result.validation, np.arange(50_000, 60_000))
    assert np.bincount(mnist.train_label[result.labelled]).tolist() == [100] * 10


def test_different_seeds_draw_differently() -> None:
    dataset = dataset_of(np.arange(600) % 10)
    draws = [tuple(split(dataset, 20, seed).labelled) for seed in range(10)]
    assert len(set(draws)) == 10
    # The validation images are no part of the draw.
    assert np.array_equal(split(dataset, 20, 0).validation, split(dataset, 20, 1).validation)


def test_the_lot_decides_which_classes_get_the_remainder() -> None:
    dataset = dataset_of(np.arange(600) % 10)
    extra = set()
    for seed in range(20):
        count = np.bincount(dataset.train_label[split(dataset, 13, seed).labelled], minlength=10)
        assert sorted(count) == [1] * 7 + [2] * 3
        extra.add(tuple(np.flatnonzero(count == 2)))
    assert len(extra) > 5


def test_every_image_of_the_pool_can_be_drawn() -> None:
    dataset = dataset_of(np.arange(60) % 2)
    seen = np.unique(np.concatenate([split(dataset, 10, seed).labelled for seed in range(100)]))
    assert np.array_equal(seen, split(dataset, "all", 0).pool)


def test_files_sorted_by_class_keep_a_sixth_of_each() -> None:
    dataset = dataset_of(np.repeat(np.arange(5), 60))
    result = split(dataset, 5, 0)
    expected = np.concatenate([np.arange(60 * value + 50, 60 * value + 60) for value in range(5)])
    assert np.array_equal(result.validation, expected)
    assert np.bincount(dataset.train_label[result.labelled]).tolist() == [1] * 5


def test_a_class_with_few_images_gives_all_it_has() -> None:
    dataset = dataset_of([*([0] * 60), *([1] * 6)])
    result = split(dataset, 40, 0)
    assert np.bincount(dataset.train_label[result.labelled]).tolist() == [35, 5]


def test_all_labels_but_one() -> None:
    dataset = dataset_of([*([0] * 60), *([1] * 6)])
    result = split(dataset, 54, 0)
    assert np.bincount(dataset.train_label[result.labelled]).tolist() == [49, 5]


def test_a_class_that_has_given_all_takes_no_part_in_the_lot() -> None:
    dataset = dataset_of([*([0] * 6), *([1] * 60), *([2] * 60)])
    for seed in range(10):
        count = np.bincount(dataset.train_label[split(dataset, 16, seed).labelled])
        assert count.tolist() in ([5, 5, 6], [5, 6, 5])


@pytest.mark.parametrize("labels", [-1, 1, 9, 501])
def test_too_few_or_too_many_labels(labels: int) -> None:
    with pytest.raises(AaeError, match=rf"--labels {labels} does not fit: it takes 10 .* to 500") as caught:
        split(dataset_of(np.arange(600) % 10), labels, 0)
    assert "--labels all" in caught.value.hint


def test_a_data_set_too_small_for_validation() -> None:
    with pytest.raises(AaeError, match="too small"):
        split(dataset_of([0, 1, 0, 1]), "all", 0)


def test_labels_are_written_with_the_names_of_their_classes(tmp_path: Path) -> None:
    dataset = Dataset(
        "some",
        ("a", "b, c"),
        np.zeros((4, 1, 1), np.uint8),
        np.array([0, 1, 1, 0]),
        np.zeros((0, 1, 1), np.uint8),
        np.zeros(0, np.int64),
    )
    path = tmp_path / "labels.csv"
    write_labels(path, dataset, np.array([0, 2]))
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["index", "label"], ["0", "a"], ["2", "b, c"]]


def test_all_labels_but_one_of_classes_of_one_size() -> None:
    dataset = dataset_of(np.arange(36) % 3)
    count = np.bincount(dataset.train_label[split(dataset, 29, 0).labelled])
    assert sorted(count.tolist()) == [9, 10, 10]


def test_no_labels_draw_none() -> None:
    result = split(dataset_of(np.arange(36) % 3), 0, 0)
    assert (len(result.labelled), len(result.pool)) == (0, 30)


@pytest.mark.parametrize(("holdout", "kept"), [("auto", 2), (0.5, 5), (0.0, 0), (0.9, 9)])
def test_pictures_of_a_folder_keep_a_share_of_each_class_and_never_the_last_of_one(holdout: Any, kept: int) -> None:
    label = np.array([*([0] * 10), *([1] * 10), 2, *([-1] * 5)])
    image = images(len(label))
    findings = Findings({}, (), (), (), (), (), 0, len(label))
    names = tuple(f"{number}.png" for number in range(len(label)))
    dataset = Dataset("mine", ("a", "b", "c"), image, label, image[:0], label[:0], names, (), findings)
    result = split(dataset, "all", 0, holdout)
    held = label[result.validation].tolist()
    assert held == [0] * kept + [1] * kept
    assert 2 in label[result.labelled]
    assert not set(result.labelled) & set(result.validation)
    # What nobody has labelled is learnt from, and never drawn as labelled.
    assert sorted(label[result.labelled]) == [0] * (10 - kept) + [1] * (10 - kept) + [2]
    assert len(result.pool) == len(label) - 2 * kept


def collection_of(label: list[int]) -> Dataset:
    """Make a folder of pictures with these labels; -1 for none."""
    values = np.array(label)
    image = images(len(values))
    names = tuple(f"{number}.png" for number in range(len(values)))
    findings = Findings({}, (), (), (), (), (), 0, len(values))
    return Dataset("mine", ("a", "b"), image, values, image[:0], values[:0], names, (), findings)


@pytest.mark.parametrize(("labels", "num_held_out"), [("all", 0), (20, 0), (0, 16)])
def test_with_a_test_folder_labels_are_held_out_only_where_nobody_learns_from_them(
    labels: Any, num_held_out: int
) -> None:
    dataset = collection_of([0, 1] * 40)
    tested = replace(dataset, test_image=dataset.train_image[:2] + 1, test_label=np.array([0, 1]))
    assert len(split(tested, labels, 0).validation) == num_held_out
    assert len(split(dataset, labels, 0).validation) == 16


def test_pictures_of_a_folder_are_split_by_the_seed() -> None:
    dataset = collection_of([0, 1] * 40 + [-1] * 20)
    one, again, other = (split(dataset, 10, seed) for seed in (3, 3, 4))
    for part in ("pool", "labelled", "validation"):
        assert np.array_equal(getattr(one, part), getattr(again, part))
        assert not np.array_equal(getattr(one, part), getattr(other, part))


def test_labels_of_pictures_are_written_with_their_paths(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    write_labels(path, collection_of([1, -1, 0]), np.array([0, 2]))
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert rows == [["index", "label", "path"], ["0", "b", "0.png"], ["2", "a", "2.png"]]


def test_a_name_of_bytes_that_are_no_text_is_written_as_it_is(tmp_path: Path) -> None:
    dataset = replace(collection_of([1, -1, 0]), train_name=("\udcff.png", "1.png", "2.png"))
    write_labels(tmp_path / "labels.csv", dataset, np.array([0, 2]))
    assert (tmp_path / "labels.csv").read_bytes().splitlines()[1] == b"0,b,\xff.png"


def twice(count: int, order: str, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Make images of which each occurs twice, with labels of two classes."""
    place = np.tile(np.arange(count), 2) if order == "after another" else np.repeat(np.arange(count), 2)
    if order == "shuffled":
        place = np.random.default_rng(seed).permutation(place)
    return images(count)[place], place % 2


def sides_share_no_copy(dataset: Dataset, result: Split) -> bool:
    copy = dataset.first_copy
    return not set(copy[result.pool]) & set(copy[result.validation])


@pytest.mark.parametrize("order", ["after another", "side by side", "shuffled"])
@pytest.mark.parametrize("seed", range(3))
def test_copies_are_on_one_side_of_every_split(order: str, seed: int) -> None:
    image, label = twice(100, order)
    files = Dataset("files", ("a", "b"), image, label, image[:0], label[:0])
    result = split(files, "all", seed)
    assert sides_share_no_copy(files, result)
    assert 30 <= len(result.validation) <= 36
    assert len(result.pool) + len(result.validation) == 200

    half = np.where(np.arange(200) % 3 == 0, -1, label)
    for values in (label, half):
        findings = Findings({}, (), (), (), (), (), 0, 200)
        names = tuple(f"{number}.png" for number in range(200))
        pictures = Dataset("mine", ("a", "b"), image, values, image[:0], label[:0], names, (), findings)
        result = split(pictures, "all", seed)
        assert sides_share_no_copy(pictures, result)
        assert (values[result.validation] >= 0).all()
        assert abs(len(result.validation) - 0.2 * (values >= 0).sum()) <= 2
        copies = pictures.first_copy[result.labelled]
        fold = deal(values[result.labelled], 5, seed, copies)
        assert all(len(set(fold[copies == copy])) == 1 for copy in copies)
        assert set(fold) == set(range(5))


def test_pictures_whose_copies_are_tested_are_not_learnt_from() -> None:
    image, label = images(40), np.arange(40) % 2
    findings = Findings({}, (), (), (), (), (), 0, 40)
    names = tuple(f"{number}.png" for number in range(40))
    dataset = Dataset("mine", ("a", "b"), image, label, image[:6], label[:6], names, (), findings)
    result = split(dataset, "all", 0)
    assert result.pool.tolist() == list(range(6, 40))
    kept = split(dataset, "all", 0, 0.5)
    assert not set(range(6)) & {*kept.pool, *kept.validation}
    everything = replace(dataset, test_image=image, test_label=label)
    with pytest.raises(AaeError, match="is a copy of one that is tested on") as caught:
        split(everything, "all", 0)
    assert caught.value.hint


def test_copies_that_are_labelled_unlike_are_in_the_pool() -> None:
    image, label = images(60)[np.repeat(np.arange(30), 2)], np.arange(60) % 2
    label[:40] = np.repeat(np.arange(20) % 2, 2)
    dataset = Dataset("files", ("a", "b"), image, label, image[:0], label[:0])
    result = split(dataset, "all", 0)
    assert result.validation.max() < 40
    assert sides_share_no_copy(dataset, result)


@given(
    place=st.lists(st.integers(0, 12), min_size=12, max_size=60),
    label=st.integers(0, 2**32),
    seed=st.integers(0, 99),
    share=st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9]),
)
def test_no_copy_is_ever_on_both_sides(place: list[int], label: int, seed: int, share: float) -> None:
    image = images(13)[place]
    values = np.random.default_rng(label).integers(-1, 2, 13)[place]
    values[:2], image[:2] = (0, 1), images(15)[13:]
    findings = Findings({}, (), (), (), (), (), 0, len(values))
    names = tuple(f"{number}.png" for number in range(len(values)))
    dataset = Dataset("mine", ("a", "b"), image, values, image[:0], values[:0], names, (), findings)
    result = split(dataset, "all", seed, share)
    assert sides_share_no_copy(dataset, result)
    assert set(values[result.labelled].tolist()) == {0, 1}
    assert (values[result.validation] >= 0).all()
