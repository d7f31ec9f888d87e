"""The ONNX contract: names, shapes, opset, metadata, parity, and nothing left behind where it fails."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from aaecli import __version__
from aaecli.checkpoint.file import Checkpoint
from aaecli.errors import AaeError
from aaecli.export import onnx as export
from aaecli.export import parity
from aaecli.export.translation import DeployedEncoder
from aaecli.graph import work
from aaecli.metrics.temperature import with_temperature
from aaecli.models.networks import Networks
from aaecli.models.test_time_augmentation import NUM_COPIES
from aaecli.serve import session
from aaecli.serve.session import open_encoder

pytestmark = pytest.mark.usefixtures("translated_once")


def make_model(config):
    torch.manual_seed(0)
    networks = Networks(config.model, (1, 28, 28), 10, config.network).eval().requires_grad_(False)
    facts = {"test_accuracy": 0.5, "novelty": {"quantile": [0.5], "reconstruction_error": [0.02]}}
    return Checkpoint(config, tuple("0123456789"), (1, 28, 28), networks.encoder, networks.decoder, facts)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    from tests.small_models import shrunk

    model = make_model(shrunk("default"))
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
    form = {"channels": 1, "height": 28, "width": 28, "normalise": "strokes", "transpose": "auto"}
    assert json.loads(ours["image"]) == form
    assert json.loads(ours["style_prior"]) == {"name": "gaussian", "std": 1.0, "dim": 3}
    assert (ours["preset"], ours["labels"], ours["seed"]) == ("default", "20", "0")
    assert float(ours["test_accuracy"]) == 0.5
    assert json.loads(ours["novelty"]) == model.summary["novelty"]


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


def test_the_temperature_is_in_the_graph_and_in_the_metadata(exported, tmp_path, small_config):
    model, folder, _ = exported
    assert open_encoder(folder / "encoder.onnx").metadata.temperature == 1
    assert "Div" not in {node.op_type for node in onnx.load(folder / "encoder.onnx").graph.node}
    image = np.random.default_rng(0).random((20, 1, 28, 28), np.float32)
    before, _ = open_encoder(folder / "encoder.onnx")(image)
    tempered = make_model(model.config)
    tempered.encoder.temperature = 0.25
    export.export_onnx(tempered, tmp_path, lambda text: None)
    encoder = open_encoder(tmp_path / "encoder.onnx")
    assert encoder.metadata.temperature == 0.25
    label_prob, _ = encoder(image)
    np.testing.assert_allclose(label_prob, tempered.encoder(torch.from_numpy(image)).label(), atol=1e-5)
    np.testing.assert_allclose(label_prob, with_temperature(before, 0.25), atol=1e-5)
    assert np.abs(label_prob - before).max() > 0.01


def test_a_baseline_exports_an_encoder_without_style_and_in_silence(tmp_path, small_config, capfd):
    baseline = make_model(small_config("tutorial", model="baseline"))
    baseline.encoder.label_head.bias.fill_(0.5)  # translated nowhere else, so that it is translated here
    report = export.export_onnx(baseline, tmp_path, lambda text: None)
    assert capfd.readouterr() == ("", "")
    assert set(report) == {"encoder"}
    model = onnx.load(tmp_path / "encoder.onnx")
    assert [value.name for value in model.graph.output] == ["label_prob"]
    assert "aaecli.style_prior" not in {entry.key for entry in model.metadata_props}


def test_a_file_that_disagrees_is_not_left_behind(tmp_path, small_config, monkeypatch):
    export.export_onnx(make_model(small_config()), tmp_path, lambda text: None)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(parity, "TOLERANCE", -1.0)
    with pytest.raises(AaeError, match="does not agree with torch"):
        export.export_onnx(make_model(small_config(seed=1)), tmp_path, lambda text: None)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_parity_sees_a_wrong_weight(tmp_path, small_config):
    model = make_model(small_config())
    export.export_onnx(model, tmp_path, lambda text: None)
    model.encoder.label_head.weight[0] += 0.01
    with pytest.raises(AaeError, match="does not agree with torch"):
        parity.check_parity(
            tmp_path / "encoder.onnx",
            [DeployedEncoder(model.encoder)],
            parity.parity_inputs("encoder", model),
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


def test_nothing_of_the_machine_that_trained_is_in_the_files(exported):
    _, folder, _ = exported
    for part in ("encoder", "decoder"):
        model = onnx.load(folder / f"{part}.onnx")
        assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
        assert not model.graph.value_info
        assert b".py" not in (folder / f"{part}.onnx").read_bytes()


def test_the_files_tell_what_they_were_trained_on(exported, tmp_path, small_config):
    _, folder, _ = exported
    assert open_encoder(folder / "encoder.onnx", "cpu").metadata.data == "MNIST"
    assert open_encoder(folder / "encoder.onnx", "cpu").metadata.on_embedded
    # The folder is gone since, or a stranger named one that is not to be walked: an export needs none of it.
    model = make_model(small_config(data="/nowhere/letters"))
    export.export_onnx(model, tmp_path, lambda text: None)
    metadata = open_encoder(tmp_path / "encoder.onnx", "cpu").metadata
    assert (metadata.data, metadata.on_embedded) == ("letters", False)


def test_what_would_not_be_read_is_not_written(tmp_path, small_config, monkeypatch):
    model = make_model(small_config())
    monkeypatch.setattr(export, "MAX_MODEL_BYTES", 1000)
    with pytest.raises(AaeError, match=r"encoder\.onnx would be of .* bytes, and at most 1,000 are read") as caught:
        export.export_onnx(model, tmp_path, lambda text: None)
    assert "Nothing was written" in caught.value.hint
    monkeypatch.undo()
    monkeypatch.setattr(work, "MAX_WORK", 1000)
    with pytest.raises(AaeError, match="would be refused by `aaecli classify`: it computes more"):
        export.export_onnx(model, tmp_path, lambda text: None)
    assert list(tmp_path.iterdir()) == []


def test_reader_and_writer_have_one_limit():
    assert export.MAX_MODEL_BYTES == session.MAX_MODEL_BYTES == work.MAX_MODEL_BYTES


@pytest.mark.parametrize(
    ("encoder", "shape", "network"),
    [
        ("mlp", (3, 64, 64), {"encoder_options": {"hidden": [3000, 3000]}, "style_dim": 64}),
        (
            "convolutional",
            (3, 64, 64),
            {"encoder_options": {"channels": [256, 256], "features": 512}, "test_time_shift": 1},
        ),
    ],
)
def test_the_largest_models_are_within_the_limits(small_config, encoder, shape, network):
    """Of 64 × 64 pixels in colour with wide layers: what they weigh and compute, found without translating them."""
    config = small_config("best" if encoder == "convolutional" else "default", network={"encoder": encoder, **network})
    with torch.device("meta"):
        networks = Networks(config.model, shape, 10, config.network).eval()
    for part in (networks.encoder, networks.decoder):
        assert sum(4 * weight.numel() for weight in part.parameters()) <= work.MAX_MODEL_BYTES
    with FlopCounterMode(display=False) as counter:
        networks.encoder.encode_once(torch.empty(1, *shape, device="meta"))
    looks = 1 + NUM_COPIES if networks.encoder.test_time_shift else 1
    assert looks * counter.get_total_flops() / 2 <= work.MAX_WORK
