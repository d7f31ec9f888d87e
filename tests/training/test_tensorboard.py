"""TensorBoard: what stands in its files, that it changes no weight, and what is said where it is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aaecli.errors import AaeError
from aaecli.training import run
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
