"""A data set: images, labels and the names of classes, whichever format they were read from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aaecli.data.inspection.duplicates import first_copies, has_copy
from aaecli.data.inspection.findings import Findings
from aaecli.errors import AaeError
from aaecli.suggestions import suggest_aaecli


@dataclass(frozen=True)
class Stored:
    """What a store knows of its images, so that nobody has to read all of them.

    Attributes:
        first_copy: int64 (N + M,), for each training image, then for each test image, the index of the first one that
            is alike to the pixel.
        sha256: Of the training images and their labels, in hexadecimal.
    """

    first_copy: NDArray[np.int64]
    sha256: str


@dataclass(frozen=True)
class Dataset:
    """Training and test images with their labels; (N, H, W, 3) where they have colour.

    Attributes:
        name: What to call it.
        classes: Name of each class; a label is an index into it.
        train_image: uint8 (N, H, W).
        train_label: int64 (N,); -1 where an image has no label.
        test_image: uint8 (M, H, W); none where the data set has no test images.
        test_label: int64 (M,).
        train_name: Name of each training image: of pictures their paths from the folder. Empty where all training
            images are of one published set with test images, and are known by their numbers.
        test_name: Paths of the test pictures from their folder; empty for other images.
        findings: What is wrong with the pictures of a folder; None for other images.
        images_of: What the test images are: those of a ``test`` set, labelled ones kept back from a training
            (``holdout``), or every labelled one of a folder that nothing was learnt from (``labelled``).
        is_validation: bool (N,), the training images that only validate, where the data set says so; None elsewhere.
        remarks: Sentences on how files were understood.
        faults: What keeps classes of arrays from being learnt, each with a remedy; for pictures ``findings`` has them.
        stored: What is known of images that lie in a store; None for others.
    """

    name: str
    classes: tuple[str, ...]
    train_image: NDArray[np.uint8]
    train_label: NDArray[np.int64]
    test_image: NDArray[np.uint8]
    test_label: NDArray[np.int64]
    train_name: Sequence[str] = ()
    test_name: Sequence[str] = ()
    findings: Findings | None = None
    images_of: Literal["test", "holdout", "labelled"] = "test"
    is_validation: NDArray[np.bool_] | None = None
    remarks: tuple[str, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    stored: Stored | None = None

    @property
    def is_collection(self) -> bool:
        """Whether the images are a collection of the user's own: labels or test images may be missing."""
        return len(self.train_name) > 0

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels (1 or 3), height and width of an image."""
        height, width = self.train_image.shape[1:3]
        return (3 if self.train_image.ndim == 4 else 1, height, width)

    @cached_property
    def first_copy(self) -> NDArray[np.int64]:
        """Place of the first training image that is alike to the pixel (N,), for each its own where it has no copy."""
        return first_copies(self.train_image) if self.stored is None else self.stored.first_copy[: self.num_train]

    @property
    def num_train(self) -> int:
        """Number of training images."""
        return len(self.train_label)

    @cached_property
    def is_tested(self) -> NDArray[np.bool_]:
        """Which training images are among the test images too, alike to the pixel: bool (N,)."""
        if self.stored is None:
            return has_copy(self.train_image, self.test_image)
        first = self.stored.first_copy[self.num_train :][: len(self.test_label)]
        found = np.zeros(self.num_train, bool)
        found[first[first < self.num_train]] = True
        return found[self.first_copy]

    def unlabelled(self) -> NDArray[np.int64]:
        """Give the places of the training images whose labels nobody knows; of copies the first."""
        first = self.first_copy
        known = first[self.train_label >= 0]
        if self.findings is not None:
            # Of these the labels contradict each other: one more would not help.
            index = {name: number for number, name in enumerate(self.train_name)}
            wrong = [first[index[name]] for group in self.findings.contradicting for name in group]
            known = np.append(known, np.array(wrong, np.int64))
        indices = np.flatnonzero((self.train_label < 0) & ~np.isin(first, known))
        _, kept = np.unique(first[indices], return_index=True)
        return np.sort(indices[kept])

    def require_classes(self) -> None:
        """See that there are classes to learn.

        Raises:
            AaeError: There are fewer than two, or one that cannot be learnt.
        """
        for message, hint in self.faults or (self.findings.faults if self.findings is not None else ()):
            raise AaeError(message, hint)


def kept_back(dataset: Dataset, names: Iterable[str], model: Path) -> Dataset:
    """Give a folder of pictures with those for test images that were kept back from a training.

    Args:
        dataset: The pictures as they are now.
        names: Those that were kept back.
        model: The checkpoint of the training, for the error.

    Raises:
        AaeError: None of them is there any more.
    """
    names = list(names)
    wanted = set(names)
    # Of those alone: a store may hold millions of names.
    index = {name: index for index, name in enumerate(dataset.train_name) if name in wanted}
    rows = [index[name] for name in names if name in index and dataset.train_label[index[name]] >= 0]
    if not rows:
        if not (dataset.train_label >= 0).any():
            raise AaeError(
                f"{dataset.name} has no labelled pictures, so nothing tells whether an answer is right.",
                "Put pictures into its folder test, which has a sub-folder for each class.",
            )
        raise AaeError(
            f"{dataset.name} has no test images, and no labelled picture was kept back from the training.",
            f"{suggest_aaecli('eval', model, '--folds', '5')} trains anew without a part of them; "
            "a test folder settles it for good.",
        )
    return replace(
        dataset,
        test_image=dataset.train_image[rows],
        test_label=dataset.train_label[rows],
        test_name=tuple(dataset.train_name[row] for row in rows),
        images_of="holdout",
        stored=None,
    )


def all_labelled(dataset: Dataset) -> Dataset:
    """Give a folder of pictures with every labelled one for a test image, whichever part it lies in.

    Raises:
        AaeError: None has a label.
    """
    rows = np.flatnonzero(dataset.train_label >= 0)
    if not len(rows):
        raise AaeError(
            f"{dataset.name} holds no labelled picture, so nothing tells whether an answer is right.",
            "Give each class a sub-folder of pictures, or name their classes in a labels.csv.",
        )
    if len(rows) == dataset.num_train:
        # Those of a store stay on the disk.
        image, names = dataset.train_image, dataset.train_name
    else:
        image, names = dataset.train_image[rows], tuple(dataset.train_name[row] for row in rows.tolist())
    return replace(
        dataset,
        test_image=image,
        test_label=dataset.train_label[rows],
        test_name=names,
        images_of="labelled",
        stored=None,
    )


def with_classes(dataset: Dataset, classes: tuple[str, ...]) -> Dataset:
    """Give a data set with labels that are indices into other classes, where those are all of its own and more."""
    if not set(dataset.classes) <= set(classes):
        return dataset
    # The last one is for images without a label.
    index = np.array([*(classes.index(name) for name in dataset.classes), -1])
    return replace(
        dataset, classes=classes, train_label=index[dataset.train_label], test_label=index[dataset.test_label]
    )
