"""The priors on the style: their shapes, their deviations, and the same draws from numpy and torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from aaecli.config.prior import Prior
from aaecli.models import priors as on_device
from aaecli.priors.mixture import NUM_PETALS
from aaecli.priors.style_prior import STYLE_PRIORS


@pytest.mark.parametrize("name", STYLE_PRIORS)
def test_the_deviation_is_that_of_the_draws(name):
    style = STYLE_PRIORS[name].sample(40_000, 2, 1.0, np.random.default_rng(0))
    assert style.shape == (40_000, 2)
    assert style.dtype == np.float32
    assert np.sqrt(np.square(style).mean()) == pytest.approx(STYLE_PRIORS[name].deviation(1.0), rel=0.01)


@pytest.mark.parametrize("name", STYLE_PRIORS)
def test_torch_turns_the_same_noise_into_the_same_styles(name):
    rng = np.random.default_rng(0)
    normal, uniform = rng.standard_normal((50, 2)), rng.random(50)
    draw = STYLE_PRIORS[name].draw
    expected = draw(normal, lambda: uniform, 2.0, np)
    found = draw(torch.from_numpy(normal), lambda: torch.from_numpy(uniform), 2.0, torch)
    assert found.numpy() == pytest.approx(expected)
    torch.manual_seed(0)
    style = on_device.style(30, 2, Prior(style=name, style_std=2.0), torch.device("cpu"))
    assert style.shape == (30, 2)
    assert style.dtype == torch.float32


def test_the_gaussian_has_any_deviation_and_dimension():
    style = STYLE_PRIORS["gaussian"].sample(20_000, 7, 5.0, np.random.default_rng(1))
    assert style.std(0) == pytest.approx(np.full(7, 5.0), rel=0.05)


def test_the_mixture_has_ten_modes():
    style = STYLE_PRIORS["mixture"].sample(20_000, 2, 1.0, np.random.default_rng(2))
    far = style[np.hypot(*style.T) > 1.5]
    petal = np.rint(np.arctan2(far[:, 1], far[:, 0]) / (2 * np.pi / NUM_PETALS)) % NUM_PETALS
    assert np.bincount(petal.astype(int), minlength=NUM_PETALS) / len(far) == pytest.approx(np.full(10, 0.1), abs=0.02)
    between = (np.arctan2(far[:, 1], far[:, 0]) / (2 * np.pi / NUM_PETALS) + 0.5) % 1
    assert np.quantile(np.abs(between - 0.5), 0.99) < 0.4, "the petals are apart"


def test_the_swiss_roll_is_evenly_dense_along_its_length():
    style = STYLE_PRIORS["swiss-roll"].sample(20_000, 2, 1.0, np.random.default_rng(3))
    radius = np.hypot(*style.T)
    # The length of a spiral up to a radius grows as its square.
    assert np.quantile(radius, [0.25, 0.5, 0.75]) == pytest.approx(3 * np.sqrt([0.25, 0.5, 0.75]), rel=0.02)


def test_without_noise_the_draws_lie_on_their_figures():
    still = np.zeros((3, 2))
    roll = STYLE_PRIORS["swiss-roll"].draw(still, lambda: np.array([1 / 16, 1 / 4, 1.0]), 1.0, np)
    # Two turns in all, out to a radius of 3: half a turn, a whole one, and both.
    assert roll == pytest.approx(np.array([[-0.75, 0], [1.5, 0], [3, 0]]), abs=1e-9)
    petals = STYLE_PRIORS["mixture"].draw(still, lambda: np.array([0.05, 0.55, 0.27]), 1.0, np)
    angle = 2 * np.pi / NUM_PETALS * np.array([0, 5, 2])
    assert petals == pytest.approx(1.5 * np.stack([np.cos(angle), np.sin(angle)], 1), abs=1e-9)


def test_noise_is_laid_along_and_across_a_petal():
    # Out along the line by one deviation, and across it to the left by another.
    noise = np.array([[1.0, 0.0], [0.0, 1.0]])
    petals = STYLE_PRIORS["mixture"].draw(noise, lambda: np.full(2, 0.25), 1.0, np)
    angle = 2 * np.pi / NUM_PETALS * 2
    outwards, left = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    assert petals == pytest.approx(np.stack([2 * outwards, 1.5 * outwards + 0.1 * left]))
