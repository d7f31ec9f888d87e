"""The ONNX contract: names, shapes, opset, metadata, parity, and nothing left behind where it fails."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from aaecli import __version__
from aaecli.errors import AaeError
from aaecli.learn import export
from aaecli.learn.checkpoint import Checkpoint
from aaecli.learn.networks import Networks


def make_model(config):
    torch.manual_seed(0)
    networks = Networks(config.model, (1, 28, 28), 10, config.network).eval().requires_grad_(False)
    facts = {"test_accuracy": 0.5, "strangeness": {"quantile": [0.5], "reconstruction_error": [0.02]}}
    return Checkpoint(config, tuple("0123456789"), (1, 28, 28), networks.encoder, networks.decoder, facts)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    from aaecli.settings import resolve
    from tests.learn.conftest import SMALL

    model = make_model(resolve(preset="default", flags=SMALL))
    folder = tmp_path_factory.mktemp("exports")
    return model, folder, export.export_onnx(model, folder, lambda text: None)


def shape_of(value):
    return [entry.dim_param or entry.dim_value for entry in value.type.tensor_type.shape.dim]


def test_names_shapes_and_opset(exported):
    _, folder, _ = exported
    expected = {
        "encoder": ({"image": ["batch", 1, 28, 28]}, {"label_prob": ["batch", 10], "style": ["batch", 3]}),
        "decoder": ({"label": ["batch", 10], "style": ["batch", 3]}, {"image": ["batch", 1, 28, 28]}),
    }
    assert {path.name for path in folder.iterdir()} == {"encoder.onnx", "decoder.onnx"}
    for part, (inputs, outputs) in expected.items():
        model = onnx.load(folder / f"{part}.onnx")
        onnx.checker.check_model(model, full_check=True)
        assert {entry.domain: entry.version for entry in model.opset_import} == {"": 20}
        assert {value.name: shape_of(value) for value in model.graph.input} == inputs
        assert {value.name: shape_of(value) for value in model.graph.output} == outputs
        assert not any(tensor.external_data for tensor in model.graph.initializer)


def test_the_metadata_tell_a_program_all_it_needs(exported):
    model, folder, _ = exported
    props = {entry.key: entry.value for entry in onnx.load(folder / "encoder.onnx").metadata_props}
    ours = {key.removeprefix("aaecli."): value for key, value in props.items() if key.startswith("aaecli.")}
    assert ours["schema"] == "1"
    assert ours["part"] == "encoder"
    assert ours["version"] == __version__
    assert json.loads(ours["classes"]) == list("0123456789")
    assert json.loads(ours["image"]) == {"channels": 1, "height": 28, "width": 28, "normalise": "strokes"}
    assert json.loads(ours["style_prior"]) == {"name": "gaussian", "std": 1.0, "dim": 3}
    assert (ours["preset"], ours["labels"], ours["seed"]) == ("default", "20", "0")
    assert float(ours["test_accuracy"]) == 0.5
    assert json.loads(ours["strangeness"]) == model.facts["strangeness"]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 300])
def test_answers_equal_torchs(exported, size):
    model, folder, report = exported
    image = torch.rand(size, 1, 28, 28)
    encoder = onnxruntime.InferenceSession(folder / "encoder.onnx", providers=["CPUExecutionProvider"])
    label_prob, style = encoder.run(["label_prob", "style"], {"image": image.numpy()})
    expected = model.encoder(image)
    assert np.abs(label_prob - expected.label_logits.softmax(1).numpy()).max() <= 1e-5
    assert np.abs(style - expected.style.numpy()).max() <= 1e-5
    decoder = onnxruntime.InferenceSession(folder / "decoder.onnx", providers=["CPUExecutionProvider"])
    drawn = decoder.run(["image"], {"label": label_prob, "style": style})[0]
    assert np.abs(drawn - model.decoder(expected.latent()).numpy()).max() <= 1e-5
    assert all(facts["difference"] <= 1e-5 for facts in report.values())


def test_a_baseline_exports_an_encoder_without_style(tmp_path, small_config):
    report = export.export_onnx(make_model(small_config("tutorial", model="baseline")), tmp_path, lambda text: None)
    assert set(report) == {"encoder"}
    model = onnx.load(tmp_path / "encoder.onnx")
    assert [value.name for value in model.graph.output] == ["label_prob"]
    assert "aaecli.style_prior" not in {entry.key for entry in model.metadata_props}


def test_a_file_that_disagrees_is_not_left_behind(tmp_path, small_config, monkeypatch):
    (tmp_path / "encoder.onnx").write_bytes(b"the old one")
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    with pytest.raises(AaeError, match="does not agree with torch"):
        export.export_onnx(make_model(small_config()), tmp_path, lambda text: None)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"encoder.onnx": b"the old one"}


def test_parity_sees_a_wrong_weight(tmp_path, small_config):
    model = make_model(small_config())
    export.export_onnx(model, tmp_path, lambda text: None)
    model.encoder.label_head.weight[0] += 0.01
    with pytest.raises(AaeError, match="does not agree with torch"):
        export._check_parity(
            tmp_path / "encoder.onnx",
            export._DeployedEncoder(model.encoder),
            export._parity_inputs("encoder", model),
            {},
        )


def test_a_style_is_compared_in_deviations_of_its_prior(tmp_path, small_config):
    wide = make_model(small_config(prior={"style_std": 1000.0}))
    # As after training: styles as wide as the prior, which float32 cannot hold to 1e-5.
    wide.encoder.style_head.weight *= 20_000
    report = export.export_onnx(wide, tmp_path, lambda text: None)
    assert report["encoder"]["difference"] <= 1e-5
    narrow = make_model(small_config(prior={"style_std": 1.0}))
    # As after a short training: styles far outside the prior, which float32 cannot hold to 1e-5 either.
    narrow.encoder.style_head.weight *= 20_000
    assert export.export_onnx(narrow, tmp_path, lambda text: None)["encoder"]["difference"] <= 1e-5


def test_a_style_without_a_prior_is_compared_in_its_own_deviation(tmp_path, small_config):
    free = make_model(small_config(model="autoencoder", labels=0))
    free.encoder.style_head.weight *= 500
    report = export.export_onnx(free, tmp_path, lambda text: None)
    assert report["encoder"]["difference"] <= 1e-5


def test_the_exporter_is_silent(tmp_path, small_config, capfd):
    export.export_onnx(make_model(small_config("tutorial", model="baseline")), tmp_path, lambda text: None)
    assert capfd.readouterr() == ("", "")
