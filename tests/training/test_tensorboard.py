"""TensorBoard: what stands in its files, that it changes no weight, and what is said where it is missing."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from aaecli.errors import AaeError
from aaecli.evaluation.predict import Prediction
from aaecli.training import run, tensorboard
from aaecli.training.tensorboard import TensorBoardLogger
from tests.training.test_run import Watcher, assert_same_weights, small  # noqa: F401


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"histograms": 0, "scalars": 0, "images": 0})
    found.Reload()
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("model", "codes"), [("semisupervised", "yz"), ("aae", "z"), ("supervised", "z"), ("baseline", "y")]
)
def test_everything_is_written_and_no_weight_changes(tmp_path, small, model, codes):  # noqa: F811
    labels = {"aae": 0, "supervised": "all"}.get(model, 8)
    config = small(model=model, labels=labels)
    plain = run.train(config, tmp_path / "runs", None, None, Watcher())
    told = run.train(config, tmp_path / "runs", None, None, Watcher(), tensorboard=True)
    assert_same_weights(plain["model_path"], told["model_path"])
    assert not (Path(plain["run"]) / "tensorboard").exists()
    found = events(Path(told["run"]) / "tensorboard")
    tags = found.Tags()
    measured = "accuracy" if "y" in codes else "reconstruction_error"
    assert {f"validation/{measured}", "speed/images_per_second"} < set(tags["scalars"])
    assert any(tag.startswith("loss/") for tag in tags["scalars"])
    assert set(tags["histograms"]) == {f"{code}/{of}" for code in codes for of in ("encoded", "prior")}
    assert bool(tags["images"]) == (model != "baseline")
    assert [event.step for event in found.Scalars(f"validation/{measured}")][-1] == 6
    assert "settings/text_summary" in tags["tensors"]


def test_without_tensorboard_the_remedy_is_named(tmp_path, small, monkeypatch):  # noqa: F811
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(AaeError, match="TensorBoard is not installed") as caught:
        run.train(small(), tmp_path / "runs", None, None, Watcher(), tensorboard=True)
    assert "pip install tensorboard" in caught.value.hint


def test_images_are_a_draw_and_labels_are_beside_draws_of_their_prior(monkeypatch):
    chosen = tensorboard._drawn(1000, 50).tolist()
    assert chosen == tensorboard._drawn(1000, 50).tolist()
    assert max(chosen) > 500
    answers = Prediction(np.eye(4, dtype=np.float32)[np.arange(2000) % 4], None, None)
    monkeypatch.setattr(tensorboard, "predict", lambda *_: answers)
    written = {}
    logger = object.__new__(TensorBoardLogger)
    logger._writer = SimpleNamespace(add_histogram=lambda tag, values, number: written.update({tag: values}))
    frequency = torch.tensor([0.7, 0.1, 0.1, 0.1])
    training = SimpleNamespace(
        validation=SimpleNamespace(image=torch.zeros(2000, 4, 4, dtype=torch.uint8)),
        step=SimpleNamespace(priors=SimpleNamespace(label_frequency=frequency)),
        encoder=None,
    )
    logger._write_codes(training, 1)
    assert written["y/prior"].mean(0) == pytest.approx(frequency.numpy(), abs=0.05)
