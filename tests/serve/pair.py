"""A small pair of ONNX files without any training: every class is a few of its mean images, drawn with onnx.helper."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from aaecli.data.dataset import Dataset

STYLE_DIM = 3
CLASSES = tuple("0123456789")


_written: list[Path] = []


def shared_pair(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> Path:
    """Give the folder of the pair, written once for all tests."""
    if not _written:
        folder = tmp_path_factory.mktemp("pair")
        write_pair(folder, mnist.train_image[:3000], mnist.train_label[:3000])
        _written.append(folder)
    return _written[0]


def write_pair(folder: Path, images: NDArray[np.uint8], label: NDArray[np.int64], *, baseline: bool = False) -> Path:
    """Write ``encoder.onnx`` and ``decoder.onnx``: least squares for the label, principal components for the style."""
    flat = images.reshape(len(images), -1).astype(np.float64) / 255
    mean = np.stack([flat[label == k].mean(0) for k in range(len(CLASSES))])
    residual = flat - mean[label]
    component = np.linalg.svd(residual[:300], full_matrices=False)[2][:STYLE_DIM]
    scale = (residual @ component.T).std(0)
    design = np.hstack((flat, np.ones((len(flat), 1))))
    target = np.eye(len(CLASSES))[label]
    weight = np.linalg.solve(design.T @ design + 30 * np.eye(design.shape[1]), design.T @ target)
    folder.mkdir(parents=True, exist_ok=True)
    # The style is what remains of the image once the mean of its class is taken away.
    error = _reconstruction_error(flat, mean, label, component, scale)
    props = _props(error)
    encoder = _encoder(12 * weight, mean, component, scale, baseline=baseline)
    _save(encoder, folder / "encoder.onnx", {**props, "aaecli.part": "encoder"}, baseline=baseline)
    if not baseline:
        _save(_decoder(mean, component, scale), folder / "decoder.onnx", {**props, "aaecli.part": "decoder"})
    return folder / "encoder.onnx"


def _reconstruction_error(flat, mean, label, component, scale):
    style = np.clip((flat - mean[label]) @ component.T / scale, -4, 4)
    drawn = np.clip(mean[label] + (style * scale) @ component, 0, 1)
    return ((drawn - flat) ** 2).mean(1)


def _props(error: NDArray[np.float64]) -> dict[str, str]:
    quantile = [0.5, 0.9, 0.99, 0.999]
    return {
        "aaecli.schema": "1",
        "aaecli.classes": json.dumps(CLASSES),
        "aaecli.image": json.dumps({"channels": 1, "height": 28, "width": 28}),
        "aaecli.style_prior": json.dumps({"name": "gaussian", "std": 1.0, "dim": STYLE_DIM}),
        "aaecli.novelty": json.dumps(
            {"quantile": quantile, "reconstruction_error": np.quantile(error, quantile).round(6).tolist()}
        ),
        "aaecli.model": "semisupervised",
        "aaecli.preset": "linear",
        "aaecli.labels": "all",
        "aaecli.seed": "0",
        "aaecli.test_accuracy": "0.8600",
        "aaecli.version": "0.1.0",
    }


def _constant(name: str, value: NDArray) -> onnx.TensorProto:
    dtype = np.int64 if np.issubdtype(value.dtype, np.integer) else np.float32
    return numpy_helper.from_array(np.ascontiguousarray(value, dtype), name)


def _encoder(weight, mean, component, scale, *, baseline: bool) -> onnx.GraphProto:
    nodes = [
        helper.make_node("Reshape", ["image", "flat_shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["logit"]),
        helper.make_node("Softmax", ["logit"], ["label_prob"]),
    ]
    constants = [
        _constant("flat_shape", np.array([-1, 784])),
        _constant("weight", weight[:-1]),
        _constant("bias", weight[-1]),
    ]
    outputs = [helper.make_tensor_value_info("label_prob", TensorProto.FLOAT, ["batch", len(CLASSES)])]
    if not baseline:
        nodes += [
            helper.make_node("MatMul", ["label_prob", "mean"], ["expected"]),
            helper.make_node("Sub", ["flat", "expected"], ["rest"]),
            helper.make_node("MatMul", ["rest", "to_style"], ["wild"]),
            helper.make_node("Clip", ["wild", "low", "high"], ["style"]),
        ]
        constants += [
            _constant("mean", mean),
            _constant("to_style", (component / scale[:, None]).T),
            _constant("low", np.array(-4.0)),
            _constant("high", np.array(4.0)),
        ]
        outputs.append(helper.make_tensor_value_info("style", TensorProto.FLOAT, ["batch", STYLE_DIM]))
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 28, 28])]
    return helper.make_graph(nodes, "encoder", inputs, outputs, constants)


def _decoder(mean, component, scale) -> onnx.GraphProto:
    nodes = [
        helper.make_node("MatMul", ["label", "mean"], ["expected"]),
        helper.make_node("MatMul", ["style", "from_style"], ["rest"]),
        helper.make_node("Add", ["expected", "rest"], ["wild"]),
        helper.make_node("Clip", ["wild", "low", "high"], ["flat"]),
        helper.make_node("Reshape", ["flat", "image_shape"], ["image"]),
    ]
    constants = [
        _constant("mean", mean),
        _constant("from_style", component * scale[:, None]),
        _constant("low", np.array(0.0)),
        _constant("high", np.array(1.0)),
        _constant("image_shape", np.array([-1, 1, 28, 28])),
    ]
    inputs = [
        helper.make_tensor_value_info("label", TensorProto.FLOAT, ["batch", len(CLASSES)]),
        helper.make_tensor_value_info("style", TensorProto.FLOAT, ["batch", STYLE_DIM]),
    ]
    outputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 28, 28])]
    return helper.make_graph(nodes, "decoder", inputs, outputs, constants)


def _save(graph: onnx.GraphProto, path: Path, props: dict[str, str], *, baseline: bool = False) -> None:
    if baseline:
        props = {key: value for key, value in props.items() if key not in ("aaecli.style_prior", "aaecli.novelty")}
        props["aaecli.model"] = "baseline"
    save(graph, path, props)


def save(graph: onnx.GraphProto, path: Path, props: dict[str, str]) -> None:
    """Save a graph as an ONNX file with the given metadata."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    for key, value in props.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, path)
