"""Confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from aaecli.figures.style import heading, new_figure, shown, styled

_MOST_NUMBERED = 20


@styled
def confusion_figure(matrix: NDArray[np.int64], classes: Sequence[str], title: str) -> Figure:
    """Plot a confusion matrix, with counts for up to twenty classes.

    Args:
        matrix: (K, K), rows are true classes.
        classes: Names of the K classes.
        title: What stands above.
    """
    share = 100 * matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = max(5.0, min(10.0, 0.48 * len(classes) + 1.4))
    figure = new_figure(side + 1.0, side)
    axes = figure.add_subplot()
    # The square root makes the few errors visible beside the many correct predictions.
    drawn = axes.imshow(share, cmap="Blues", norm=PowerNorm(0.4, 0, 100))
    position = np.arange(len(classes))
    names = [shown(name, 20) for name in classes]
    axes.set_xticks(position, names, rotation=90 if max(map(len, names)) > 3 else 0)
    axes.set_yticks(position, names)
    axes.set(xlabel="class that was read", ylabel="true class", title=heading(title))
    axes.grid(visible=False)
    if len(classes) <= _MOST_NUMBERED:
        for row, column in zip(*np.nonzero(matrix), strict=True):
            dark = share[row, column] > 25
            axes.text(
                column, row, str(matrix[row, column]), ha="center", va="center", fontsize=8,
                color="white" if dark else "black",
            )  # fmt: skip
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8, ticks=[0, 1, 5, 20, 50, 100])
    bar.set_label("share of the true class (%)")
    return figure
