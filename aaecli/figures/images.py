"""Figures of small images: reconstructions, samples, mistakes, first-layer weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from aaecli.figures.style import heading, new_figure, shown, styled

_Array = NDArray[Any]
_GAP = 2


def tile(images: _Array, fill: float = 1.0) -> _Array:
    """Arrange images in [0, 1] in a grid: (R, C, H, W) or (R, C, H, W, 3), with a gap of two pixels of ``fill``."""
    rows, columns, height, width = images.shape[:4]
    shape = (rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, *images.shape[4:])
    whole = np.full(shape, fill, np.float32)
    for row in range(rows):
        for column in range(columns):
            top, left = row * (height + _GAP), column * (width + _GAP)
            whole[top : top + height, left : left + width] = images[row, column]
    return whole


def centres(count: int, size: int) -> list[float]:
    """Return the centres of ``count`` tiles of ``size`` pixels along a side."""
    return [index * (size + _GAP) + (size - 1) / 2 for index in range(count)]


@styled
def reconstruction_figure(image: _Array, reconstructed: _Array, title: str) -> Figure:
    """Plot images above their reconstructions.

    Args:
        image: (N, H, W) or (N, H, W, 3), in [0, 1].
        reconstructed: Their reconstructions, of the same shape.
        title: What stands above.
    """
    columns = min(12, len(image))
    rows = len(image) // columns
    used = rows * columns
    pairs = np.stack([part[:used].reshape(rows, columns, *part.shape[1:]) for part in (image, reconstructed)], 1)
    sheet = pairs.reshape(2 * rows, columns, *image.shape[1:])
    figure, axes = _sheet(sheet, 0.55, title)
    axes.set_yticks(centres(2 * rows, image.shape[1]), ["image", "reconstructed"] * rows)
    return figure


@styled
def sample_figure(images: _Array, columns: Sequence[str], title: str) -> Figure:
    """Plot generated images: one style a row and, where the model has classes, one class a column.

    Args:
        images: (R, C, H, W) or (R, C, H, W, 3), in [0, 1].
        columns: Name of the class of each column; empty for a model without classes.
        title: What stands above.
    """
    figure, axes = _sheet(images, 0.5, title)
    if columns:
        names = [shown(name, 20) for name in columns]
        upright = max(map(len, names)) > 3 and len(names) > 1
        axes.set_xticks(centres(len(columns), images.shape[3]), names, rotation=90 if upright else 0)
        axes.xaxis.tick_top()
        axes.set_xlabel("class asked for", labelpad=6)
        axes.xaxis.set_label_position("top")
        axes.set_ylabel("a style in each row")
    return figure


@styled
def mistake_figure(
    image: _Array, label: NDArray[np.int64], class_prob: _Array, classes: Sequence[str], count: int = 32
) -> Figure:
    """Plot the misclassified images, the most confident first.

    Args:
        image: (N, H, W) or (N, H, W, 3), in [0, 1].
        label: (N,), the true classes.
        class_prob: (N, K).
        classes: Names of the K classes.
        count: Most images to plot.
    """
    answer, confidence = class_prob.argmax(1), class_prob.max(1)
    wrong = np.flatnonzero(answer != label)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]
    columns = 8
    rows = max(1, math.ceil(len(worst) / columns))
    figure = new_figure(8.4, 0.6 + 1.35 * rows)
    figure.suptitle(
        f"{len(wrong):,} of {len(label):,} images are read wrongly; the surest of these answers", fontsize=11
    )
    for panel, index in enumerate(worst, 1):
        axes = figure.add_subplot(rows, columns, panel)
        _show(axes, image[index])
        axes.set_title(
            f"{shown(classes[label[index]], 10)} read as\n{shown(classes[answer[index]], 10)}, {confidence[index]:.0%}",
            fontsize=8,
        )
    if len(worst) == 0:
        figure.text(0.5, 0.4, "There is no mistake to show.", ha="center")
    return figure


@styled
def feature_figure(weight: _Array, title: str) -> Figure:
    """Plot the weights of units as images: orange for positive weights, purple for negative ones.

    Args:
        weight: (F, H, W); each has a scale of its own.
        title: What stands above.
    """
    columns = min(16, math.ceil(math.sqrt(len(weight)) * 1.5))
    rows = len(weight) // columns
    shown = weight[: rows * columns]
    scaled = shown / np.maximum(np.abs(shown).max((1, 2), keepdims=True), 1e-12)
    sheet = tile(scaled.reshape(rows, columns, *weight.shape[1:]), fill=np.nan)
    figure = new_figure(0.52 * columns + 1.1, 0.52 * rows * weight.shape[1] / weight.shape[2] + 0.6)
    axes = figure.add_subplot()
    drawn = axes.imshow(sheet, cmap="PuOr_r", vmin=-1, vmax=1, interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(heading(title))
    bar = figure.colorbar(drawn, ax=axes, ticks=[-1, 0, 1], shrink=0.8, pad=0.01)
    bar.set_label("weight / largest of the unit")
    return figure


def _sheet(images: _Array, inches: float, title: str) -> tuple[Figure, Axes]:
    rows, columns, height, width = images.shape[:4]
    figure = new_figure(inches * columns + 1.0, inches * rows * height / width + 0.9)
    axes = figure.add_subplot()
    _show(axes, tile(images))
    # An axes' own title would move up past the tick labels above the axes during layout, and out of the picture.
    figure.suptitle(heading(title), fontsize=10.5)
    return figure, axes


def _show(axes: Axes, image: _Array) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
