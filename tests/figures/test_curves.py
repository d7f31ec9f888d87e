"""Curves: what is drawn where, and what of several runs becomes one line."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.figures.curves import accuracy_figure, common_course, training_figure
from aaecli.figures.style import encode
from aaecli.training.terms.acting import panels


def curve(*values, step=100):
    return np.arange(1, len(values) + 1) * float(step), np.array(values)


def test_runs_of_one_group_become_a_mean_and_a_range():
    step, mean, low, high = common_course([curve(0.8, 0.9, 1.0), curve(0.6, 0.8)])
    assert step.tolist() == [100, 200]
    assert mean == pytest.approx([0.7, 0.85])
    assert low.tolist() == [0.6, 0.8]
    assert high.tolist() == [0.8, 0.9]


def test_runs_measured_at_other_steps_meet_where_both_were():
    step, mean, _, _ = common_course([curve(0.0, 1.0, step=100), curve(0.2, 0.4, 0.6, 0.8, step=50)])
    assert step.tolist() == [100, 150, 200]
    assert mean == pytest.approx([0.2, 0.55, 0.9])


@pytest.mark.parametrize("curves", [[], [curve()], [curve(0.5, step=10), curve(0.5, step=99)]])
def test_what_has_no_common_step_is_refused(curves):
    with pytest.raises(ValueError, match=r"point|step"):
        common_course(curves)


def test_the_legend_tells_runs_and_where_they_ended():
    figure = accuracy_figure({"aae": [curve(0.9, 0.95), curve(0.9, 0.97)], "baseline": [curve(0.8)]}, "Two models")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["aae, 2 runs: 96.00 %", "baseline: 80.00 %"]
    assert axes.get_ylabel() == "validation accuracy (%)"
    assert axes.get_xlabel() == "training steps"
    assert axes.get_title() == "Two models"
    assert len(axes.collections) == 1, "a band where there are several runs, and only there"
    assert axes.get_ylim()[1] <= 100


def test_each_kind_of_loss_has_its_panel():
    metrics = {"epoch": np.arange(3.0), "step": np.arange(1.0, 4)}
    for term in ("classification", "reconstruction", "style_discrimination", "label_discrimination"):
        metrics[term] = np.array([1.0, 0.5, 0.25])
    metrics |= {
        "sparsity": np.ones(3),
        "validation_accuracy": np.array([0.5, 0.6, 0.7]),
        "images_per_second": np.ones(3),
    }
    figure = training_figure(metrics, "some-001", panels())
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["Classes", "Reconstruction", "Discriminators against encoder", "Other terms", "Accuracy"]
    assert [len(axes.get_lines()) for axes in figure.axes] == [1, 1, 3, 1, 1]
    assert figure.get_suptitle() == "some-001"


def test_the_line_where_the_game_is_even_stands_clear_of_the_frame():
    metrics = {"step": np.arange(1.0, 4), "style_regularisation": np.array([2.366, 0.9, 0.772])}
    (axes,) = training_figure(metrics, "some-001", panels()).axes
    even = axes.get_lines()[-1].get_ydata()[0]
    assert even == pytest.approx(np.log(2))
    bottom, top = axes.get_ylim()
    assert even - bottom > 0.02 * (top - bottom)


@pytest.mark.parametrize(("form", "head"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_same_figure_gives_the_same_bytes(form, head):
    first, second = (encode(accuracy_figure({"aae": [curve(0.9, 0.95)]}), form) for _ in range(2))
    assert first == second
    assert first.startswith(head)
