"""`--preset auto` for one's own images: what pictures are brought to, and what suits how they then look."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aaecli.config.automatic import Appearance, choose
from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.inspection.appearance import appearance
from aaecli.data.readers.image_folder.folder import Listing
from aaecli.data.readers.image_folder.form import find_form

Selected = Callable[[Dataset], NDArray[np.int64]]
"""Gives the indices of the training images whose labels the training sees: nothing else may be chosen by labels."""


class Adapted(NamedTuple):
    """Settings that suit images.

    Attributes:
        settings: Nested tables, for ``aaecli.config.resolve.resolve``; None where the preset for digits suits them.
        dataset: The images, loaded with them.
        reason: A clause that says what was seen and what follows.
    """

    settings: dict[str, Any] | None
    dataset: Dataset
    reason: str


def adapt(folder: Path, given: Mapping[str, Any], load: Callable[[Image], Dataset], selected: Selected) -> Adapted:
    """Find settings for a folder of pictures by its training pictures.

    Args:
        folder: The folder.
        given: What the user set under ``[image]``; it holds.
        load: Loads the folder with its pictures brought to a form.
        selected: Tells which labels may be looked at.

    Raises:
        AaeError: The folder cannot be read, or what was given is no form of pictures.
    """
    found = _beside(given, dataclasses.asdict(find_form(folder)))
    dataset = load(Image(**{**found, **given}))
    choice = choose(_seen(dataset, selected))
    return Adapted({"image": found} | choice.settings, dataset, choice.reason)


def form_of(folder: Path, given: Mapping[str, Any], listing: Listing | None = None, *, strokes: bool = False) -> Image:
    """Give what the pictures of a folder become where the user leaves a part of that open.

    Args:
        folder: The folder.
        given: What the user set under ``[image]``; it holds.
        listing: What the folder holds, where that is known already.
        strokes: As in ``find_form``.

    Raises:
        AaeError: As from ``adapt``.
    """
    found = dataclasses.asdict(find_form(folder, listing, strokes=strokes))
    return Image(**{**_beside(given, found), **given})


def adapt_stored(dataset: Dataset, selected: Selected) -> Adapted:
    """Find settings for images that are stored in one size: as MNIST's, or as pictures.

    Args:
        dataset: The images.
        selected: As in ``adapt``.
    """
    seen = _seen(dataset, selected)
    choice = choose(seen)
    return Adapted(None if seen.is_writing else choice.settings, dataset, choice.reason)


def _beside(given: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Give the form that was found in pictures, as far as it goes with what the user set."""
    if given.get("channels") == 3 or given.get("normalise") == "strokes":
        # Both say which of the two ways a picture goes.
        found["normalise"] = "none" if given.get("channels") == 3 else "strokes"
    if given.get("normalise") == "strokes":
        found["channels"] = 1
    return found


def _seen(dataset: Dataset, selected: Selected) -> Appearance:
    label = np.full_like(dataset.train_label, -1)
    if (dataset.train_label >= 0).any():
        chosen = selected(dataset)
        label[chosen] = dataset.train_label[chosen]
    return appearance(dataset.train_image, label)
