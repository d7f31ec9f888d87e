"""Distributions, maps and confusion: every panel has something in it and says what its axes are."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.figures.codes import _apart, distribution_figure, latent_figure
from aaecli.figures.confusion import confusion_figure
from aaecli.figures.style import encode

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("num_values", "style_dim", "panels"), [(10, 10, 12), (16, 2, 4), (0, 7, 7), (3, 0, 2), (2, 30, 12)]
)
def test_each_dimension_has_its_panel(num_values, style_dim, panels):
    label_prob = RNG.dirichlet(np.ones(num_values), 200) if num_values else None
    style = RNG.standard_normal((200, style_dim)) if style_dim else None
    names = [str(value) for value in range(num_values)]
    figure = distribution_figure(label_prob, names, style, RNG.standard_normal((200, max(style_dim, 1))), "Some run")
    assert len(figure.axes) == panels
    assert all(axes.patches for axes in figure.axes)
    if num_values:
        heights = [patch.get_height() for patch in figure.axes[0].patches]
        assert sum(heights) == pytest.approx(100)
    assert len(encode(figure)) > 5000


@pytest.mark.parametrize("num_classes", [3, 12])
def test_a_map_names_its_classes(num_classes):
    names = [f"c{index}" for index in range(num_classes)]
    label = np.arange(120) % num_classes
    style = RNG.standard_normal((120, 2))
    figure = latent_figure(style, style, label, names, RNG.random((4, 5, 6, 6)), ("left", "right"))
    assert [axes.get_title() for axes in figure.axes] == ["left", "right"]
    assert sorted(text.get_text() for text in figure.axes[0].texts) == sorted(names)
    assert len(latent_figure(style, style, label, names, None, ("left", "")).axes) == 1


def test_names_that_would_cover_each_other_part():
    place = np.array([[0.0, 0.0], [0.0, 0.0], [0.05, 0.0], [3.0, 3.0]])
    apart = _apart(place, 0.2)
    gap = np.hypot(*(apart[:, None] - apart).transpose(2, 0, 1)) + np.eye(4)
    assert gap.min() > 0.19
    assert apart[3].tolist() == [3.0, 3.0]


def test_a_confusion_matrix_shows_counts_and_shares():
    figure = confusion_figure(np.array([[9, 1], [0, 5]]), ("cat", "dog"), "Some run")
    axes = figure.axes[0]
    assert {text.get_text() for text in axes.texts} == {"9", "1", "5"}
    assert np.asarray(axes.get_images()[0].get_array()).tolist() == [[90.0, 10.0], [0.0, 100.0]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("class that was read", "true class")
    many = confusion_figure(np.eye(40, dtype=np.int64), [f"class {index}" for index in range(40)], "Many")
    assert not many.axes[0].texts
