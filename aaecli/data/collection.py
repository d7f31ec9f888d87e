"""A folder of the user's own pictures as a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aaecli.config import MAX_SIZE, MIN_SIZE, Image
from aaecli.data.dataset import Dataset
from aaecli.data.duplicates import find_duplicates
from aaecli.data.findings import Findings
from aaecli.data.folder import TEST, UNLABELLED, list_folder
from aaecli.data.labels import NAME
from aaecli.data.picture_cache import Progress, load_pictures
from aaecli.data.prepare import Recipe
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


def load_collection(
    folder: Path, settings: Image, progress: Progress | None = None, *, few_classes: bool = False
) -> Dataset:
    """Load a folder of pictures; ``list_folder`` says how it is laid out. What cannot be read is left out.

    Args:
        folder: The folder.
        settings: What pictures become.
        progress: Is told how far the decoding has come.
        few_classes: Allow fewer than two classes, as long as nothing is learnt.

    Raises:
        AaeError: The folder or all of its pictures cannot be read, fewer than two classes have a picture, or a test
            class none.
    """
    listing = list_folder(folder)
    recipe = recipe_of(settings)
    pictures = load_pictures(folder, listing.train + listing.test, recipe, progress)
    num_files = len(listing.train)
    num_train = int(np.searchsorted(pictures.place, num_files))
    if num_train == 0:
        raise AaeError(
            f"{folder} holds no picture to learn from that can be read.", "`aaecli classify` says why for each."
        )
    train_place, test_place = pictures.place[:num_train].tolist(), (pictures.place[num_train:] - num_files).tolist()
    train_class = [listing.train_class[place] for place in train_place]
    classes = listing.classes
    index: dict[str | None, int] = {name: number for number, name in enumerate(classes)} | {None: -1}
    if not few_classes:
        _check_classes(folder, classes, train_class)
    test_class = [listing.test_class[place] for place in test_place]
    for name in test_class:
        if name not in index and not few_classes:
            raise AaeError(
                f"{folder / TEST / name} is of a class that no picture to learn from is labelled as.",
                f"Known classes: {', '.join(classes)}.",
            )
    train_label = np.array([index[name] for name in train_class], np.int64)
    test_label = np.array([index.get(name, -1) for name in test_class], np.int64)
    names = listing.train + listing.test
    found = find_duplicates(pictures.image, np.concatenate((train_label, test_label)), num_train)

    def named(groups: tuple[tuple[int, ...], ...]) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(names[pictures.place[row]] for row in group) for group in groups)

    findings = Findings(
        unreadable={names[place]: reason for place, reason in pictures.unreadable.items()},
        missing=listing.missing,
        contradicting=named(found.contradicting),
        labelled=named(found.labelled),
        unlabelled=named(found.unlabelled),
        tested=named(found.tested),
        num_odd=int(pictures.odd.sum()),
        num_images=len(pictures.image),
    )
    return Dataset(
        name=folder.resolve().name or str(folder),
        classes=classes,
        train_image=pictures.image[:num_train],
        train_label=train_label,
        test_image=pictures.image[num_train:],
        test_label=test_label,
        train_name=tuple(names[place] for place in train_place),
        test_name=tuple(names[num_files + place] for place in test_place),
        findings=findings,
    )


def _check_classes(folder: Path, classes: tuple[str, ...], train_class: list[str | None]) -> None:
    if len(classes) < 2:
        what = f"only the class '{classes[0]}'" if classes else "no labelled picture"
        raise AaeError(
            f"{folder} holds {what}; two classes or more are needed.",
            f"Give each class a sub-folder (those without a label go into {UNLABELLED}/), or name them in {NAME}; "
            f"`aaecli label {folder}` asks for them.",
        )
    lost = [name for name in classes if name not in train_class]
    if lost:
        raise AaeError(
            f"No picture of the class '{lost[0]}' in {folder} can be read.", "`aaecli classify` says why for each."
        )
