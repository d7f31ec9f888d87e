"""Histograms of oriented gradients."""

from __future__ import annotations

import numpy as np

from aaecli.data.inspection.orientation_histograms import grey_values, orientation_histograms


def test_edges_count_alike_whichever_side_is_lighter():
    image = np.random.default_rng(0).random((4, 12, 12)).astype(np.float32)
    assert np.allclose(orientation_histograms(1 - image), orientation_histograms(image), atol=1e-4)


def test_each_direction_has_a_bin_of_its_own():
    down, across = np.mgrid[:16, :16].astype(np.float32) / 16
    feature = orientation_histograms(np.stack([down, across, down + across, down - across]))
    assert np.allclose(np.linalg.norm(feature, axis=1), 1, atol=1e-5)
    assert np.allclose(feature @ feature.T, np.eye(4), atol=1e-3)


def test_grey_is_the_mean_of_the_channels():
    image = np.array([[[[0, 51, 255]]]], np.uint8)
    assert np.allclose(grey_values(image), 0.4)
    assert np.allclose(grey_values(image[..., 1]), 0.2)
