"""Naming clusters after the images that are surest to be in them."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.clusters import class_prob, name_clusters


def test_a_cluster_is_named_after_its_surest_image():
    cluster_prob = np.array([[0.9, 0.1, 0.0], [0.8, 0.15, 0.05], [0.1, 0.5, 0.4], [0.0, 0.4, 0.6]])
    assert name_clusters(cluster_prob, np.array([7, 1, 3, 7])) == (7, 3, 7)


def test_the_clusters_of_a_class_add_up():
    cluster_prob = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]], np.float32)
    prob = class_prob(cluster_prob, (2, 0, 2), 4)
    assert prob == pytest.approx(np.array([[0.3, 0.0, 0.7, 0.0], [0.0, 0.0, 1.0, 0.0]]))
    assert prob.dtype == np.float32
