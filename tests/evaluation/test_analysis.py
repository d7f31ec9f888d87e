"""Portraits: the arrays that figures are drawn from, of every model."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from aaecli.checkpoint.file import Checkpoint
from aaecli.config.models import FAMILY
from aaecli.data.loading import load_dataset
from aaecli.evaluation.analysis import Analysis
from aaecli.metrics.clusters import cross_named_prob
from aaecli.models.networks import Networks
from aaecli.priors.style_prior import STYLE_PRIORS

DRAWS = [name for name, row in FAMILY.items() if row.decoder_label is not None]


def portrait_of(config, dataset):
    torch.manual_seed(0)
    num_values = config.label_dim(len(dataset.classes))
    networks = Networks(config.model, dataset.image_shape, num_values, config.network).eval().requires_grad_(False)
    clusters = (
        tuple(index % len(dataset.classes) for index in range(num_values)) if config.model == "clustering" else None
    )
    model = Checkpoint(
        config, dataset.classes, dataset.image_shape, networks.encoder, networks.decoder, clusters=clusters
    )
    return Analysis.of(model, dataset)


@pytest.fixture
def dataset(write_dataset):
    return load_dataset(write_dataset(train=tuple(range(4)) * 9, test=tuple(range(4)) * 5, size=(9, 7)))


@pytest.mark.parametrize("model", DRAWS)
def test_what_is_drawn_has_the_shape_of_the_images(small_config, dataset, model):
    analysis = portrait_of(small_config("default", model=model, labels=FAMILY[model].default_labels), dataset)
    assert analysis.reconstructed(6).shape == (6, 9, 7)
    images, columns = analysis.samples(3)
    num_columns = {"aae": 10, "autoencoder": 10}.get(model, 4)
    if model == "clustering":
        # Untrained, it puts the images into a few clusters, and only those are drawn.
        num_columns = len(set(analysis.prediction.label_prob.argmax(1)))
    assert images.shape == (3, num_columns, 9, 7)
    assert len(columns) == (0 if FAMILY[model].decoder_label == "none" else num_columns)
    assert list(columns) == sorted(columns), "clusters of a class stand side by side"
    assert analysis.manifold(5, 1).shape == (5, 5, 9, 7)
    assert analysis.prediction.style.shape == (20, 3)
    plane = analysis.plane
    assert plane @ plane.T == pytest.approx(np.eye(2), abs=1e-5)
    assert analysis.on_plane(analysis.prior(8)).shape == (8, 2)


def test_a_redrawn_image_is_what_the_decoder_makes_of_its_code(small_config, dataset):
    analysis = portrait_of(small_config("default"), dataset)
    image = torch.from_numpy(analysis.image[:4])[:, None].float() / 255
    expected = analysis.model.decoder(analysis.model.encoder(image).latent())[:, 0].numpy()
    assert analysis.reconstructed(4) == pytest.approx(expected)


@pytest.mark.parametrize("style", ["gaussian", "mixture", "swiss-roll"])
def test_a_map_walks_through_the_prior(style):
    lattice = STYLE_PRIORS[style].lattice(7, 1.0)
    assert lattice.shape == ((10 if style == "mixture" else 7), 7, 2)
    assert len(np.unique(lattice.reshape(-1, 2), axis=0)) == lattice.shape[0] * 7
    if style == "gaussian":
        assert lattice[3, 3] == pytest.approx([0, 0], abs=1e-6)
        assert lattice[0, 0, 0] < 0 < lattice[0, 0, 1], "up is up"


@pytest.mark.parametrize("kind", ["mlp", "convolutional"])
def test_features_are_weights_as_images(small_config, dataset, kind):
    analysis = portrait_of(small_config("default", model="baseline", network={"encoder": kind}), dataset)
    weight = analysis.features(8)
    # A fully connected unit sees the whole image; a convolution, of the image folded to a half, three pixels by three.
    assert weight.shape == ((8, 9, 7) if kind == "mlp" else (8, 3, 3))
    size = np.square(weight).sum((1, 2))
    assert (np.diff(size) <= 1e-6).all(), "the strongest first"


def test_the_first_images_are_a_draw_where_a_folder_is_sorted_by_class(small_config, write_dataset):
    dataset = load_dataset(write_dataset(train=sorted([*range(4)] * 9), test=sorted([*range(4)] * 50), size=(9, 7)))
    analysis = portrait_of(small_config("default"), dataset)
    assert set(analysis.label[:36].tolist()) == {0, 1, 2, 3}
    order = [image.tobytes() for image in dataset.test_image]
    given = [dataset.test_label[order.index(image.tobytes())] for image in analysis.image]
    assert analysis.label.tolist() == given


def test_clusters_named_by_the_images_are_judged_by_others(small_config, dataset):
    tested = portrait_of(small_config("default", model="clustering", labels=0), dataset)
    assert not tested.has_named
    bare = dataclasses.replace(dataset, test_image=dataset.test_image[:0], test_label=dataset.test_label[:0])
    analysis = portrait_of(small_config("default", model="clustering", labels=0), bare)
    prob = analysis.prediction.label_prob
    np.testing.assert_array_equal(analysis.class_prob, cross_named_prob(prob, analysis.label, 4))


def test_the_first_images_are_a_draw_where_labelled_pictures_stand_in_for_test_images(small_config, dataset):
    order = np.argsort(dataset.train_label, kind="stable")
    bare = dataclasses.replace(
        dataset,
        train_image=dataset.train_image[order],
        train_label=dataset.train_label[order],
        test_image=dataset.test_image[:0],
        test_label=dataset.test_label[:0],
    )
    analysis = portrait_of(small_config("default"), bare)
    assert set(analysis.label[:16].tolist()) == {0, 1, 2, 3}
