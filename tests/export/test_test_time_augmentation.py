"""Test-time augmentation in ``encoder.onnx``: which images are read again, by whom, and at what precision."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from aaecli.data.loading import load_dataset
from aaecli.errors import AaeError
from aaecli.export import onnx as export
from aaecli.export import parity
from aaecli.export.quantisation import Images
from aaecli.export.reduced_precision import ReducedPrecision
from aaecli.export.test_time_augmentation import augmenting
from aaecli.graph.work import check_model
from aaecli.serve.session import open_encoder
from tests.export.test_onnx import make_model

pytestmark = pytest.mark.usefixtures("translated_once")

SIZES = (0, 1, 6, 64)


def make_augmented(small_config, kind="convolutional", confidence=0.6):
    """Make a model that reads copies of some of the images of noise, not of all; its decoder is left out."""
    config = small_config("best")
    network = dataclasses.replace(config.network, encoder=kind, encoder_options=None, test_time_confidence=confidence)
    model = dataclasses.replace(make_model(dataclasses.replace(config, network=network)), decoder=None)
    model.encoder.label_head.weight.mul_(30)  # untrained, it hardly tells one image from another
    return model


def session_of(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(session, image):
    return session.run(["label_prob", "style"], {"image": image.numpy()})


@pytest.mark.parametrize("kind", ["mlp", "convolutional"])
def test_the_graph_reads_copies_of_the_images_that_torch_does(small_config, tmp_path, kind):
    model = make_augmented(small_config, kind)
    image = torch.rand(64, 1, 28, 28)
    largest = model.encoder.encode_once(image).label().amax(1).sort().values
    model.encoder.test_time_confidence = float(largest[31:33].mean())
    export.export_onnx(model, tmp_path, lambda text: None)
    session = session_of(tmp_path / "encoder.onnx")
    for size in SIZES:
        label_prob, style = run(session, image[:size])
        expected, once = model.encoder(image[:size]), model.encoder.encode_once(image[:size])
        np.testing.assert_allclose(label_prob, expected.label(), atol=1e-5)
        np.testing.assert_allclose(style, once.style, atol=1e-4)
        again = np.abs(label_prob - once.label().numpy()).max(1, initial=0) > 1e-4
        assert again.sum() == (once.label().amax(1) <= model.encoder.test_time_confidence).sum()
    assert again.sum() == 32
    # Images of a batch do not influence each other.
    single = np.concatenate([run(session, part)[0] for part in image.split(1)])
    np.testing.assert_allclose(single, label_prob, atol=1e-5)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_a_graph_may_read_copies_of_none_or_of_all(small_config, tmp_path, confidence):
    model = make_augmented(small_config, confidence=confidence)
    export.export_onnx(model, tmp_path, lambda text: None)
    image = torch.rand(6, 1, 28, 28)
    label_prob, _ = run(session_of(tmp_path / "encoder.onnx"), image)
    once = model.encoder.encode_once(image).label().numpy()
    assert (np.abs(label_prob - once).max(1) > 1e-4).all() == bool(confidence)
    np.testing.assert_allclose(label_prob, model.encoder(image).label(), atol=1e-5)


def test_the_file_says_so_and_holds_each_weight_once(small_config, tmp_path):
    model = make_augmented(small_config)
    export.export_onnx(model, tmp_path, lambda text: None)
    graph = onnx.load(tmp_path / "encoder.onnx")
    properties = {entry.key: entry.value for entry in graph.metadata_props}
    assert json.loads(properties["aaecli.test_time_augmentation"]) == {"shift": 1, "confidence": 0.6}
    num_weights = sum(np.prod(tensor.dims) for tensor in graph.graph.initializer if tensor.data_type == 1)
    assert num_weights <= sum(weight.numel() for weight in model.encoder.parameters()) + 2
    assert check_model(graph.SerializeToString()).outputs == {"label_prob": (10,), "style": (3,)}
    assert augmenting(None)(graph) is graph


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_reduced_precision_is_calibrated_on_one_look_and_reads_copies_too(small_config, tmp_path, precision):
    model, mnist = make_augmented(small_config), load_dataset()
    images = Images(mnist.train_image[:64], mnist.train_image[64:128], mnist.train_label[64:128])
    export.export_onnx(model, tmp_path, lambda text: None)
    expected = open_encoder(tmp_path / "encoder.onnx", "cpu")(images.evaluation)[0]
    reduced = ReducedPrecision(precision, images, max_loss=1.0)
    report = export.export_onnx(model, tmp_path, lambda text: None, None, reduced)
    assert report["encoder"]["cost"]["num_images"] == 64
    encoder = open_encoder(tmp_path / "encoder.onnx", "cpu")
    largest = np.abs(encoder(images.evaluation)[0] - expected).max(1)
    assert np.median(largest) < (0.1 if precision == "int8" else 0.01)
    for size in SIZES:
        assert encoder(images.evaluation[:size])[0].shape == (size, 10)


def test_rounding_may_put_an_image_on_either_side_of_the_limit(small_config, tmp_path):
    model, image = make_augmented(small_config), torch.rand(1, 1, 28, 28)
    limit = float(model.encoder.encode_once(image).label().max())
    for moved in (-1e-6, 1e-6):
        model.encoder.test_time_confidence = limit + moved
        export.export_onnx(model, tmp_path, lambda text: None)
        for other, agrees in ((-moved, True), (20 * parity.TOLERANCE, False), (-20 * parity.TOLERANCE, False)):
            model.encoder.test_time_confidence = limit + other
            right = [export._DeployedEncoder(near) for near in parity.encoders_near_limit(model.encoder)]
            if agrees or (other > 0) == (moved > 0):
                assert parity.check_parity(tmp_path / "encoder.onnx", right, [(image,)], {}) <= parity.TOLERANCE
            else:
                with pytest.raises(AaeError, match="does not agree with torch"):
                    parity.check_parity(tmp_path / "encoder.onnx", right, [(image,)], {})
