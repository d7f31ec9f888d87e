"""Figures made of images: what stands where, in grey and in colour, with any class names."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from aaecli.figures.images import (
    centres,
    feature_figure,
    mistake_figure,
    reconstruction_figure,
    sample_figure,
    tile,
)
from aaecli.figures.style import encode

SHAPES = [(7, 5), (6, 9, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_tiles_lie_where_their_names_stand(shape):
    images = np.arange(6, dtype=np.float32).reshape(2, 3, *[1] * len(shape)) * np.ones(shape, np.float32)
    whole = tile(images, fill=-1.0)
    assert whole.shape == (2 * shape[0] + 2, 3 * shape[1] + 4, *shape[2:])
    for row, y in enumerate(centres(2, shape[0])):
        for column, x in enumerate(centres(3, shape[1])):
            assert (whole[round(y), round(x)] == 3 * row + column).all()
    assert (whole[shape[0]] == -1).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_reconstructions_stand_below_their_images(shape):
    image = np.zeros((30, *shape), np.float32)
    figure = reconstruction_figure(image, image + 1, "Some run")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["image", "reconstructed"] * 2
    shown = np.asarray(axes.get_images()[0].get_array())
    first, second = (round(place) for place in centres(4, shape[0])[:2])
    assert (shown[first, 0] == 0).all()
    assert (shown[second, 0] == 1).all()


def test_samples_carry_the_names_of_their_classes():
    figure = sample_figure(np.zeros((4, 3, 5, 5)), ("cat", "dog", "eel"), "Some run")
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["cat", "dog", "eel"]
    assert sample_figure(np.zeros((4, 3, 5, 5)), (), "Some run").axes[0].get_xticks().size == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_the_surest_mistake_comes_first(shape):
    label = np.array([0, 1, 0, 1])
    prob = np.array([[0.2, 0.8], [0.1, 0.9], [0.01, 0.99], [0.6, 0.4]])
    figure = mistake_figure(np.random.default_rng(0).random((4, *shape)), label, prob, ("cat", "dog"))
    assert [axes.get_title() for axes in figure.axes] == [
        "cat read as\ndog, 99%",
        "cat read as\ndog, 80%",
        "dog read as\ncat, 60%",
    ]
    assert figure.get_suptitle().startswith("3 of 4 images")


def test_a_model_without_mistakes_has_a_figure_that_says_so():
    figure = mistake_figure(np.zeros((2, 4, 4)), np.array([0, 1]), np.eye(2), ("a", "b"))
    assert figure.axes == []
    assert [text.get_text() for text in figure.texts if "no mistake" in text.get_text()]
    assert encode(figure).startswith(b"\x89PNG")


def test_each_unit_has_a_scale_of_its_own():
    weight = np.stack([np.full((3, 3), value) for value in (0.001, -5.0, 0.0)])
    shown = np.asarray(feature_figure(weight, "Units").axes[0].get_images()[0].get_array())
    assert shown[:3, :3].tolist() == [[1.0] * 3] * 3
    assert np.nanmin(shown) == -1


@pytest.mark.parametrize("columns", [3, 10, 16, 30])
def test_nothing_is_cut_off_at_the_edge_of_a_sheet(columns):
    names = [str(number) for number in range(columns)]
    drawn = encode(sample_figure(np.zeros((10, columns, 28, 28), np.float32), names, "Any run"), "png")
    pixels = np.asarray(Image.open(io.BytesIO(drawn)).convert("L"))
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge > 200).all()
