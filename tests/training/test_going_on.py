"""Runs that stopped: what they leave, where their images are, and that their last state is a model."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from aaecli.checkpoint import loading
from aaecli.checkpoint.container import describe
from aaecli.checkpoint.file import load_model
from aaecli.checkpoint.provenance import data_folder
from aaecli.config.schema import from_table
from aaecli.config.toml_file import read_toml
from aaecli.data.loading import load_dataset
from aaecli.errors import AaeError
from aaecli.models.encoders.mlp import MlpEncoderOptions
from aaecli.runs.listing import read_run
from aaecli.runs.paths import find_model
from aaecli.training import run, state
from aaecli.training.resume import resume
from aaecli.training.tensorboard import TensorBoardLogger
from tests.training.test_run import Watcher, small  # noqa: F401


@pytest.fixture
def stopped(small, tmp_path):  # noqa: F811
    """A training of a data set of its own, stopped after three of its six steps."""
    summary = run.train(small(), tmp_path / "runs", None, None, Watcher(stop_after=3))
    return Path(summary["run"])


def refuse_tensorboard(monkeypatch):
    def check() -> None:
        raise AaeError("TensorBoard is not installed.", "Install it.")

    monkeypatch.setattr(TensorBoardLogger, "check_installed", staticmethod(check))


@pytest.mark.parametrize("cause", ["tensorboard", "labels", "device", "size", "first step"])
def test_a_failed_start_leaves_no_run_folder(small, tmp_path, monkeypatch, cause):  # noqa: F811
    config, extra = small(), {}
    if cause == "tensorboard":
        refuse_tensorboard(monkeypatch)
        extra = {"tensorboard": True}
    elif cause == "labels":
        config = small(labels=1000)
    elif cause == "device":
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        config = small(device="cuda")
    elif cause == "size":
        monkeypatch.setattr(loading, "MAX_NETWORK_BYTES", 1000)
    else:

        def fail(*_: object) -> None:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

        monkeypatch.setattr("aaecli.training.step.Step.__call__", fail)
    with pytest.raises(AaeError):
        run.train(config, tmp_path / "runs", None, None, Watcher(), **extra)
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())


def test_networks_too_large_to_be_saved_are_refused_before_they_are_made(small, tmp_path):  # noqa: F811
    wide = dataclasses.replace(
        small().network, encoder="mlp", encoder_options=MlpEncoderOptions(hidden=(60_000, 60_000))
    )
    with pytest.raises(AaeError, match=r"The encoder would take 1\d,\d+ MiB; at most 255") as caught:
        run.train(dataclasses.replace(small(), network=wide), tmp_path / "runs", None, None, Watcher())
    assert "smaller layers" in caught.value.hint


def test_what_a_training_writes_is_within_what_it_reads(stopped):
    config = from_table(read_toml(stopped / "config.toml"))
    dataset = load_dataset(config.data)
    slack = loading.MAX_NAMES_BYTES + 2**25
    assert (stopped / "last.pt").stat().st_size < state.max_state_bytes(config, dataset) - slack + 2**16


def test_a_run_from_elsewhere_names_no_folder(stopped, tmp_path, monkeypatch):
    monkeypatch.setenv("AAECLI_CACHE", str(tmp_path / "of somebody else"))
    monkeypatch.setattr("aaecli.training.resume.load_dataset", None)
    with pytest.raises(AaeError, match="does not remember where") as caught:
        resume(stopped, None, Watcher())
    assert "--data DIR" in caught.value.hint
    model = load_model(stopped / "last.pt")
    with pytest.raises(AaeError, match="does not remember where"):
        model.data_folder(None, stopped)
    assert model.data_folder("mine", stopped) == "mine"


def test_a_number_that_is_none_reads_no_record(stopped, tmp_path, monkeypatch):
    monkeypatch.setenv("AAECLI_CACHE", str(tmp_path / "cache"))
    (tmp_path / "secret").write_text("/usr")
    for number in ("../../secret", str(tmp_path / "secret"), "", 5, None, "0" * 32):
        with pytest.raises(AaeError, match="does not remember where"):
            data_folder("data", number, None, stopped)


def test_a_run_is_gone_on_with_from_any_folder_and_after_its_own_has_moved(stopped, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    shutil.move(stopped, tmp_path / "elsewhere" / "mine")
    assert resume(Path("mine"), None, Watcher())["state"] == "done"


def test_data_that_moved_are_named_once(stopped, tmp_path):
    old = Path(from_table(read_toml(stopped / "config.toml")).data)
    shutil.move(old, tmp_path / "moved")
    with pytest.raises(AaeError, match=old.name):
        resume(stopped, None, Watcher())
    again = resume(stopped, None, Watcher(stop_after=4), data=str(tmp_path / "moved"))
    assert again["state"] == "stopped"
    assert resume(stopped, None, Watcher())["state"] == "done"


def test_other_images_are_refused(stopped, write_dataset):
    other = write_dataset("other", train=(3, 2, 1, 0) * 9, test=tuple(range(4)), size=(9, 9))
    with pytest.raises(AaeError, match="other images") as caught:
        resume(stopped, None, Watcher(), data=str(other))
    assert "--data" in caught.value.hint


def test_the_split_is_the_one_it_was_begun_with(stopped, monkeypatch):
    """Whatever is drawn by the numpy of that day."""

    def other(*_: object) -> None:
        raise AssertionError("drawn anew")

    monkeypatch.setattr(run, "split", other)
    labels = (stopped / "labels.csv").read_bytes()
    assert resume(stopped, None, Watcher())["state"] == "done"
    assert (stopped / "labels.csv").read_bytes() == labels


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("validation", [0, 1]),
        ("pool", [0, 0]),
        ("pool", [0, 10**6]),
        ("labelled", [-1]),
        ("labelled", [[0]]),
        ("validation", [0.5]),
    ],
)
def test_a_split_that_is_none_is_refused(stopped, part, values):
    path = stopped / "last.pt"
    content = torch.load(path, weights_only=True)
    content["split"][part] = torch.tensor(values)
    torch.save(content, path)
    with pytest.raises(AaeError, match="does not fit the settings of its run: its split"):
        resume(stopped, None, Watcher())


def test_a_stopped_run_is_a_model(stopped):
    path = find_model(stopped)
    assert path == stopped / "last.pt"
    model = load_model(path)
    assert model.unfinished == "step 3 of 6"
    content = torch.load(path, weights_only=True)
    ema = content["ema"] or content["networks"]
    for name, value in model.encoder.state_dict().items():
        assert torch.equal(value, ema[f"encoder.{name}"])
    assert read_run(stopped).steps == describe(path, "training")["number"] == 3
    resume(stopped, None, Watcher())
    assert load_model(find_model(stopped)).unfinished == ""


def test_clusters_of_a_stopped_run_keep_their_names(small, tmp_path):  # noqa: F811
    config = small(model="clustering", clusters=5, labels=0)
    summary = run.train(config, tmp_path / "runs", None, None, Watcher(stop_after=3))
    model = load_model(Path(summary["run"]) / "last.pt")
    assert model.clusters is not None
    assert len(model.label_names) == 5
    assert np.isin(model.label_names, list(model.classes)).all()
