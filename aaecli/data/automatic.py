"""`--preset auto` for a folder of pictures: what they are brought to, and what suits how they then look."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from aaecli.config.automatic import choose
from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.inspection.appearance import appearance
from aaecli.data.readers.image_folder.form import find_form


class Adapted(NamedTuple):
    """Settings that suit a folder.

    Attributes:
        settings: Nested tables, for ``aaecli.config.resolve.resolve``.
        dataset: The folder, loaded with them.
        reason: A clause that says what was seen and what follows.
    """

    settings: dict[str, Any]
    dataset: Dataset
    reason: str


def adapt(folder: Path, given: Mapping[str, Any], load: Callable[[Image], Dataset]) -> Adapted:
    """Find settings for a folder of pictures by its training pictures.

    Args:
        folder: The folder.
        given: What the user set under ``[image]``; it holds.
        load: Loads the folder with its pictures brought to a form.

    Raises:
        AaeError: The folder cannot be read, or what was given is no form of pictures.
    """
    found = dataclasses.asdict(find_form(folder))
    if given.get("channels") == 3 or given.get("normalise") == "strokes":
        # Both say which of the two ways a picture goes.
        found["normalise"] = "none" if given.get("channels") == 3 else "strokes"
    if given.get("normalise") == "strokes":
        found["channels"] = 1
    dataset = load(Image(**{**found, **given}))
    choice = choose(appearance(dataset.train_image, dataset.train_label))
    return Adapted({"image": found} | choice.settings, dataset, choice.reason)
