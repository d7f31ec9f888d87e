"""Trainings that start from a model: which weights they take over, and what is refused."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
import torch

from aaecli.checkpoint.file import load_model, save_model
from aaecli.config.models import FAMILY
from aaecli.config.schema import from_table, to_table
from aaecli.config.toml_file import read_toml
from aaecli.data.loading import load_dataset
from aaecli.data.split import split
from aaecli.errors import AaeError
from aaecli.runs.paths import released_folders
from aaecli.serve.session import open_encoder
from aaecli.training.resume import resume
from aaecli.training.starting_model import find_start, resolve_with_start
from aaecli.training.trainer import Trainer
from aaecli.training.transfer import load_start
from tests.training.test_run import Watcher, assert_same_weights, small, train  # noqa: F401


def from_start(config, path, **start):
    return from_table({**to_table(config), "start": {"model": str(path), **start}})


def trainer(config, classes=None):
    dataset = load_dataset(config.data)
    if classes is not None:
        dataset = dataclasses.replace(dataset, classes=classes)
    config, start = load_start(config)
    parts = split(dataset, config.labels, config.seed, config.holdout)
    return Trainer(config, dataset, parts, torch.device("cpu"), torch.float32, start)


@pytest.fixture
def begun(tmp_path, small):  # noqa: F811
    """Give a function that writes a model of four classes, with weights drawn by seed 5, and returns its file."""

    def make(preset="best", **flags):
        path = tmp_path / "first.pt"
        save_model(path, trainer(small(preset=preset, seed=5, **flags)).result())
        return path

    return make


@pytest.mark.parametrize("preset", ["best", "quick"])
def test_weights_and_averages_are_those_of_the_model(begun, small, preset):  # noqa: F811
    path = begun(preset)
    model, step = load_model(path), trainer(from_start(small(preset=preset), path)).step
    for networks in (step.networks, step.ema):
        for part in ("encoder", "decoder"):
            state, expected = getattr(networks, part).state_dict(), getattr(model, part).state_dict()
            assert all(torch.equal(state[name], expected[name]) for name in expected)


def test_classes_are_matched_by_name_and_new_ones_begin_anew(begun, small):  # noqa: F811
    model = load_model(path := begun())
    assert model.classes == ("0", "1", "2", "3")
    classes = ("2", "new", "0", "other")
    networks = trainer(from_start(small(preset="best"), path), classes).step.networks
    fresh = trainer(small(preset="best"), classes).step.networks
    for part in (
        lambda nets: nets.encoder.label_head.weight,
        lambda nets: nets.encoder.label_head.bias,
        lambda nets: nets.decoder.body.layers[0].weight.T,
    ):
        own, theirs, unused = part(networks), part(model), part(fresh)
        assert torch.equal(own[0], theirs[2])
        assert torch.equal(own[2], theirs[0])
        assert torch.equal(own[1], unused[1])
        assert torch.equal(own[3], unused[3])
        # After the values of the label, the decoder reads the style.
        assert torch.equal(own[4:], theirs[4:])


@pytest.mark.parametrize("labels", [(1, 3), (0, 1, 2, 3, 7, 9)])
def test_the_number_of_classes_may_change(begun, small, write_dataset, labels):  # noqa: F811
    model = load_model(path := begun())
    folder = write_dataset("others", train=labels * 9, test=labels, size=(9, 9))
    config = from_start(small(preset="best", data=str(folder), labels=len(labels)), path)
    rows = trainer(config).step.networks.encoder.label_head.weight
    assert len(rows) == len(labels)
    assert torch.equal(rows[list(labels).index(3)], model.encoder.label_head.weight[3])


def shaped(small, model):  # noqa: F811
    """Shrink a model of any kind so that encoders are alike, and decoders but for the label."""
    layers = {"hidden": [8], "batch_norm": True}
    network = {"encoder": "mlp", "encoder_options": layers}
    if model != "baseline":
        network |= {"decoder_options": layers, "style_dim": 2}
    return small(preset="default", model=model, network=network, **({} if FAMILY[model].uses_labels else {"labels": 0}))


@pytest.mark.parametrize("first", FAMILY)
def test_any_model_starts_from_any_other(tmp_path, small, first):  # noqa: F811
    path = tmp_path / "first.pt"
    save_model(path, trainer(shaped(small, first)).result())
    expected = load_model(path)
    for then in FAMILY:
        networks = trainer(from_start(shaped(small, then), path)).step.networks
        for name, value in expected.encoder.body.state_dict().items():
            assert torch.equal(networks.encoder.body.state_dict()[name], value)
        if expected.decoder is not None and networks.decoder is not None:
            last = expected.decoder.body.output.weight
            assert torch.equal(networks.decoder.body.output.weight, last)


def test_the_settings_are_those_that_the_weights_need(begun, small):  # noqa: F811
    path = begun()
    flags = {"start": {"model": str(path)}, "data": str(small().data)}
    config = resolve_with_start(preset=None, config_file=None, flags=flags)
    assert config.preset == "fine-tune"
    assert config.network == load_model(path).config.network
    assert config.start.sha256
    quick = resolve_with_start(preset="quick", config_file=None, flags=flags)
    assert quick.preset == "quick"
    assert quick.network == config.network
    # A file of settings, such as that of an earlier run, may have started from another model.
    file = {"start": {"model": "other.pt", "sha256": "0" * 64}}
    assert resolve_with_start(preset=None, config_file=file, flags=flags).start == config.start


def test_a_run_tells_what_it_started_from_and_goes_on_without_it(tmp_path, small, begun):  # noqa: F811
    path = begun("quick")
    config = from_start(small(preset="quick"), path)
    whole = train(config, tmp_path / "whole")
    run = tmp_path / "whole" / "runs" / "semisupervised-8-001"
    recorded = from_table(read_toml(run / "config.toml")).start
    assert recorded.model == str(path)
    assert load_model(run / "model.pt").config.start == recorded
    assert (whole["start"], whole["start_sha256"]) == (recorded.model, recorded.sha256)
    for stop_after in (2, None):
        root = tmp_path / f"stopped {stop_after}"
        train(config, root, Watcher(stop_after=stop_after)) if stop_after else begin_only(config, root)
        stopped = root / "runs" / "semisupervised-8-001"
        shutil.move(path, tmp_path / "gone")
        resume(stopped, None, Watcher())
        shutil.move(tmp_path / "gone", path)
        assert_same_weights(stopped / "model.pt", run / "model.pt")


def begin_only(config, root):
    """Begin a training that is stopped before its first step."""
    watcher = Watcher()
    watcher.stopping = lambda: True
    train(config, root, watcher)


def test_a_run_that_lost_its_first_weights_is_not_resumed(tmp_path, small, begun):  # noqa: F811
    begin_only(from_start(small(preset="quick"), begun("quick")), tmp_path)
    run = tmp_path / "runs" / "semisupervised-8-001"
    (run / "last.pt").unlink()
    with pytest.raises(AaeError, match="holds the weights that it started from"):
        resume(run, None, Watcher())


def test_the_folder_of_a_run_and_its_state_are_models_to_start_from(tmp_path, small):  # noqa: F811
    train(small(preset="quick"), tmp_path, Watcher(stop_after=2))
    run = tmp_path / "runs" / "semisupervised-8-001"
    assert find_start(str(run)) == run / "last.pt"
    networks = trainer(from_start(small(preset="quick"), run)).step.networks
    expected = torch.load(run / "last.pt", weights_only=True)["ema"]
    assert torch.equal(networks.encoder.label_head.weight, expected["encoder.label_head.weight"])


def test_what_does_not_fit_is_refused_with_a_remedy(begun, small, write_dataset, tmp_path):  # noqa: F811
    path = begun()
    with pytest.raises(AaeError, match="another model than") as caught:
        load_start(from_start(small(preset="best"), path, sha256="0" * 64))
    assert f"--start {path}" in caught.value.hint
    other = write_dataset("larger", train=tuple(range(4)) * 9, test=tuple(range(4)), size=(10, 9))
    with pytest.raises(AaeError, match=r"images are 9 × 10 in grey; '.*' reads 9 × 9 in grey") as caught:
        trainer(from_start(small(preset="best", data=str(other)), path))
    assert "--size" in caught.value.hint
    network = to_table(small(preset="best"))["network"]
    for changed, said in (
        ({"style_dim": 4}, r"network\.style_dim is 4, and that of '.*' 3"),
        ({"encoder_options": {"channels": [4, 8], "features": 16}}, r"network\.encoder_options\.channels is \[4, 8\]"),
    ):
        with pytest.raises(AaeError, match=said) as caught:
            trainer(from_start(small(preset="best", network={**network, **changed}), path))
        assert "Leave out network." in caught.value.hint


@pytest.mark.parametrize(
    ("name", "said"), [("none.pt", "There is no model none.pt"), ("x.onnx", "is an export"), ("empty", "no model in")]
)
def test_what_is_no_model_is_refused(in_empty_folder, name, said):
    (in_empty_folder / "x.onnx").touch()
    (in_empty_folder / "empty").mkdir()
    with pytest.raises(AaeError, match=said):
        find_start(name)


def test_the_released_model_is_the_second_of_the_released_cascade():
    path = find_start("released")
    model, image = load_model(path), load_dataset().train_image[-2000:]
    expected, _ = open_encoder(released_folders()[-1] / "encoder.onnx")(image)
    # What the first encoder of the cascade is less sure of than this comes from the second, copies included.
    unclear = expected.max(1) < 0.95
    assert unclear.sum() > 5
    model.encoder.test_time_confidence = 1.0
    with torch.inference_mode():
        prob = model.encoder(torch.from_numpy(image[unclear])[:, None] / 255).label_logits.softmax(1).numpy()
    np.testing.assert_allclose(prob, expected[unclear], atol=1e-4)
    assert path.stat().st_size < 5e6
