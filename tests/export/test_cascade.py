"""A cascade in ``encoder.onnx``: who classifies which image, whose style it is, and which models go together."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from aaecli.data.loading import load_dataset
from aaecli.errors import AaeError
from aaecli.export import onnx as export
from aaecli.export.cascade import cascade
from aaecli.export.quantisation import Images
from aaecli.export.reduced_precision import ReducedPrecision
from aaecli.graph.work import check_model
from tests.export.test_test_time_augmentation import DIGITS, SIZES, make_augmented, run, session_of

pytestmark = pytest.mark.usefixtures("translated_once")


@pytest.fixture
def pair(small_config):
    """A fully connected encoder that is sure of half of the digits, and a convolutional one that reads copies too."""
    first, second = make_augmented(small_config, "mlp"), make_augmented(small_config)
    first.encoder.temperature = 1.4
    second.encoder.label_head.bias.add_(1)
    return first, second


def joined(pair, confidence=None):
    first, second = pair
    first.encoder.test_time_shift = 0
    largest = first.encoder(DIGITS).label().amax(1).sort().values[16:48]
    place = int(largest.diff().argmax())
    limit = float(largest[place : place + 2].mean()) if confidence is None else confidence
    return cascade(first, second, limit, Path("large.pt"))


def test_the_graph_has_the_second_encoder_classify_what_the_first_is_not_sure_of(pair, tmp_path):
    model = joined(pair)
    export.export_onnx(model, tmp_path, lambda text: None)
    session = session_of(tmp_path / "encoder.onnx")
    own, other = (encoder(DIGITS).label().numpy() for encoder in (model.encoder.first, model.encoder.second))
    for size in SIZES:
        label_prob, style = run(session, DIGITS[:size])
        np.testing.assert_allclose(label_prob, model.encoder(DIGITS[:size]).label(), atol=1e-5)
        np.testing.assert_allclose(style, model.encoder.first(DIGITS[:size]).style, atol=1e-4)
        unsure = own[:size].max(1) <= model.encoder.confidence
        np.testing.assert_allclose(label_prob, np.where(unsure[:, None], other[:size], own[:size]), atol=1e-5)
    assert 16 < unsure.sum() < 48
    assert run(session, DIGITS[:0])[0].shape == (0, 10)
    single = np.concatenate([run(session, part)[0] for part in DIGITS.split(1)])
    np.testing.assert_allclose(single, label_prob, atol=1e-5)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_the_second_may_classify_none_or_all(pair, tmp_path, confidence):
    model = joined(pair, confidence)
    export.export_onnx(model, tmp_path, lambda text: None)
    whose = pair[int(confidence)].encoder
    np.testing.assert_allclose(run(session_of(tmp_path / "encoder.onnx"), DIGITS)[0], whose(DIGITS).label(), atol=1e-5)


def test_the_first_looks_once_at_each_image(pair):
    first, second = pair
    model = cascade(first, second, 0.0, Path("large.pt"))
    expected = first.encoder.encode_once(DIGITS).label_logits / 1.4
    np.testing.assert_allclose(model.encoder(DIGITS).label_logits, expected)


def test_the_file_says_so_and_has_no_style_of_the_second(pair, tmp_path):
    model = joined(pair, 0.8)
    model.summary["test_accuracy"] = 0.75
    export.export_onnx(model, tmp_path, lambda text: None)
    graph = onnx.load(tmp_path / "encoder.onnx")
    onnx.checker.check_model(graph, full_check=True)
    names = [node.name for node in graph.graph.node]
    assert len(set(names)) == len(names)
    assert {name for name in names if "moved" in name} == {
        f"second/copies/moved_{side}_node" for side in ("right", "left", "down", "up")
    }
    properties = {entry.key: entry.value for entry in graph.metadata_props}
    assert json.loads(properties["aaecli.cascade"]) == {"confidence": 0.8}
    assert properties["aaecli.test_accuracy"] == "0.75"
    encoders = model.encoder.first, model.encoder.second
    in_both = sum(weight.numel() for encoder in encoders for weight in encoder.parameters())
    unused = sum(weight.numel() for weight in model.encoder.second.style_head.parameters())
    in_file = sum(np.prod(tensor.dims) for tensor in graph.graph.initializer if tensor.data_type == 1)
    assert in_file <= in_both - unused + 3
    assert check_model(graph.SerializeToString()).outputs == {"label_prob": (10,), "style": (3,)}


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_reduced_precision(pair, tmp_path, precision):
    model, mnist = joined(pair), load_dataset()
    images = Images(mnist.train_image[64:128], mnist.train_image[:64], mnist.train_label[:64])
    reduced = ReducedPrecision(precision, images, max_loss=1.0)
    report = export.export_onnx(model, tmp_path, lambda text: None, None, reduced)
    assert report["encoder"]["bytes"] < 4 * sum(weight.numel() for weight in model.encoder.parameters())
    assert report["encoder"]["cost"]["num_images"] == 64
    session = session_of(tmp_path / "encoder.onnx")
    assert [len(run(session, DIGITS[:size])[0]) for size in (0, *SIZES)] == [0, *SIZES]
    own = model.encoder.first(DIGITS).label().numpy().max(1)
    limit, off = (0.2, 0.05) if precision == "int8" else (0.01, 0.01)
    clear = np.abs(own - model.encoder.confidence) > off
    assert clear.sum() > 32
    difference = np.abs(run(session, DIGITS)[0] - model.encoder(DIGITS).label().numpy())
    assert difference[clear].max() < limit


def test_models_of_other_data_are_refused(pair, small_config):
    first, second = pair
    classes = dataclasses.replace(second, classes=tuple("abcdefghij"))
    form = dataclasses.replace(second.config.image, transpose="yes")
    images = dataclasses.replace(second, config=dataclasses.replace(second.config, image=form))
    without = dataclasses.replace(first, config=small_config(model="autoencoder", labels=0))
    for one, other, said in (
        (first, classes, "large.pt has other classes"),
        (first, images, "large.pt has other images"),
        (without, second, "two models that classify"),
    ):
        with pytest.raises(AaeError, match=said):
            cascade(one, other, 0.9, Path("large.pt"))


def test_what_was_measured_of_the_first_alone_is_forgotten(pair):
    first, second = pair
    first.summary |= {"test_accuracy": 0.5, "validation_accuracy": 0.6}
    summary = cascade(first, second, 0.9, Path("large.pt")).summary
    assert "test_accuracy" not in summary
    assert summary["novelty"] == first.summary["novelty"]
