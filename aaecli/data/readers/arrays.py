"""Arrays of images and labels as a data set: what every reader of arrays ends with, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aaecli.config.models import MAX_CLASSES
from aaecli.data.dataset import Dataset
from aaecli.data.readers.disk import SPLIT, Disk, NumberedNames, empty, joined
from aaecli.errors import AaeError

MAX_BYTES = 3 * 2**28
"""Most bytes that the images of a data set may take: a million of 28 × 28, EMNIST's 697,932 included."""
MAX_IMAGES = 2**20
"""Most images of a data set, of whatever size, and most labels: names, copies and splits take memory and time each."""


@dataclass(frozen=True)
class Part:
    """The training, validation or test images of a data set.

    Attributes:
        image: uint8 (N, H, W) or (N, H, W, 3).
        label: int64 (N,), as stored: any number of 0 or more stands for a class, -1 for no label. None where no image
            has one.
        image_file: Where the images are from, for messages.
        label_file: Where the labels are from.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.int64] | None
    image_file: str
    label_file: str


def dataset_of(
    name: str,
    train: Part,
    validation: Part | None = None,
    test: Part | None = None,
    *,
    names: Callable[[list[int]], Sequence[str]] | None = None,
    remarks: Sequence[str] = (),
    disk: Disk | None = None,
) -> Dataset:
    """Make a data set of arrays.

    A class is a value that a training label has; with fewer than two ``Dataset.require_classes`` raises. Test images
    without any label are learnt from as unlabelled ones; where no test image has a label, each training image gets a
    name, since some are kept back in their place.

    Args:
        name: What to call it.
        train: The training images.
        validation: Images that only validate.
        test: The test images.
        names: Gives the names of the classes for the values of their labels, in order; the numbers where None.
        remarks: Sentences on how the files were understood.
        disk: Where the images lie that are mapped, which may be as many as that allows; None for those in memory.

    Raises:
        AaeError: No or too many images, too many classes, a label that no training image has, images of several sizes.
    """
    remarks = list(remarks)
    parts = [part for part in (train, validation, test) if part is not None]
    check_number(sum(len(part.image) for part in parts), train.image_file, disk)
    for part in parts:
        _check_images(part, train)
    values = _class_values(train)
    classes = tuple(names(values.tolist()) if names else map(str, values.tolist()))
    unlabelled: Part | None = None
    if test is not None and (test.label is None or not (test.label >= 0).any()):
        remarks.append(
            f"{test.image_file} has no labels: its {len(test.image):,} images are learnt from as unlabelled ones."
        )
        unlabelled, test = Part(test.image, None, test.image_file, test.label_file), None
    learnt = [part for part in (train, validation, unlabelled) if part is not None]
    if disk is None:
        _check_memory(learnt)
    train_label = np.concatenate([_class_index(part, values) for part in learnt])
    test_image, test_label = _tested(test, train, values, disk)
    is_validation = np.concatenate([np.full(len(part.image), part is validation) for part in learnt])
    return Dataset(
        name=name,
        classes=classes,
        train_image=joined([part.image for part in learnt], disk),
        train_label=train_label,
        test_image=test_image,
        test_label=test_label,
        train_name=() if len(test_label) else _names(learnt, disk),
        is_validation=is_validation if validation is not None else None,
        remarks=tuple(remarks),
        faults=_faults(train, len(values)),
    )


def _tested(
    test: Part | None, train: Part, values: NDArray[np.int64], disk: Disk | None
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Give the test images that have a label, and their labels."""
    if test is None:
        return train.image[:0], np.zeros(0, np.int64)
    label = _class_index(test, values)
    is_labelled = label >= 0
    if is_labelled.all():
        return test.image, label
    chosen = empty((int(is_labelled.sum()), *test.image.shape[1:]), disk)
    np.compress(is_labelled, test.image, axis=0, out=chosen)
    return chosen, label[is_labelled]


def check_number(num_images: int, name: str, disk: Disk | None = None, hint: str = SPLIT) -> None:
    """See that a data set does not have too many images: no more than ``MAX_IMAGES``, or than a disk allows.

    Raises:
        AaeError: It has.
    """
    most = MAX_IMAGES if disk is None else disk.max_images
    if num_images > most:
        raise AaeError(f"{name} holds {num_images:,} images; at most {most:,} are read.", hint)


def _class_values(train: Part) -> NDArray[np.int64]:
    """Give the values (K,) of the training labels, sorted, of which each is a class."""
    values = np.unique(np.zeros(0, np.int64) if train.label is None else train.label[train.label >= 0])
    if len(values) > MAX_CLASSES:
        raise AaeError(
            f"{train.label_file} names {len(values):,} classes; at most {MAX_CLASSES:,} are learnt.",
            "Check that its labels are classes, not numbers of the images.",
        )
    return values


def _faults(train: Part, num_classes: int) -> tuple[tuple[str, str], ...]:
    """Say what keeps the classes from being learnt, with a remedy: models that learn from images alone need none."""
    if num_classes >= 2:
        return ()
    return (
        (
            f"{train.label_file} names {'a single class' if num_classes else 'no class'}; two or more are needed.",
            "Take a data set whose labels tell at least two classes apart, or learn from the images alone: "
            "--model clustering, aae or autoencoder.",
        ),
    )


def _check_memory(learnt: Sequence[Part]) -> None:
    """See that images of several files can be joined: for a moment they are in memory twice."""
    size = sum(part.image.size for part in learnt)
    if len(learnt) > 1 and size > MAX_BYTES // 2:
        raise AaeError(
            f"Training and validation images of {learnt[0].image_file} take {size:,} bytes together; at most "
            f"{MAX_BYTES // 2:,} are joined.",
            "Split the data set, or leave the validation images out.",
        )


def _check_images(part: Part, train: Part) -> None:
    if part.image.size == 0:
        raise AaeError(
            f"{part.image_file} holds no images, or images without pixels.", "Copy or download the data set again."
        )
    if part.image.shape[1:] != train.image.shape[1:]:
        raise AaeError(
            f"The images of {train.image_file} and {part.image_file} differ in size: "
            f"{train.image.shape[1:]} and {part.image.shape[1:]}.",
            "Take all files from the same data set.",
        )
    if part.label is not None and len(part.label) != len(part.image):
        raise AaeError(
            f"{part.image_file} holds {len(part.image):,} images, but {part.label_file} {len(part.label):,} labels.",
            "Take both from the same data set.",
        )


def _class_index(part: Part, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the index of each label among the classes (N,); -1 for none."""
    if part.label is None or not (part.label >= 0).any():
        return np.full(len(part.image), -1)
    if not len(values):
        values = np.array([-1])  # which no label here is
    index = np.searchsorted(values, part.label)
    is_known = values[np.minimum(index, len(values) - 1)] == part.label
    strange = part.label[~is_known & (part.label >= 0)]
    if len(strange):
        raise AaeError(
            f"{part.label_file} holds the label {strange[0]}, which no training image has.",
            "Take all files from the same data set.",
        )
    return np.where(is_known, index, -1)


def _names(parts: Sequence[Part], disk: Disk | None) -> Sequence[str]:
    names = NumberedNames([(part.image_file, len(part.image)) for part in parts])
    return tuple(names) if disk is None else names
