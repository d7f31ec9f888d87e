"""Which rows of ``y`` have no label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
