"""Temperature scaling: what it is fitted to, where it is not fitted, and that it can be undone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from aaecli.metrics import temperature as scaling
from aaecli.metrics.calibration import expected_calibration_error
from aaecli.metrics.report import calibration
from aaecli.metrics.temperature import fit_temperature, with_temperature


def sampled(true_temperature: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw logits, the probabilities of them at temperature 1, and labels from those at another one."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (count, 5))
    prob = with_temperature(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), 1.0)
    label = (with_temperature(prob, true_temperature).cumsum(1) > rng.random((count, 1))).argmax(1)
    return logits, prob.astype(np.float32), label


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 2.5])
def test_it_finds_the_temperature_that_the_labels_were_drawn_with(true_temperature):
    logits, prob, label = sampled(true_temperature)
    found = fit_temperature(prob, label)
    assert found.num_images == len(label)
    assert found.value == pytest.approx(true_temperature, rel=0.08)
    after = expected_calibration_error(with_temperature(prob, found.value), label)
    assert after < 0.03
    # No neighbour has a lower negative log-likelihood, by torch's own.
    around = [
        float(F.cross_entropy(torch.from_numpy(logits / (found.value * factor)), torch.from_numpy(label)))
        for factor in (0.99, 1.0, 1.01)
    ]
    assert min(around) == around[1]


def test_few_images_few_mistakes_and_none_are_left_as_they_are():
    _, prob, label = sampled(2.5)
    assert fit_temperature(prob[:499], label[:499]) == (1.0, 0)
    right = prob.argmax(1)
    right[:9] = (right[:9] + 1) % 5
    assert fit_temperature(prob, right) == (1.0, 0)
    right[9] = (right[9] + 1) % 5
    assert fit_temperature(prob, right).num_images == len(label)
    assert fit_temperature(prob[:0], label[:0]) == (1.0, 0)


def test_it_stays_within_its_bounds_and_takes_probabilities_of_zero(monkeypatch):
    prob, label = np.zeros((600, 3), np.float32), np.arange(600) % 3
    prob[:, 0] = 1
    monkeypatch.setattr(scaling, "_CHUNK", 100)
    assert fit_temperature(prob, label).value == pytest.approx(scaling.HIGHEST)
    soft = np.full((600, 3), 0.33, np.float32) + 0.01 * np.eye(3, dtype=np.float32)[label]
    misread = label.copy()
    misread[:12] = (misread[:12] + 1) % 3
    assert fit_temperature(soft, misread).value == pytest.approx(scaling.LOWEST)


def test_the_inverse_gives_what_was_before_and_no_class_changes():
    _, prob, label = sampled(2.5)
    cooled = with_temperature(prob, 1.7)
    np.testing.assert_allclose(with_temperature(cooled, 1 / 1.7), prob, atol=1e-6)
    np.testing.assert_array_equal(cooled.argmax(1), prob.argmax(1))
    assert calibration(cooled, label, 1.7) == {
        "temperature": 1.7,
        "expected_calibration_error_uncalibrated": pytest.approx(expected_calibration_error(prob, label), abs=1e-6),
    }
