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
from aaecli.export.translation import DeployedEncoder
from aaecli.graph.work import check_model
from aaecli.metrics.temperature import with_temperature
from tests.export.test_onnx import make_model

pytestmark = pytest.mark.usefixtures("translated_once")

SIZES = (1, 6, 64)
DIGITS = torch.from_numpy(load_dataset().train_image[:64, None]) / 255


def make_augmented(small_config, kind="convolutional", confidence=0.6):
    """Make a model without a decoder that was not trained."""
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
    largest = model.encoder.encode_once(DIGITS).label().amax(1).sort().values[16:48]
    place = int(largest.diff().argmax())
    limit = model.encoder.test_time_confidence = float(largest[place : place + 2].mean())
    export.export_onnx(model, tmp_path, lambda text: None)
    session = session_of(tmp_path / "encoder.onnx")
    for size in SIZES:
        label_prob, style = run(session, DIGITS[:size])
        expected, once = model.encoder(DIGITS[:size]), model.encoder.encode_once(DIGITS[:size])
        np.testing.assert_allclose(label_prob, expected.label(), atol=1e-5)
        np.testing.assert_allclose(style, once.style, atol=1e-4)
        again = np.abs(label_prob - once.label().numpy()).max(1, initial=0) > 1e-4
        np.testing.assert_array_equal(again, once.label().amax(1).numpy() <= limit)
    assert 16 < again.sum() < 48
    assert run(session, DIGITS[:0])[0].shape == (0, 10)
    # Images of a batch do not influence each other.
    single = np.concatenate([run(session, part)[0] for part in DIGITS.split(1)])
    np.testing.assert_allclose(single, label_prob, atol=1e-5)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_a_graph_may_read_copies_of_none_or_of_all(small_config, tmp_path, confidence):
    model = make_augmented(small_config, confidence=confidence)
    export.export_onnx(model, tmp_path, lambda text: None)
    label_prob, _ = run(session_of(tmp_path / "encoder.onnx"), DIGITS)
    once = model.encoder.encode_once(DIGITS).label().numpy()
    again = np.abs(label_prob - once).max(1) > 1e-4
    assert again.all() if confidence else not again.any()
    np.testing.assert_allclose(label_prob, model.encoder(DIGITS).label(), atol=1e-5)


def test_the_file_says_so_and_holds_each_weight_once(small_config, tmp_path):
    model = make_augmented(small_config)
    export.export_onnx(model, tmp_path, lambda text: None)
    graph = onnx.load(tmp_path / "encoder.onnx")
    onnx.checker.check_model(graph, full_check=True)
    properties = {entry.key: entry.value for entry in graph.metadata_props}
    assert json.loads(properties["aaecli.test_time_augmentation"]) == {"shift": 1, "confidence": 0.6}
    num_weights = sum(np.prod(tensor.dims) for tensor in graph.graph.initializer if tensor.data_type == 1)
    assert num_weights <= sum(weight.numel() for weight in model.encoder.parameters()) + 2
    assert check_model(graph.SerializeToString()).outputs == {"label_prob": (10,), "style": (3,)}
    assert augmenting(None)(graph) is graph


def test_the_temperature_comes_after_the_mean_and_chooses_no_other_images(small_config, tmp_path):
    model = make_augmented(small_config)
    graphs = {}
    for temperature in (1.0, 1.6):
        model.encoder.temperature = temperature
        export.export_onnx(model, tmp_path, lambda text: None)
        graphs[temperature] = onnx.load(tmp_path / "encoder.onnx")
        label_prob, _ = run(session_of(tmp_path / "encoder.onnx"), DIGITS)
        np.testing.assert_allclose(label_prob, model.encoder(DIGITS).label(), atol=1e-5)
    assert {entry.key: entry.value for entry in graphs[1.6].metadata_props}["aaecli.temperature"] == "1.6"
    nodes, tempered = (list(graphs[temperature].graph.node) for temperature in graphs)
    assert tempered[: len(nodes) - 1] == nodes[:-1]
    assert [node.op_type for node in tempered[len(nodes) :]] == ["Log", "Div", "Softmax"]
    model.encoder.temperature = 1.0
    before = model.encoder(DIGITS).label().numpy()
    np.testing.assert_allclose(with_temperature(before, 1.6), label_prob, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_reduced_precision_is_calibrated_on_one_look_and_reads_copies_too(small_config, tmp_path, precision):
    model, mnist = make_augmented(small_config), load_dataset()
    images = Images(mnist.train_image[64:128], mnist.train_image[:64], mnist.train_label[:64])
    reduced = ReducedPrecision(precision, images, max_loss=1.0)
    report = export.export_onnx(model, tmp_path, lambda text: None, None, reduced)
    assert report["encoder"]["cost"]["num_images"] == 64
    session = session_of(tmp_path / "encoder.onnx")
    answers = [run(session, DIGITS[:size])[0] for size in (0, *SIZES)]
    assert [len(answer) for answer in answers] == [0, *SIZES]
    expected, once = model.encoder(DIGITS).label().numpy(), model.encoder.encode_once(DIGITS).label().numpy()
    limit, off = (0.2, 0.05) if precision == "int8" else (0.01, 0.01)
    # Near the limit up to which copies are read, an image may fall on its other side.
    clear = np.abs(once.max(1) - model.encoder.test_time_confidence) > off
    assert clear.sum() > 32
    assert np.abs(answers[-1] - expected)[clear].max() < limit


def test_rounding_may_put_an_image_on_either_side_of_the_limit(small_config, tmp_path):
    model, image = make_augmented(small_config), DIGITS[:1]
    limit = float(model.encoder.encode_once(image).label().max())

    def difference(confidence):
        model.encoder.test_time_confidence = confidence
        right = [DeployedEncoder(near) for near in parity.encoders_near_limit(model.encoder)]
        return parity.check_parity(tmp_path / "encoder.onnx", right, [(image,)], {})

    for side in (-1, 1):
        model.encoder.test_time_confidence = limit + side * 1e-6
        export.export_onnx(model, tmp_path, lambda text: None)
        assert difference(limit - side * 1e-6) <= parity.TOLERANCE
        assert difference(limit + side * 0.01) <= parity.TOLERANCE
        with pytest.raises(AaeError, match="does not agree with torch"):
            difference(limit - side * 0.01)
