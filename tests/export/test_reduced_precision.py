"""Exports in float16 and int8: smaller, compared with float32, refused where they lose too much."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import onnx
import pytest

from aaecli.data.loading import load_dataset
from aaecli.errors import AaeError
from aaecli.export import onnx as export
from aaecli.export.quantisation import Images, choose_images, run
from aaecli.export.reduced_precision import ReducedPrecision, describe_cost, feed_of_codes, feed_of_images
from aaecli.serve.session import open_decoder, open_encoder
from tests.export.test_onnx import make_model
from tests.small_models import shrunk

pytestmark = pytest.mark.usefixtures("translated_once")


@pytest.fixture(scope="module")
def images() -> Images:
    mnist = load_dataset()
    return Images(mnist.train_image[:128], mnist.train_image[128:328], mnist.train_label[128:328])


@pytest.fixture(scope="module", params=["fp16", "int8"])
def pair(request, tmp_path_factory, images):
    """Give the precision, the report and the folder of an export of a small model that was not trained."""
    folder = tmp_path_factory.mktemp(request.param)
    reduced = ReducedPrecision(request.param, images, max_loss=1.0)
    model = make_model(shrunk("default"))
    return request.param, export.export_onnx(model, folder, lambda text: None, None, reduced), folder


def test_a_reduced_pair_is_smaller_and_answers_as_float32_does(pair, tmp_path, images):
    precision, report, folder = pair
    whole = export.export_onnx(make_model(shrunk("default")), tmp_path, lambda text: None)
    assert all(report[part]["bytes"] < whole[part]["bytes"] for part in ("encoder", "decoder"))
    encoder, reference = open_encoder(folder / "encoder.onnx", "cpu"), open_encoder(tmp_path / "encoder.onnx", "cpu")
    assert (encoder.metadata.precision, reference.metadata.precision) == (precision, "fp32")
    answers, expected = encoder(images.evaluation)[0], reference(images.evaluation)[0]
    assert np.abs(answers - expected).max() < (0.05 if precision == "int8" else 0.002)
    code = np.eye(10, dtype=np.float32), np.zeros((10, 3), np.float32)
    drawn = open_decoder(folder / "decoder.onnx", "cpu")(*code)
    assert np.abs(drawn - open_decoder(tmp_path / "decoder.onnx", "cpu")(*code)).max() < 0.05
    assert {path.name for path in folder.iterdir()} == {"encoder.onnx", "decoder.onnx"}


def test_the_weights_have_the_precision(pair):
    precision, _, folder = pair
    types = {tensor.data_type for tensor in onnx.load(folder / "encoder.onnx").graph.initializer}
    assert (onnx.TensorProto.FLOAT16 if precision == "fp16" else onnx.TensorProto.INT8) in types


def test_all_layers_but_the_first_convolution_are_in_int8(pair):
    precision, _, folder = pair
    nodes = onnx.load(folder / "encoder.onnx").graph.node
    dequantised = {name for node in nodes if node.op_type == "DequantizeLinear" for name in node.output}
    layers = [dequantised >= set(node.input[:2]) for node in nodes if node.op_type in ("Conv", "Gemm", "MatMul")]
    assert len(layers) > 4
    assert layers == [False, *[precision == "int8"] * (len(layers) - 1)]


def test_sums_of_two_products_fit_into_16_bits_on_every_processor(pair):
    _, _, folder = pair
    graph = onnx.load(folder / "encoder.onnx").graph
    weights = [
        onnx.numpy_helper.to_array(entry) for entry in graph.initializer if entry.data_type == onnx.TensorProto.INT8
    ]
    assert all(2 * 255 * np.abs(weight.astype(int)).max() < 2**15 for weight in weights if weight.ndim > 1)


def test_onnxruntime_runs_the_first_convolution_as_it_is_in_float32(pair, tmp_path, images):
    # Between two quantised tensors onnxruntime quantises the weights of a float32 layer itself, and more coarsely.
    precision, _, folder = pair
    export.export_onnx(make_model(shrunk("default")), tmp_path, lambda text: None)
    found, expected = (_after_first_convolution(path, images.evaluation) for path in (folder, tmp_path))
    assert np.abs(found - expected).max() < (1e-5 if precision == "int8" else 0.01)


def _after_first_convolution(folder, image):
    model = onnx.load(folder / "encoder.onnx")
    convolution = next(node for node in model.graph.node if node.op_type == "Conv")
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(convolution.output[0]))
    return run(model.SerializeToString(), feed_of_images(image))[convolution.output[0]]


def test_the_cost_is_measured_and_stands_in_the_file(pair, images):
    precision, report, folder = pair
    for part in ("encoder", "decoder"):
        properties = {entry.key: entry.value for entry in onnx.load(folder / f"{part}.onnx").metadata_props}
        assert properties["aaecli.precision"] == report[part]["precision"] == precision
        assert json.loads(properties["aaecli.cost"]) == report[part]["cost"]
    cost, reference = report["encoder"]["cost"], open_encoder(folder / "encoder.onnx", "cpu")
    assert cost["num_images"] == 200
    assert cost["accuracy"][1] == (reference(images.evaluation)[0].argmax(1) == images.label).mean()
    assert f"{cost['accuracy'][1]:.2%} right" in describe_cost(cost)


def test_what_loses_too_much_is_refused_and_leaves_nothing(tmp_path, images, monkeypatch):
    # Labels that are float32's own answers: every change of a class is a loss.
    model = make_model(shrunk("default"))
    monkeypatch.setattr("aaecli.export.quantisation.Cost.loss", 0.5)
    with pytest.raises(
        AaeError, match=r"in int8 would lose 50.00 points of accuracy on 200 images, more than 0.10"
    ) as e:
        export.export_onnx(model, tmp_path, lambda text: None, None, ReducedPrecision("int8", images))
    assert "--max-loss" in e.value.hint
    assert list(tmp_path.iterdir()) == []


def test_images_to_calibrate_with_are_not_those_to_compare_on():
    mnist = load_dataset()
    some = dataclasses.replace(mnist, train_image=mnist.train_image[:3000], train_label=mnist.train_label[:3000])
    chosen = choose_images(some)
    assert (len(chosen.calibration), len(chosen.evaluation)) == (1024, 1976)
    both = np.concatenate([chosen.calibration, chosen.evaluation]).reshape(3000, -1)
    assert len(np.unique(both, axis=0)) == len(np.unique(some.train_image.reshape(3000, -1), axis=0))
    assert np.array_equal(choose_images(some).calibration, chosen.calibration)
    first = {image.tobytes() for image in some.train_image[:1024]}
    assert 250 < sum(image.tobytes() in first for image in chosen.calibration) < 450, "a draw"


def test_too_few_images_are_refused():
    mnist = load_dataset()
    with pytest.raises(AaeError, match="19 training images, too few"):
        choose_images(
            dataclasses.replace(mnist, train_image=mnist.train_image[:19], train_label=mnist.train_label[:19])
        )


def test_the_decoder_is_calibrated_on_codes_of_images_and_on_draws_of_the_priors(pair, images):
    encoder = (pair[2] / "encoder.onnx").read_bytes()
    feed = feed_of_codes(encoder, images.calibration, ("gaussian", 1.0), np.full(10, 0.1))
    assert {name: values.shape for name, values in feed.items()} == {"label": (256, 10), "style": (256, 3)}
    assert set(feed["label"][128:].sum(1).tolist()) == {1.0}
    assert np.abs(feed["style"][128:].std() - 1) < 0.2
    assert set(feed_of_codes(encoder, images.calibration, ("gaussian", 1.0), None)) == {"style"}


def test_images_become_the_encoders_input():
    grey, colour = np.full((2, 4, 5), 255, np.uint8), np.zeros((2, 4, 5, 3), np.uint8)
    assert feed_of_images(grey)["image"].shape == (2, 1, 4, 5)
    assert feed_of_images(grey)["image"].max() == 1.0
    assert feed_of_images(colour)["image"].shape == (2, 3, 4, 5)
    assert feed_of_images(colour)["image"].dtype == np.float32
