"""A prior on the label that is not uniform: all that draws from it, plots it or measures against it follows it."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from aaecli.api.estimator import AAEClassifier
from aaecli.checkpoint.file import Checkpoint
from aaecli.data.loading import load_dataset
from aaecli.evaluation.analysis import Analysis
from aaecli.evaluation.distributions import distribution_metrics
from aaecli.evaluation.predict import Prediction
from aaecli.export import reduced_precision
from aaecli.export.reduced_precision import feed_of_codes
from aaecli.figures.codes import distribution_figure
from aaecli.models import priors
from aaecli.models.networks import Networks
from aaecli.models.priors import one_hot
from aaecli.serve.generate import clusters_of, in_turn
from aaecli.training.step import Step
from tests.training.test_step import make_batch, make_step

FREQUENCY = np.array([0.7, 0.1, 0.1, 0.1])


@pytest.fixture
def model(small_config, write_dataset) -> Checkpoint:
    dataset = load_dataset(write_dataset(train=tuple(range(4)) * 9, test=tuple(range(4)) * 5, size=(9, 7)))
    config = small_config("default")
    networks = Networks(config.model, dataset.image_shape, 4, config.network).eval().requires_grad_(False)
    return Checkpoint(
        config,
        dataset.classes,
        dataset.image_shape,
        networks.encoder,
        networks.decoder,
        label_prior=tuple(FREQUENCY.tolist()),
    )


def shares(label_prob: np.ndarray) -> np.ndarray:
    return np.bincount(label_prob.argmax(1), minlength=label_prob.shape[1]) / len(label_prob)


def test_the_distance_of_the_labels_is_to_the_prior_and_not_to_even_shares(model) -> None:
    analysis = Analysis(model, np.zeros((10, 9, 7), np.uint8), np.zeros(10, np.int64))
    analysis.prediction = Prediction(np.eye(4, dtype=np.float32)[[0] * 7 + [1, 2, 3]], None, None)
    assert distribution_metrics(analysis)["label_total_variation"] == pytest.approx(0, abs=1e-6)
    even = dataclasses.replace(model, label_prior=None)
    analysis.model = even
    assert distribution_metrics(analysis)["label_total_variation"] == pytest.approx(0.45)


def test_the_figure_shows_the_priors_share_of_each_value() -> None:
    label_prob = np.full((8, 4), 0.25)
    figure = distribution_figure(label_prob, list("abcd"), None, np.zeros((8, 1)), "A run", FREQUENCY)
    (lines,) = figure.axes[0].collections
    assert [segment[0, 1] for segment in lines.get_segments()] == pytest.approx((100 * FREQUENCY).tolist())


@pytest.mark.parametrize("preset", ["default", "tutorial"])
def test_every_draw_of_a_training_step_is_from_the_prior(small_config, monkeypatch, preset) -> None:
    frequency = torch.arange(1.0, 11.0) / 55
    drawn = []
    monkeypatch.setattr(priors, "one_hot", lambda *args: drawn.append(args[3]) or one_hot(*args))
    config = small_config(preset)
    step = Step(make_step(config).networks, config, 10, torch.float32, frequency)
    step(make_batch(), 0)
    assert len(drawn) == (2 if preset == "default" else 1), "the discriminator's, and those that are generated"
    assert all(torch.equal(used, frequency) for used in drawn)


def test_what_is_sampled_in_turn_has_the_shares_of_the_prior() -> None:
    metadata = SimpleNamespace(label_prior=tuple(FREQUENCY.tolist()))
    decoder = SimpleNamespace(classes=tuple("abca"), metadata=metadata)
    assert shares(in_turn(decoder, range(4), 40)) == pytest.approx(FREQUENCY)
    of_one_class = clusters_of(decoder, 0, 40)
    assert shares(of_one_class) == pytest.approx([0.875, 0, 0, 0.125])


def test_what_calibrates_a_decoder_has_the_shares_of_the_prior(monkeypatch) -> None:
    codes = {"style": np.zeros((2000, 3), np.float32), "label_prob": np.full((2000, 4), 0.25, np.float32)}
    monkeypatch.setattr(reduced_precision, "run", lambda *args: codes)
    feed = feed_of_codes(b"", np.zeros((2000, 9, 9), np.uint8), ("gaussian", 1.0), FREQUENCY)
    assert shares(feed["label"][2000:]) == pytest.approx(FREQUENCY, abs=0.05)


def test_rows_sampled_by_the_estimator_have_the_shares_of_the_prior(monkeypatch, model) -> None:
    estimator = AAEClassifier()
    estimator.classes_ = np.array(list("abcd"))
    monkeypatch.setattr(AAEClassifier, "_n_features_out", 3)
    monkeypatch.setattr(AAEClassifier, "_model", lambda self: model)
    monkeypatch.setattr(AAEClassifier, "inverse_transform", lambda self, style, label: label)
    rows = estimator.sample(2000, random_state=0)
    assert [float((rows == name).mean()) for name in "abcd"] == pytest.approx(FREQUENCY.tolist(), abs=0.05)
