"""Codes against their priors: histograms of label and style, and maps of the style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from aaecli.figures.images import tile
from aaecli.figures.style import COLOURS, heading, new_figure, shown, styled

_Array = NDArray[Any]
_ENCODED, _PRIOR = COLOURS[0], "0.25"
_MOST_DIMENSIONS = 10
_MARKERS = "os^vD*PX<>"


@styled
def distribution_figure(
    label_prob: _Array | None,
    names: Sequence[str],
    style: _Array | None,
    prior: _Array,
    title: str,
    label_prior: _Array | None = None,
) -> Figure:
    """Plot histograms of label and style over their priors: the article's check.

    Args:
        label_prob: (N, K), or None where the model has no label.
        names: Of the K values of the label.
        style: (N, Z), or None where the model has no style. The first ten dimensions are plotted.
        prior: (M, Z), samples of the style's prior.
        title: What stands above.
        label_prior: (K,), frequency of each value in the label's prior; uniform where None.
    """
    num_styles = 0 if style is None else min(style.shape[1], _MOST_DIMENSIONS)
    columns = min(5, max(num_styles, 1))
    style_rows = math.ceil(num_styles / columns)
    label_rows = 0 if label_prob is None else 1
    figure = new_figure(9.0, 0.5 + 2.6 * label_rows + 1.9 * style_rows)
    figure.suptitle(heading(title), fontsize=11)
    heights = [2.6] * label_rows + [1.9] * style_rows
    cells = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    if label_prob is not None:
        halves = cells[0].subgridspec(1, 2)
        frequency = np.full(len(names), 1 / len(names)) if label_prior is None else label_prior
        _draw_shares(figure.add_subplot(halves[0]), label_prob, names, frequency)
        _draw_sureness(figure.add_subplot(halves[1]), label_prob)
    for row in range(style_rows):
        panels = cells[label_rows + row].subgridspec(1, columns)
        for column in range(min(columns, num_styles - row * columns)):
            axes = figure.add_subplot(panels[column])
            _draw_style(axes, style, prior, row * columns + column, legend=row == column == 0)
            if column == 0:
                axes.set_ylabel("density")
    return figure


@styled
def latent_figure(
    style: _Array,
    prior: _Array,
    label: NDArray[np.int64],
    classes: Sequence[str],
    manifold: _Array | None,
    titles: tuple[str, str],
) -> Figure:
    """Plot encoded images as a map coloured by class over the prior, and beside it images generated across the map.

    Args:
        style: (N, 2), of the images; grey dots below are samples of the prior.
        prior: (M, 2).
        label: (N,), the true classes.
        classes: Names of the classes.
        manifold: (R, C, H, W) or (R, C, H, W, 3), in [0, 1]; None where nothing is generated.
        titles: What stands above the two.
    """
    figure = new_figure(10.0 if manifold is not None else 5.6, 5.9)
    axes = figure.add_subplot(1, 2 if manifold is not None else 1, 1)
    middles: dict[int, _Array] = {}
    axes.scatter(prior[:, 0], prior[:, 1], s=4, color="0.8", linewidths=0, label="prior")
    for index in range(len(classes)):
        points = style[label == index]
        if len(points):
            colour, marker = COLOURS[index % len(COLOURS)], _MARKERS[index // len(COLOURS) % len(_MARKERS)]
            axes.scatter(points[:, 0], points[:, 1], s=5, color=[colour], marker=marker, linewidths=0, alpha=0.7)
            middles[index] = np.median(points, 0)
    reach = 1.1 * float(np.quantile(np.abs(np.concatenate([style, prior])), 0.999))
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=heading(titles[0]))
    axes.set(xlabel="first axis of the style", ylabel="second axis of the style")
    for index, position in zip(middles, _apart(np.array(list(middles.values())), 0.13 * reach), strict=True):
        colour = COLOURS[index % len(COLOURS)]
        axes.annotate(
            shown(classes[index], 20), position,
            ha="center", va="center", fontsize=11, fontweight="bold", color="black",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": colour, "alpha": 0.85},
        )  # fmt: skip
    axes.legend(loc="upper right", markerscale=3)
    if manifold is not None:
        grid = figure.add_subplot(1, 2, 2)
        grid.imshow(tile(manifold), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        grid.set_axis_off()
        grid.set_title(heading(titles[1]))
    return figure


def _apart(position: _Array, least: float) -> _Array:
    """Push positions (K, 2) apart until few are closer than ``least``, so that their labels do not overlap."""
    position = position.astype(float)
    for _ in range(100):
        gap = position[:, None] - position  # (K, K, 2)
        distance = np.hypot(gap[..., 0], gap[..., 1]) + np.eye(len(position)) * least
        push = np.maximum(least - distance, 0) / 2
        # Two at the same position separate along the first axis.
        gap[..., 0] += (distance == 0) * np.sign(np.arange(len(position))[:, None] - np.arange(len(position)))
        position += (gap * (push / np.maximum(distance, 0.01 * least))[..., None]).sum(1)
    return position


def _draw_shares(axes: Axes, label_prob: _Array, names: Sequence[str], frequency: _Array) -> None:
    position = np.arange(len(names))
    axes.bar(position, 100 * label_prob.mean(0), color=_ENCODED, label="encoded", width=0.75)
    axes.hlines(
        100 * frequency, position - 0.5, position + 0.5, color=_PRIOR, linestyle="--", linewidth=1.4, label="prior"
    )
    axes.set_xticks(position, [shown(name, 20) for name in names], rotation=90 if max(map(len, names)) > 3 else 0)
    axes.set(title="y: how often each value is given", xlabel="value of y", ylabel="share (%)")
    axes.set_ylim(0, 1.35 * max(float(100 * label_prob.mean(0).max()), float(100 * frequency.max())))
    axes.legend(loc="upper right", ncols=2)
    axes.grid(axis="x", visible=False)


def _draw_sureness(axes: Axes, label_prob: _Array) -> None:
    edges = np.linspace(0, 1, 21)
    values = label_prob.ravel()
    share = np.histogram(values, edges)[0] / len(values) * 100
    axes.bar(edges[:-1], share, width=0.05, align="edge", color=_ENCODED, label="encoded")
    num_values = label_prob.shape[1]
    drawn = [100 * (1 - 1 / num_values), 100 / num_values]
    axes.scatter([0.025, 0.975], drawn, marker="D", color=_PRIOR, s=28, zorder=3, label="prior: 0 or 1")
    axes.set_yscale("symlog", linthresh=0.01)
    axes.set_yticks([0, 0.01, 0.1, 1, 10, 100], ["0", "0.01", "0.1", "1", "10", "100"])
    axes.set(title="y: how sure each entry is", xlabel="probability", ylabel="share of entries (%)", xlim=(0, 1))
    axes.legend(loc="upper center")


def _draw_style(axes: Axes, style: _Array | None, prior: _Array, index: int, *, legend: bool) -> None:
    if style is None:
        return
    reach = float(np.quantile(np.abs(np.concatenate([style[:, index], prior[:, index]])), 0.999))
    edges = np.linspace(-reach, reach, 41).tolist()
    axes.hist(style[:, index], edges, density=True, color=_ENCODED, label="encoded")
    axes.hist(prior[:, index], edges, density=True, histtype="step", color=_PRIOR, linewidth=1.4, label="prior")
    axes.set_title(f"z, dimension {index + 1}", fontsize=9.5)
    axes.set_yticks([])
    if legend:
        axes.legend(loc="upper right", fontsize=7.5, handlelength=1)
        axes.set_ylim(top=1.5 * axes.get_ylim()[1])
