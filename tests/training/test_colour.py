"""Three channels: the same step, checkpoint and files as with one."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
import torch

from aaecli.checkpoint.file import Checkpoint, load_model, save_model
from aaecli.evaluation.predict import predict
from aaecli.export.onnx import export_onnx
from aaecli.models.batch import Batch, to_float
from aaecli.models.networks import Networks
from aaecli.serve.generate import grid
from aaecli.serve.session import open_decoder, open_encoder
from aaecli.training.step import Step

pytestmark = pytest.mark.usefixtures("translated_once")

SHAPE = (3, 16, 16)


def test_stored_colours_become_planes() -> None:
    image = torch.zeros(2, 4, 5, 3, dtype=torch.uint8)
    image[1, 2, 3] = torch.tensor([255, 51, 0])
    planes = to_float(image)
    assert planes.shape == (2, 3, 4, 5)
    assert planes[1, :, 2, 3].tolist() == pytest.approx([1, 0.2, 0])
    assert planes.sum() == pytest.approx(1.2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    from tests.small_models import shrunk

    config = shrunk("default", image={"channels": 3, "size": 16})
    torch.manual_seed(0)
    networks = Networks(config.model, SHAPE, 3, config.network)
    step = Step(networks, config, 2, torch.float32)
    image = torch.randint(256, (24, 16, 16, 3), dtype=torch.uint8)
    losses = step(Batch(image[:16], image[16:], torch.arange(8) % 3), 0)
    assert all(loss.isfinite() for loss in losses.values())
    networks.eval().requires_grad_(False)
    return Checkpoint(config, ("a", "b", "c"), SHAPE, networks.encoder, networks.decoder, {})


def test_a_colour_model_comes_back_from_its_file(model, tmp_path):
    save_model(tmp_path / "model.pt", model)
    assert load_model(tmp_path / "model.pt").image_shape == SHAPE


def test_onnxruntime_reads_and_draws_colour_as_torch_does(model, tmp_path):
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 256, (5, 16, 16, 3), np.uint8)
    export_onnx(model, tmp_path, lambda text: None)
    props = {entry.key: entry.value for entry in onnx.load(tmp_path / "encoder.onnx").metadata_props}
    described = {"channels": 3, "height": 16, "width": 16, "normalise": "none", "transpose": "auto"}
    assert json.loads(props["aaecli.image"]) == described

    encoder, decoder = open_encoder(tmp_path / "encoder.onnx", "cpu"), open_decoder(tmp_path / "decoder.onnx", "cpu")
    assert encoder.image_shape == SHAPE
    assert (encoder.metadata.recipe.channels, encoder.metadata.recipe.normalise) == (3, False)
    expected = predict(model.encoder, model.decoder, torch.from_numpy(stored))
    label_prob, style = encoder(stored)
    np.testing.assert_allclose(label_prob, expected.label_prob, atol=1e-5)
    drawn = decoder(label_prob, style)
    assert drawn.shape == stored.shape
    error = np.square(drawn - stored / np.float32(255)).mean((1, 2, 3))
    np.testing.assert_allclose(error, expected.reconstruction_error, rtol=1e-4)
    assert grid(decoder, style[:2]).images.shape == (2, 3, 16, 16, 3)
