"""The target ``y`` of an estimator: its classes, and which rows have no label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.config.models import MAX_CLASSES


def classes_of(known: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Give the classes (C,), sorted, of the labels (L,) that there are, and the index (L,) of each label's class.

    Raises:
        ValueError: They are fewer than two, or more than a model may have.
    """
    classes, index = np.unique(known, return_inverse=True)
    if len(classes) < 2:
        found = f"one class, {classes[0]}," if len(classes) else "no class"
        raise ValueError(f"y labels {found} and two or more are needed to tell apart.")
    if len(classes) > MAX_CLASSES:
        raise ValueError(
            f"y names {len(classes):,} classes; at most {MAX_CLASSES:,} are learnt. "
            "Check that its entries are classes, not measurements or numbers of the rows."
        )
    return classes, index


def class_index(classes: NDArray[Any], label: object, count: int) -> NDArray[np.int64]:
    """Give the index (N,) of the class of each of ``count`` labels.

    Args:
        classes: (C,), sorted.
        label: One of them, or (N,) of them.
        count: The number of labels N.

    Raises:
        ValueError: A label is no class.
    """
    labels = np.broadcast_to(np.asarray(label), (count,))
    index = np.searchsorted(classes, labels).clip(0, len(classes) - 1)
    if not (classes[index] == labels).all():
        unknown = next(entry for entry, k in zip(labels, index, strict=True) if classes[k] != entry)
        raise ValueError(f"There is no class {unknown}: the classes are {', '.join(map(str, classes))}.")
    return index


def of_one_type(labels: NDArray[Any]) -> NDArray[Any]:
    """Give labels (L,) of an array of objects as numpy would hold them alone: numbers as numbers, text as text."""
    return np.asarray(labels.tolist()) if labels.dtype.kind == "O" else labels


def is_unlabelled(y: NDArray[Any], unlabelled: object) -> NDArray[np.bool_]:
    """Tell which labels are none: the marker, and None in an array of objects.

    Args:
        y: (N,).
        unlabelled: The marker; None where every row has a label.

    Returns:
        bool (N,).

    Raises:
        ValueError: ``y`` is of strings, and the marker has become one of them.
    """
    if y.dtype.kind == "O":
        # Of another type, a label may be a string, and the marker a number.
        return np.array(
            [entry is None or (unlabelled is not None and bool(entry == unlabelled)) for entry in y.tolist()], np.bool_
        )
    if unlabelled is None:
        return np.zeros(len(y), np.bool_)
    if y.dtype.kind in "US" and not isinstance(unlabelled, str):
        if (y == str(unlabelled)).any():
            raise ValueError(
                f"y is an array of strings, in which {unlabelled!r} has become one: use dtype object, with "
                f"{unlabelled!r} or None for rows without a label."
            )
        return np.zeros(len(y), np.bool_)
    return np.asarray(y == unlabelled, np.bool_)
