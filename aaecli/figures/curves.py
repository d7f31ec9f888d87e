"""Accuracy and losses against the steps of training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from aaecli.figures.style import COLOURS, DASHES, heading, new_figure, shown, styled

_Float = NDArray[np.float64]
Curve = tuple[_Float, _Float]
"""Steps (E,), rising, and the accuracy (E,) in [0, 1] that was measured after each."""

_FEW = 25
"""Curves with up to so many points have markers: between two markers nothing was measured."""
_EQUILIBRIA = {
    "discrimination": (2 * math.log(2), "2 ln 2: they tell nothing apart"),
    "regularisation": (math.log(2), "ln 2: it deceives them fully"),
}
"""Loss of an adversarial term at the equilibrium of the game, with the meaning."""
_OTHER = "Other terms"
"""Panel of losses of which nobody says where they belong."""
_WIDE = 8
"""Losses that differ by more than this factor get a logarithmic axis."""


@styled
def accuracy_figure(groups: Mapping[str, Sequence[Curve]], title: str = "") -> Figure:
    """Plot the validation accuracy (in per cent) against the steps: the article's figure of two models.

    Args:
        groups: For each name of the legend the curves of its runs, such as those of several seeds. A group is
            plotted as its mean, in a band from the lowest run to the highest, up to the last step of its shortest run.
        title: What stands above; nothing where empty.
    """
    figure = new_figure(8.0, 4.6)
    _draw_accuracy(figure.add_subplot(), groups)
    if title:
        figure.axes[0].set_title(heading(title))
    return figure


@styled
def training_figure(metrics: Mapping[str, _Float], name: str, panels: Mapping[str, str]) -> Figure:
    """Plot every loss of one run, by panel, and its validation metrics.

    Args:
        metrics: Columns of metrics.csv, each (E,): ``step``, the losses, ``validation_accuracy`` or
            ``validation_reconstruction_error``.
        name: Of the run.
        panels: Title of the panel of each loss; "Other terms" for those left out.
    """
    kinds: dict[str, list[str]] = {}
    for term in metrics:
        if term not in ("epoch", "step", "images_per_second", "seconds") and not term.startswith("validation_"):
            kinds.setdefault(panels.get(term, _OTHER), []).append(term)
    validated = [term for term in metrics if term.startswith("validation_")]
    num_panels = len(kinds) + len(validated)
    rows = math.ceil(num_panels / 2)
    figure = new_figure(8.4 if num_panels > 1 else 6.0, 0.4 + 2.9 * rows)
    figure.suptitle(heading(name), fontsize=11)
    cells = figure.add_gridspec(rows, 2)
    # The last one fills its row where it is alone there.
    slots = [cells[n // 2, :] if n == num_panels - 1 and n % 2 == 0 else cells[divmod(n, 2)] for n in range(num_panels)]
    axes_of_panels = [figure.add_subplot(slot) for slot in slots]
    step = metrics["step"]
    for axes, (title, terms) in zip(axes_of_panels, kinds.items(), strict=False):
        _draw_losses(axes, title, {term: metrics[term] for term in terms}, step)
    for axes, term in zip(axes_of_panels[len(kinds) :], validated, strict=True):
        if term == "validation_accuracy":
            _draw_accuracy(axes, {name: [(step, metrics[term])]})
            axes.set_title("Accuracy")
        else:
            axes.plot(step, metrics[term], **_points(step))
            axes.set(title="Reconstruction of validation images", xlabel="training steps", ylabel="mean squared error")
    return figure


def common_course(curves: Sequence[Curve]) -> tuple[_Float, _Float, _Float, _Float]:
    """Interpolate the curves of several runs at the same steps.

    Returns:
        The steps (S,) at which any of them was measured and that all of them reached, and there the mean (S,), the
        lowest (S,) and the highest (S,) of the runs, interpolated linearly between measurements.

    Raises:
        ValueError: A curve has no point, or one begins after another has ended.
    """
    if not curves or any(len(steps) == 0 for steps, _ in curves):
        raise ValueError("a curve needs a point")
    first, last = max(steps[0] for steps, _ in curves), min(steps[-1] for steps, _ in curves)
    every = np.unique(np.concatenate([steps for steps, _ in curves]))
    common = every[(every >= first) & (every <= last)]
    if len(common) == 0:
        raise ValueError("the curves share no step")
    values = np.stack([np.interp(common, steps, value) for steps, value in curves])
    return common, values.mean(0), values.min(0), values.max(0)


def _draw_losses(axes: Axes, title: str, losses: Mapping[str, _Float], step: _Float) -> None:
    # An adversarial term has its panel to itself: `style_discrimination`, `label_discrimination`.
    kind = next((kind for kind in _EQUILIBRIA if all(term.endswith(kind) for term in losses)), "")
    even, meaning = _EQUILIBRIA.get(kind, (None, ""))
    for number, (term, values) in enumerate(losses.items()):
        label = shown(term.removesuffix(f"_{kind}").replace("_", " "))
        axes.plot(step, values, label=label, linestyle=DASHES[number % 4], **_points(step))
    if even is not None:
        axes.axhline(even, color="0.35", linewidth=1, linestyle=":", label=meaning)
        axes.autoscale_view()  # or it may lie on the frame, unseen
    every = np.concatenate(list(losses.values()))
    if every.min() > 0 and every.max() > _WIDE * every.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
    axes.set(title=shown(title), xlabel="training steps", ylabel="loss")
    if (num_lines := len(axes.get_lines())) > 1:
        # Below the axis: inside, it would hide a part of the lines.
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=min(num_lines, 3), columnspacing=1.2)


def _draw_accuracy(axes: Axes, groups: Mapping[str, Sequence[Curve]]) -> None:
    longest = 0.0
    for number, (name, curves) in enumerate(groups.items()):
        step, mean, low, high = common_course(curves)
        longest = max(longest, step[-1])
        colour = COLOURS[number % len(COLOURS)]
        runs = f", {len(curves)} runs" if len(curves) > 1 else ""
        axes.plot(
            step, 100 * mean, color=colour, linestyle=DASHES[number % 4],
            label=f"{shown(name)}{runs}: {100 * mean[-1]:.2f} %", **_points(step),
        )  # fmt: skip
        if len(curves) > 1:
            axes.fill_between(step, 100 * low, 100 * high, color=colour, alpha=0.25, linewidth=0)
    axes.set(xlabel="training steps", ylabel="validation accuracy (%)")
    # There is no half a step.
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    axes.set_xlim(0, 1.02 * longest)
    axes.set_ylim(top=min(axes.get_ylim()[1], 100.0) if axes.get_ylim()[1] > 100 else None)
    axes.legend(loc="lower right")


def _points(step: _Float) -> dict[str, Any]:
    return {"marker": "o", "markersize": 3.5} if len(step) <= _FEW else {}
