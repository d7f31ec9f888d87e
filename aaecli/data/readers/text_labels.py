"""Labels that are texts: which classes they name, and the number of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aaecli.errors import AaeError


def class_names(labels: Iterable[str]) -> tuple[str, ...]:
    """Name the classes of training labels, sorted; an empty text is no label."""
    return tuple(sorted({text for text in labels if text}))


def numbered(labels: Sequence[str], names: Sequence[str], path: Path | str) -> NDArray[np.int64]:
    """Give the number of each label's class: int64 (N,), -1 for an empty text.

    Args:
        labels: The texts.
        names: The classes.
        path: Where the labels come from, for messages.

    Raises:
        AaeError: A label is of no class.
    """
    index = {text: number for number, text in enumerate(names)} | {"": -1}
    strange = next((text for text in labels if text not in index), None)
    if strange is not None:
        raise AaeError(
            f"{path} holds the label '{strange}', which no training image has.",
            "Take all files from the same data set.",
        )
    return np.array([index[text] for text in labels], np.int64)
