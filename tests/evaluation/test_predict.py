"""Answers against true labels."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.checkpoint.file import Checkpoint
from aaecli.evaluation.predict import Prediction, evaluate_predictions
from aaecli.metrics.clusters import name_clusters


def test_images_that_named_clusters_of_noise_find_them_no_better_than_chance(small_config) -> None:
    label = np.arange(20) % 5
    config = small_config("default", model="clustering", labels=0)
    found = {True: [], False: []}
    for seed in range(40):
        noise = np.random.default_rng(seed).dirichlet(np.full(16, 0.1), 20).astype(np.float32)
        clusters = name_clusters(noise, label)
        model = Checkpoint(config, tuple("abcde"), (1, 8, 8), None, None, clusters=clusters)  # type: ignore[arg-type]
        for has_named in found:
            report = evaluate_predictions(model, Prediction(noise, None, None), label, has_named=has_named)
            found[has_named].append(report["accuracy"])
    assert np.mean(found[True]) == pytest.approx(0.2, abs=0.04)
    assert np.mean(found[False]) > 0.5
