"""A folder of the user's own pictures as a data set."""

from __future__ import annotations

from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from aaecli.config.image import MAX_SIZE, MIN_SIZE, Image
from aaecli.data.dataset import Dataset
from aaecli.data.inspection.duplicates import Duplicates, find_duplicates
from aaecli.data.inspection.findings import Findings
from aaecli.data.picture_cache import Pictures, Progress, load_pictures
from aaecli.data.preprocessing.prepare import Recipe
from aaecli.data.readers.image_folder.classes import confusable_names, find_faults, plain_name
from aaecli.data.readers.image_folder.folder import Listing, list_folder
from aaecli.data.readers.image_folder.layout import class_name
from aaecli.errors import AaeError


def recipe_of(settings: Image) -> Recipe:
    """Give how pictures become images by the settings."""
    return Recipe((settings.size, settings.size), normalise=settings.has_strokes, channels=settings.channels)


def image_of(recipe: Recipe) -> Image | None:
    """Give the settings that a recipe follows; None where no folder of pictures can have led to it."""
    size = recipe.shape[0]
    if recipe.shape != (size, size) or not MIN_SIZE <= size <= MAX_SIZE:
        return None
    return Image(size, recipe.channels, "strokes" if recipe.normalise else "none")


def load_collection(folder: Path, settings: Image, progress: Progress | None = None) -> Dataset:
    """Load a folder of pictures; ``list_folder`` says how it is laid out. What cannot be read is left out.

    The classes may be none yet, or fewer than can be learnt: ``Dataset.require_classes`` tells.

    Args:
        folder: The folder.
        settings: What pictures become.
        progress: Is told how far the decoding has come.

    Raises:
        AaeError: The folder or all of its pictures cannot be read.
    """
    listing = list_folder(folder)
    names = listing.train + listing.test
    pictures = load_pictures(folder, names, recipe_of(settings), progress)
    num_files = len(listing.train)
    num_train = int(np.searchsorted(pictures.index, num_files))
    if num_train == 0:
        raise AaeError(
            f"{folder} holds no picture to learn from that can be read.", "`aaecli classify` says why for each."
        )
    index = pictures.index.tolist()
    class_index, class_names = ClassIndex(listing.classes), [*listing.train_class, *listing.test_class]
    label = np.array([class_index.of(class_names[each]) for each in index], np.int64)
    is_validation = np.array([listing.is_validation[each] for each in index[:num_train]], bool)
    found = find_duplicates(pictures.image, label, num_train, is_validation)
    for group in found.contradicting:
        # One of the labels is wrong, and nobody knows which.
        label[list(group)] = -1
    train_label = label[:num_train]
    return Dataset(
        name=folder.resolve().name or str(folder),
        classes=listing.classes,
        train_image=pictures.image[:num_train],
        train_label=train_label,
        test_image=pictures.image[num_train:],
        test_label=label[num_train:],
        train_name=tuple(names[each] for each in index[:num_train]),
        test_name=tuple(names[each] for each in index[num_train:]),
        findings=findings_of(folder, listing, pictures, found, train_label[~is_validation], settings),
        is_validation=is_validation if is_validation.any() else None,
    )


def findings_of(
    folder: Path,
    listing: Listing,
    pictures: Pictures,
    duplicates: Duplicates,
    learnt_label: NDArray[np.int64],
    settings: Image,
) -> Findings:
    """Put together what a user should know of the folder.

    Args:
        folder: The folder.
        listing: What it holds.
        pictures: Those that could be read; their pixels are not looked at.
        duplicates: Which of them are alike.
        learnt_label: int64 (T,), the labels that are learnt.
        settings: What pictures became.
    """
    names, classes = listing.train + listing.test, listing.classes

    def named(groups: tuple[tuple[int, ...], ...]) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(names[pictures.index[row]] for row in group) for group in groups)

    class_index = ClassIndex(classes)
    learnt = {classes[label] for label in learnt_label[learnt_label >= 0].tolist()}
    untaught = {name for name in listing.test_class if class_index.of(name) < 0}
    return Findings(
        unreadable={names[index]: reason for index, reason in pictures.unreadable.items()},
        missing=listing.missing,
        resembling=listing.resembling,
        contradicting=named(duplicates.contradicting),
        labelled=named(duplicates.labelled),
        unlabelled=named(duplicates.unlabelled),
        tested=named(duplicates.tested),
        num_suspicious=int(pictures.suspicious.sum()) if settings.has_strokes else 0,
        num_images=len(pictures.index),
        validated=named(duplicates.validated),
        layout=listing.left_out,
        faults=tuple(find_faults(folder, classes, learnt, untaught, _unnamed(folder, listing))),
        num_paged=int(pictures.paged.sum()),
    )


def _unnamed(folder: Path, listing: Listing) -> Path | None:
    """Give where pictures may lie whose class nobody has told: also in the only folder, which may be no class."""
    if None in listing.train_class:
        return folder
    parents = {name.rpartition("/")[0] for name in listing.train}
    inner = parents.pop()
    return folder / inner if inner and not parents and listing.classes == (class_name(PurePath(inner).name),) else None


class ClassIndex:
    """The places of classes by name; a name that is written in another case means the class it can only mean."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self._exact = {name: index for index, name in enumerate(classes)}
        self._alike = {plain_name(name): index for index, name in enumerate(classes)}
        # Of names that are alike, each only means itself.
        for group in confusable_names(classes):
            self._alike.pop(plain_name(group[0]), None)

    def of(self, name: str | None) -> int:
        """Give the place of a class; -1 for None and for one that there is not."""
        if name is None:
            return -1
        return self._exact.get(name, self._alike.get(plain_name(name), -1))
