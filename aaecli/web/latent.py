"""Points of the latent space as requests name them, and the plane through one on which the drawing changes most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aaecli.errors import AaeError
from aaecli.priors.style_prior import STYLE_PRIORS
from aaecli.serve.generate import class_index, one_class
from aaecli.serve.session import Decoder
from aaecli.web.wire import Plane

_Float = NDArray[np.float32]
_STEP = 0.25
"""Of the finite differences, in standard deviations."""
_REACH = 2.5


def style_rows(style: Sequence[Sequence[float]], style_dim: int) -> _Float:
    """Give styles as float32 (N, Z).

    Raises:
        AaeError: They do not have the model's number of dimensions, or are too large for float32.
    """
    if any(len(row) != style_dim for row in style):
        raise AaeError(f"A style of this model has {style_dim} numbers.", f"Send {style_dim} in each row.")
    return _finite(style)


def label_rows(label: Sequence[str | Sequence[float]], classes: Sequence[str], count: int) -> _Float | None:
    """Give labels as float32 (N, K): one for all, or one a row; the first class where there is none.

    Returns:
        None for a model without classes.

    Raises:
        AaeError: There is no such class, the numbers are not of K classes, or there are more labels than styles.
    """
    if len(label) not in (0, 1, count):
        raise AaeError(f"There are {len(label)} labels for {count} styles.", "Send one, or one for each style.")
    if not classes:
        if label:
            raise AaeError("This model knows no classes.", "Leave out the label.")
        return None
    rows = [
        one_class(classes, class_index(entry, classes)) if isinstance(entry, str) else entry for entry in label
    ] or [one_class(classes, None)]
    if any(len(row) != len(classes) for row in rows):
        raise AaeError(f"A label of this model has {len(classes)} numbers.", "Send a name, or a number for each class.")
    return np.ascontiguousarray(np.broadcast_to(_finite(rows), (count, len(classes))))


def plane(decoder: Decoder, label: _Float | None, style: _Float) -> Plane:
    """Find the two directions in which the drawing changes most at a point: the first singular vectors.

    Args:
        decoder: What draws.
        label: (1, K), or None.
        style: (1, Z).
    """
    metadata = decoder.metadata
    std = STYLE_PRIORS[metadata.style_prior].deviation(metadata.style_std)
    dims = metadata.style_dim
    step = np.float32(_STEP * std) * np.eye(dims, dtype=np.float32)
    both = np.concatenate((style + step, style - step))  # (2Z, Z)
    drawn = decoder(None if label is None else np.repeat(label, 2 * dims, 0), both).reshape(2, dims, -1)
    axes = np.linalg.svd(drawn[0] - drawn[1], full_matrices=False)[0][:, :2].T  # (2, Z)
    # A direction and its opposite are one: the larger part points up, so that the same point gives the same plane.
    largest = np.abs(axes).argmax(1)
    axes *= np.sign(axes[np.arange(len(axes)), largest])[:, None]
    return Plane(axes.astype(np.float64).round(6).tolist(), round(_REACH * std, 6))


def _finite(rows: Sequence[Sequence[float] | _Float]) -> _Float:
    with np.errstate(over="ignore"):
        values = np.asarray(rows, np.float32)
    if not np.isfinite(values).all():
        raise AaeError("A number is too large.", "Send numbers that float32 holds.")
    return values
