"""Test-time augmentation: what the views show, and who looks at them."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from aaecli.config.resolve import resolve
from aaecli.errors import AaeError
from aaecli.models.batch import Batch
from aaecli.models.networks import Networks, without_test_time_augmentation
from aaecli.models.test_time_augmentation import NUM_COPIES, mean_label_logits, shifted_copies, unsure_images
from aaecli.training import run, validation
from aaecli.training.step import Step
from tests.training.test_run import Watcher

SHIFTS = [(0, 1), (0, -1), (1, 0), (-1, 0)]


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 5, 9), (1, 1, 1), (1, 2, 7)])
@pytest.mark.parametrize("shift", [1, 2, 9])
def test_each_view_is_moved_to_its_side_and_zeros_enter(shape, shift):
    image = torch.rand(4, *shape) + 0.1
    seen = shifted_copies(image, shift).view(NUM_COPIES, *image.shape)
    height, width = shape[1:]
    for view, (down, right) in zip(seen, SHIFTS, strict=True):
        expected = torch.zeros_like(image)
        for row in range(height):
            for column in range(width):
                top, left = row - down * shift, column - right * shift
                if 0 <= top < height and 0 <= left < width:
                    expected[:, :, row, column] = image[:, :, top, left]
        assert torch.equal(view, expected)


def test_the_mean_is_that_of_the_probabilities():
    logits, of_copies = 3 * torch.randn(6, 10), 3 * torch.randn(NUM_COPIES * 6, 10)
    expected = torch.stack([logits.softmax(1), *of_copies.softmax(1).view(NUM_COPIES, 6, 10)]).mean(0)
    torch.testing.assert_close(mean_label_logits(logits, of_copies).softmax(1), expected)


@pytest.mark.parametrize(("confidence", "rows"), [(0.0, []), (0.5, [0]), (0.85, [0, 2]), (1.0, [0, 1, 2])])
def test_an_image_is_unsure_up_to_the_limit(confidence, rows):
    # The second row is as sure as float32 can say.
    logits = torch.tensor([[0.0, 0.0], [500.0, 0.0], [1.5, 0.0]])
    assert unsure_images(logits, confidence).tolist() == rows


def make_encoder(small_config, model="semisupervised", **network):
    torch.manual_seed(0)
    settings = dataclasses.replace(small_config("best").network, **network)
    return Networks(model, (1, 28, 28), 10, settings).encoder


def test_the_label_of_unsure_images_is_of_all_looks_and_the_style_is_the_images_own(small_config):
    encoder = make_encoder(small_config, test_time_shift=2).eval()
    image = torch.rand(6, 1, 28, 28)
    own = encoder.encode_once(image)
    each = [encoder.encode_once(part).label() for part in (image, *shifted_copies(image, 2).split(6))]
    mean = torch.stack(each).mean(0)
    assert not torch.allclose(mean, own.label())
    largest = own.label().amax(1).detach()
    for limit in (0.0, float(largest.median()), 1.0):
        encoder.test_time_confidence = limit
        read = encoder(image)
        torch.testing.assert_close(read.label(), torch.where((largest <= limit)[:, None], mean, own.label()))
        torch.testing.assert_close(read.style, own.style)


@pytest.mark.parametrize(("training", "model", "shift", "looks"), [
    (True, "semisupervised", 1, 1),
    (False, "semisupervised", 1, 1 + NUM_COPIES),
    (False, "semisupervised", 0, 1),
    (False, "autoencoder", 1, 1),
])  # fmt: skip
def test_how_often_an_encoder_looks(small_config, monkeypatch, training, model, shift, looks):
    encoder = make_encoder(small_config, model, test_time_shift=shift).train(training)
    seen = []
    body = encoder.body.features
    monkeypatch.setattr(encoder.body, "features", lambda image: seen.append(len(image)) or body(image))
    encoder(torch.rand(6, 1, 28, 28))
    assert sum(seen) == 6 * looks


def test_the_teacher_looks_once(small_config, monkeypatch):
    config = small_config("best")
    assert config.network.test_time_shift
    step = Step(Networks(config.model, (1, 28, 28), 10, config.network), config, 10, torch.float32)
    seen = []
    body = step.ema.encoder.body.features
    monkeypatch.setattr(step.ema.encoder.body, "features", lambda image: seen.append(len(image)) or body(image))
    image = torch.rand(7, 1, 28, 28)
    context = step._context(Batch(None, None, None), image, step.networks.encoder(image))
    step.terms["consistency"](context)
    step.terms["generation"](context)
    assert seen == [7, config.schedule.generated_batch_size]


def test_an_encoder_that_looked_once_looks_at_all_views_again(small_config):
    encoder = make_encoder(small_config).eval()
    image = torch.rand(6, 1, 28, 28)
    before = encoder(image).label()
    with without_test_time_augmentation(encoder):
        assert torch.equal(encoder(image).label(), encoder.encode_once(image).label())
    assert torch.equal(encoder(image).label(), before)
    with pytest.raises(RuntimeError), without_test_time_augmentation(encoder):
        raise RuntimeError
    assert torch.equal(encoder(image).label(), before)


def test_every_row_is_of_one_look_and_the_result_says_both(small_config, write_dataset, tmp_path, monkeypatch):
    folder = write_dataset(train=tuple(range(4)) * 9, test=tuple(range(4)) * 2, size=(9, 9))
    config = small_config("best", data=str(folder), labels=8)
    shifts = []
    real = validation.predict
    monkeypatch.setattr(
        validation, "predict", lambda encoder, *rest: shifts.append(encoder.test_time_shift) or real(encoder, *rest)
    )
    watcher = Watcher()
    summary = run.train(config, tmp_path / "runs", None, None, watcher)
    assert len(watcher.rows) > 1
    assert shifts == [0] * len(watcher.rows) + [1, 0]
    assert summary["validation_accuracy"] == watcher.rows[-1]["validation_accuracy"]
    assert 0 <= summary["validation_accuracy_deployed"] <= 1
    once = run.train(small_config("default", data=str(folder), labels=8), tmp_path / "runs", None, None, watcher)
    assert "validation_accuracy_deployed" not in once


@pytest.mark.parametrize("shift", [-1, 33])
def test_a_shift_out_of_range_is_refused(shift):
    with pytest.raises(AaeError, match=r"network\.test_time_shift"):
        resolve(flags={"network": {"test_time_shift": shift}})


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_a_confidence_out_of_range_is_refused(confidence):
    with pytest.raises(AaeError, match=r"network\.test_time_confidence"):
        resolve(flags={"network": {"test_time_shift": 1, "test_time_confidence": confidence}})
