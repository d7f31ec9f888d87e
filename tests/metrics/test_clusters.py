"""Naming clusters after the images that are surest to be in them."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.metrics.clusters import class_prob, cross_named_prob, name_clusters


def test_a_cluster_is_named_after_its_surest_image():
    cluster_prob = np.array([[0.9, 0.1, 0.0], [0.8, 0.15, 0.05], [0.1, 0.5, 0.4], [0.0, 0.4, 0.6]])
    assert name_clusters(cluster_prob, np.array([7, 1, 3, 7])) == (7, 3, 7)


def test_the_clusters_of_a_class_add_up():
    cluster_prob = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]], np.float32)
    prob = class_prob(cluster_prob, (2, 0, 2), 4)
    assert prob == pytest.approx(np.array([[0.3, 0.0, 0.7, 0.0], [0.0, 0.0, 1.0, 0.0]]))
    assert prob.dtype == np.float32


@pytest.mark.parametrize(("num_images", "num_classes", "num_clusters"), [(20, 5, 16), (60, 10, 30), (1000, 10, 16)])
def test_clusters_of_noise_know_what_chance_does(num_images, num_classes, num_clusters):
    label = np.arange(num_images) % num_classes
    cross, own = [], []
    for seed in range(40):
        noise = np.random.default_rng(seed).dirichlet(np.full(num_clusters, 0.1), num_images)
        cross.append((cross_named_prob(noise, label, num_classes, seed).argmax(1) == label).mean())
        own.append((class_prob(noise, name_clusters(noise, label), num_classes).argmax(1) == label).mean())
    assert np.mean(cross) == pytest.approx(1 / num_classes, abs=0.03)
    assert np.mean(own) > np.mean(cross) + (0.2 if num_images == 20 else 0)


def test_clusters_that_are_right_are_found_right_by_either_half():
    label = np.repeat(np.arange(3), 8)
    cluster_prob = np.full((24, 6), 0.01)
    cluster_prob[np.arange(24), 2 * label + np.arange(24) % 2] = 0.95
    assert (cross_named_prob(cluster_prob, label, 3).argmax(1) == label).all()
    permuted = np.random.default_rng(1).permutation(24)
    assert (cross_named_prob(cluster_prob[permuted], label[permuted], 3).argmax(1) == label[permuted]).all()


def test_a_single_image_says_nothing_of_itself():
    assert cross_named_prob(np.array([[0.9, 0.1]]), np.array([1]), 4).tolist() == [[0.25] * 4]
