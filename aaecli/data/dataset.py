"""A data set: the embedded MNIST, any other in the same four IDX files, or a folder of the user's own pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aaecli.config.image import Image
from aaecli.data.inspection.duplicates import first_copies
from aaecli.data.inspection.findings import Findings
from aaecli.data.readers.idx import MAX_BYTES, read_idx, read_labels
from aaecli.data.readers.idx_files import find_idx, idx_home
from aaecli.errors import AaeError
from aaecli.suggestions import suggest_aaecli

_MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""Of the raw bytes, header included."""


@dataclass(frozen=True)
class Dataset:
    """Training and test images with their labels; (N, H, W, 3) where they have colour.

    Attributes:
        name: What to call it.
        classes: Name of each class; a label is an index into it.
        train_image: uint8 (N, H, W).
        train_label: int64 (N,); -1 where an image has no label.
        test_image: uint8 (M, H, W); none where a folder of pictures has no test images.
        test_label: int64 (M,).
        train_name: Path of each training picture from the folder; empty for IDX files.
        test_name: The same of the test pictures.
        findings: What is wrong with the pictures of a folder; None for IDX files.
        images_of: What the test images are: those of a ``test`` set, labelled ones kept back from a training
            (``holdout``), or every labelled one of a folder that nothing was learnt from (``labelled``).
        is_validation: bool (N,), the training images that only validate, of a folder that says so; None elsewhere.
        remarks: Sentences on how IDX files were understood.
    """

    name: str
    classes: tuple[str, ...]
    train_image: NDArray[np.uint8]
    train_label: NDArray[np.int64]
    test_image: NDArray[np.uint8]
    test_label: NDArray[np.int64]
    train_name: tuple[str, ...] = ()
    test_name: tuple[str, ...] = ()
    findings: Findings | None = None
    images_of: Literal["test", "holdout", "labelled"] = "test"
    is_validation: NDArray[np.bool_] | None = None
    remarks: tuple[str, ...] = ()

    @property
    def is_collection(self) -> bool:
        """Whether the images are the user's own pictures, of which some have no label."""
        return self.findings is not None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels (1 or 3), height and width of an image."""
        height, width = self.train_image.shape[1:3]
        return (3 if self.train_image.ndim == 4 else 1, height, width)

    @cached_property
    def first_copy(self) -> NDArray[np.int64]:
        """Place of the first training image that is alike to the pixel (N,), for each its own where it has no copy."""
        return first_copies(self.train_image)

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
            AaeError: A folder of pictures has fewer than two, or one that cannot be learnt.
        """
        if self.findings is not None and self.findings.faults:
            raise AaeError(*self.findings.faults[0])


def kept_back(dataset: Dataset, names: Iterable[str], model: Path) -> Dataset:
    """Give a folder of pictures with those for test images that were kept back from a training.

    Args:
        dataset: The pictures as they are now.
        names: Those that were kept back.
        model: The checkpoint of the training, for the error.

    Raises:
        AaeError: None of them is there any more.
    """
    index = {name: index for index, name in enumerate(dataset.train_name)}
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
    return replace(
        dataset,
        test_image=dataset.train_image[rows],
        test_label=dataset.train_label[rows],
        test_name=tuple(dataset.train_name[row] for row in rows.tolist()),
        images_of="labelled",
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


def load_dataset(
    folder: str | Path | None = None, image: Image | None = None, progress: Callable[[int, int], None] | None = None
) -> Dataset:
    """Load a data set: the embedded MNIST where no folder is named.

    Args:
        folder: A folder with four IDX files, or one of pictures.
        image: What pictures become; the defaults where None. The images of IDX files are taken as they are.
        progress: Is told how many pictures of how many are decoded.

    Raises:
        AaeError: The folder or one of its files is missing, unreadable or not what it should be.
    """
    if not folder:
        with resources.as_file(resources.files("aaecli.data") / "mnist") as embedded:
            return _load(embedded, "MNIST", _MNIST_SHA256, image)
    if holds_pictures(Path(folder)):
        # Decoding pictures takes modules that IDX files do without.
        from aaecli.data.readers.image_folder.collection import load_collection

        return load_collection(Path(folder), image or Image(), progress)
    return _load(idx_home(Path(folder)) or Path(folder), "", {}, image)


def holds_pictures(folder: str | Path | None) -> bool:
    """Tell whether a folder is one of pictures: there is something in it, and none of the four IDX files."""
    if not folder:
        return False
    try:
        return any(True for _ in Path(folder).iterdir()) and idx_home(Path(folder)) is None
    except (OSError, ValueError):
        return False


def _load(folder: Path, name: str, sha256: dict[str, str], image: Image | None) -> Dataset:
    found = find_idx(folder)
    files = found.paths
    arrays = {stem: read_labels(files[stem]) for stem in files if "labels" in stem}
    left = MAX_BYTES
    for stem in [stem for stem in files if "images" in stem]:
        labels = stem.replace("images-idx3", "labels-idx1")
        arrays[stem] = read_idx(files[stem], 3, (files[labels], len(arrays[labels])), left)
        left -= arrays[stem].size
    for stem, expected in sha256.items():
        if _digest(arrays[stem]) != expected:
            raise AaeError(
                f"{files[stem]} is not the file that was published: its sha256 differs.",
                "Install aaecli again, from where you had it: its files are damaged.",
            )
    for part in ("train", "t10k"):
        if arrays[f"{part}-images-idx3-ubyte"].size == 0:
            raise AaeError(
                f"{files[f'{part}-images-idx3-ubyte']} holds no images, or images without pixels.",
                "Copy or download the data set again.",
            )
    if arrays["train-images-idx3-ubyte"].shape[1:] != arrays["t10k-images-idx3-ubyte"].shape[1:]:
        raise AaeError(
            f"The training and the test images of {folder} differ in size: "
            f"{arrays['train-images-idx3-ubyte'].shape[1:]} and {arrays['t10k-images-idx3-ubyte'].shape[1:]}.",
            "Take all four files from the same data set.",
        )
    # Some sets (EMNIST's letters) count their labels from 1, so a class is a value that occurs, not a range.
    values, train_label = np.unique(arrays["train-labels-idx1-ubyte"], return_inverse=True)
    if len(values) < 2:
        raise AaeError(
            f"{files['train-labels-idx1-ubyte']} names a single class; two or more are needed.",
            "Take a data set whose labels tell at least two classes apart.",
        )
    test_values = arrays["t10k-labels-idx1-ubyte"]
    strange = np.setdiff1d(test_values, values)
    if len(strange):
        raise AaeError(
            f"{files['t10k-labels-idx1-ubyte']} holds the label {strange[0]}, which no training image has.",
            "Take all four files from the same data set.",
        )
    home = folder.resolve()
    how = "auto" if image is None else image.transpose
    is_turned = how == "yes" or (how == "auto" and found.lies_on_its_side)
    # A copy in order: whoever reads images one after the other reads rows.
    images = [
        np.ascontiguousarray(values.swapaxes(1, 2)) if is_turned else values
        for values in (arrays["train-images-idx3-ubyte"], arrays["t10k-images-idx3-ubyte"])
    ]
    upright = "The images of EMNIST's files lie on their sides: rows and columns were swapped (see --no-transpose)."
    return Dataset(
        name=name or (home.parent if home.name == "raw" else home).name or str(folder),
        classes=found.class_names(values.tolist()),
        train_image=images[0],
        train_label=train_label.astype(np.int64),
        test_image=images[1],
        test_label=np.searchsorted(values, test_values).astype(np.int64),
        remarks=(upright,) if is_turned and how == "auto" else (),
    )


def _digest(values: NDArray[np.uint8]) -> str:
    header = bytes((0, 0, 8, values.ndim)) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    return hashlib.sha256(header + values.tobytes()).hexdigest()
