"""What only a GPU can show: run it on a machine that has one, with ``pytest -m gpu tests/training/test_cuda.py``."""

from __future__ import annotations

import copy
import dataclasses
import json
import warnings

import numpy as np
import pytest
import torch

from aaecli.checkpoint.file import load_model
from aaecli.config.models import FAMILY
from aaecli.config.resolve import resolve
from aaecli.data.loading import load_dataset
from aaecli.data.split import split
from aaecli.errors import AaeError
from aaecli.evaluation.predict import predict
from aaecli.training import run as training
from aaecli.training.cuda_graph import Captured
from aaecli.training.out_of_memory import suggesting_what_fits
from aaecli.training.resume import resume
from aaecli.training.trainer import Trainer
from tests.training.test_run import Watcher, assert_same_weights, rows_without_times
from tests.training.test_step import make_batch, make_step

pytestmark = pytest.mark.gpu

PRESETS = ("best", "default", "paper", "quick", "tutorial")


@pytest.fixture
def waiting_fails():
    """Give what has every operation fail, from then on, that makes the processor wait for the GPU."""
    torch.cuda.synchronize()

    def begin():
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Synchronization debug mode")  # that it does not see everything
            torch.cuda.set_sync_debug_mode("error")

    yield begin
    torch.cuda.set_sync_debug_mode("default")


@pytest.fixture
def exact(monkeypatch):
    """Leave nothing to the order in which a GPU adds up."""
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.fixture
def small(write_dataset, small_config):
    folder = write_dataset(train=tuple(range(4)) * 9, test=tuple(range(4)) * 2, size=(9, 9))

    def make(preset="default", **flags):
        return small_config(preset, **{"data": str(folder), "labels": 8, "device": "cuda"} | flags)

    return make


def losses_of(step, batches):
    return [{name: float(loss) for name, loss in step(batch, number).items()} for number, batch in enumerate(batches)]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("model", FAMILY)
def test_a_recorded_step_learns_what_a_plain_one_does(preset, model, exact):
    config = resolve(preset=preset, flags={"model": model, "schedule": {"steps": 10}})
    recorded = make_step(dataclasses.replace(config, cuda_graph=True), "cuda")
    plain = make_step(dataclasses.replace(config, cuda_graph=False), "cuda")
    plain.networks.load_state_dict(copy.deepcopy(recorded.networks.state_dict()))
    if plain.ema is not None:
        plain.ema.load_state_dict(copy.deepcopy(recorded.ema.state_dict()))
    batch = make_batch(model, "cuda")
    told = None if batch.unlabelled is None else torch.zeros(len(batch.unlabelled), dtype=torch.int64, device="cuda")
    # The answers of neighbours come and go in the middle of a training.
    batches = [batch] * 6 + [batch._replace(propagated_label=told)] * 6 + [batch] * 5
    torch.manual_seed(1)
    expected = losses_of(plain, batches)
    torch.manual_seed(1)
    got = losses_of(recorded, batches)
    assert isinstance(recorded._take, Captured)
    assert recorded._take.is_recorded
    assert not isinstance(plain._take, Captured), "what replay is compared with takes each operation by itself"
    assert [list(row) for row in got] == [list(row) for row in expected]
    # The first dozen steps: then what rounding made of the two drifts apart.
    for number in range(12):
        assert got[number] == pytest.approx(expected[number], rel=2e-2, abs=1e-3), number


def test_a_recorded_step_draws_new_random_numbers_each_time():
    still = {"lr": 1e-30, "discriminator_lr": 1e-30}  # too small to move a weight
    step = make_step(resolve(preset="default", flags={"optimiser": still, "cuda_graph": True}), "cuda")
    batch = make_batch("semisupervised", "cuda")
    losses = [step(batch, 0)["reconstruction"] for _ in range(8)]
    assert step._take.is_recorded
    assert len({float(loss) for loss in losses}) == 8


@pytest.mark.parametrize("cuda_graph", [False, True])
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("model", ["baseline", "semisupervised", "clustering"])
def test_no_step_waits_for_the_gpu(preset, model, cuda_graph, waiting_fails):
    flags = {"model": model, "device": "cuda", "cuda_graph": cuda_graph} | (
        {"labels": 1000} if model != "clustering" else {}
    )
    config = resolve(preset=preset, flags=flags)
    dataset = load_dataset()
    parts = split(dataset, config.labels, config.seed, config.holdout)
    trainer = Trainer(config, dataset, parts, torch.device("cuda"), torch.bfloat16)
    for number in range(6):
        trainer.step(trainer.batch(number), number)
    waiting_fails()
    for number in range(6, 40):  # a pass over the labelled images ends on the way
        trainer.step(trainer.batch(number), number)


def test_classes_drawn_as_often_as_asked_can_be_recorded(small):
    config = small(cuda_graph=True, prior={"label_frequency": (0.1, 0.2, 0.3, 0.4)})
    dataset = load_dataset(config.data)
    trainer = Trainer(config, dataset, split(dataset, 8, 0, config.holdout), torch.device("cuda"), torch.float32)
    for number in range(6):
        losses = trainer.step(trainer.batch(number), number)
    assert trainer.step._take.is_recorded
    assert all(bool(loss.isfinite()) for loss in losses.values())


@pytest.mark.parametrize("cuda_graph", [False, True])
@pytest.mark.parametrize("preset", ["default", "tutorial"])
def test_a_training_stopped_and_resumed_ends_as_one_that_was_not(small, tmp_path, preset, cuda_graph, exact):
    # What the decoder draws is warped, and the gradient of that is added up in no fixed order.
    steps = {"steps": 20, "batch_size": 16}
    config = small(preset, cuda_graph=cuda_graph, objective={"generation": 0.0}, schedule=steps)
    training.train(config, tmp_path / "whole", None, tmp_path / "whole.pt", Watcher())
    training.train(config, tmp_path / "half", None, tmp_path / "half.pt", Watcher(stop_after=9))
    (run,) = (tmp_path / "half").iterdir()
    resume(run, tmp_path / "half.pt", Watcher())
    assert_same_weights(tmp_path / "whole.pt", tmp_path / "half.pt")
    (whole,) = (tmp_path / "whole").iterdir()
    assert rows_without_times(run) == rows_without_times(whole)


def test_a_training_begun_on_a_gpu_goes_on_on_a_processor(small, tmp_path, monkeypatch):
    config = small(device="auto", cuda_graph=True)
    training.train(config, tmp_path / "runs", None, None, Watcher(stop_after=4))
    (run,) = (tmp_path / "runs").iterdir()
    assert "cuda" in json.loads((run / "environment.json").read_text())["device"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    watcher = Watcher()
    resume(run, tmp_path / "model.pt", watcher)
    assert watcher.number == config.schedule.steps


@pytest.mark.parametrize("preset", ["quick", "best"])
def test_a_model_trained_on_a_gpu_answers_alike_on_a_processor(tmp_path, preset):
    steps = {"steps": 150}
    config = resolve(preset=preset, flags={"device": "cuda", "labels": 1000, "schedule": steps})
    training.train(config, tmp_path / "runs", None, tmp_path / "model.pt", Watcher())
    model, image = load_model(tmp_path / "model.pt"), torch.from_numpy(load_dataset().train_image[:2000])
    here = predict(model.encoder.cpu(), model.decoder.cpu(), image)
    there = predict(model.encoder.cuda(), model.decoder.cuda(), image.cuda())
    np.testing.assert_allclose(there.label_prob, here.label_prob, atol=5e-3)
    np.testing.assert_allclose(there.reconstruction_error, here.reconstruction_error, rtol=2e-2)
    accuracy = (np.asarray(here.label_prob).argmax(1) == load_dataset().train_label[:2000]).mean()
    assert accuracy > 0.85


def test_too_large_a_batch_is_told_with_the_size_that_fits(small):
    torch.cuda.empty_cache()
    step = make_step(resolve(preset="default"), "cuda")
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, 1.5e9 / total))
    try:
        image = torch.zeros(400_000, 28, 28, dtype=torch.uint8, device="cuda")
        batch = make_batch("semisupervised", "cuda")._replace(unlabelled=image)
        with pytest.raises(AaeError, match="400,000 images") as caught, suggesting_what_fits(step, batch, 0):
            step(batch, 0)
        assert "fits" in caught.value.hint
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
