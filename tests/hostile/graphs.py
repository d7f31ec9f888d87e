"""ONNX files that a stranger might send: other files, other operators, boasts, bombs, and false descriptions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from tests.hostile.checkpoints import Write

_PROPS = {
    "aaecli.schema": "1",
    "aaecli.part": "encoder",
    "aaecli.classes": json.dumps([str(digit) for digit in range(10)]),
    "aaecli.image": json.dumps({"channels": 1, "height": 28, "width": 28}),
}


def _value(name: str, *shape: Any) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])


def honest(props: dict[str, str] | None = None) -> onnx.ModelProto:
    """Make a small encoder that would be accepted."""
    weight = np.random.default_rng(0).normal(size=(784, 10)).astype(np.float32)
    constants = [
        numpy_helper.from_array(np.array([-1, 784]), "flat_shape"),
        numpy_helper.from_array(weight, "weight"),
    ]
    nodes = [
        helper.make_node("Reshape", ["image", "flat_shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logit"]),
        helper.make_node("Softmax", ["logit"], ["label_prob"]),
    ]
    graph = helper.make_graph(nodes, "encoder", [_value("image", 1, 28, 28)], [_value("label_prob", 10)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, _PROPS | (props or {}))
    return model


def _save(folder: Path, body: bytes) -> list[str]:
    (folder / "encoder.onnx").write_bytes(body)
    Image.fromarray(np.tile(np.arange(28, dtype=np.uint8) * 9, (28, 1))).save(folder / "digit.png")
    return ["classify", "digit.png", "--model", "encoder.onnx"]


def changed(change: Callable[[onnx.ModelProto], Any], props: dict[str, str] | None = None) -> Write:
    """Write the honest encoder, changed."""

    def write(folder: Path, canary: Path) -> list[str]:
        model = honest(props)
        change(model)
        return _save(folder, model.SerializeToString())

    return write


def described(**props: str) -> Write:
    """Write the honest encoder with a false description."""
    return changed(lambda _: None, {f"aaecli.{name}": text for name, text in props.items()})


def raw(body: Callable[[bytes], bytes]) -> Write:
    """Write the bytes of the honest encoder, changed."""
    return lambda folder, canary: _save(folder, body(honest().SerializeToString()))


def _outside(location: str) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[1]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", location

    return change


def _operator(name: str, domain: str = "") -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[2].op_type, model.graph.node[2].domain = name, domain
        if domain:
            model.opset_import.append(helper.make_opsetid(domain, 1))

    return change


def _domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.evil", 1))


def _function(model: onnx.ModelProto) -> None:
    body = [helper.make_node("Relu", ["x"], ["y"])]
    model.functions.append(helper.make_function("", "Mine", ["x"], ["y"], body, [helper.make_opsetid("", 20)]))


def _loop(model: onnx.ModelProto) -> None:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, [])],
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(2**62), "turns"))
    model.graph.node.append(helper.make_node("Loop", ["turns", ""], [], body=body))


def _branch(model: onnx.ModelProto) -> None:
    def graph(name: str) -> onnx.GraphProto:
        return helper.make_graph([helper.make_node("Identity", ["logit"], [name])], name, [], [_value(name)])

    model.graph.initializer.append(numpy_helper.from_array(np.array([True]), "yes"))
    branches = {"then_branch": graph("a"), "else_branch": graph("b")}
    model.graph.node.append(helper.make_node("If", ["yes"], ["chosen"], **branches))


def _doubling(model: onnx.ModelProto) -> None:
    """Lay an image beside itself thirty times over: a terabyte out of a kilobyte."""
    name = "flat"
    for number in range(30):
        model.graph.node.append(helper.make_node("Concat", [name, name], [f"wide{number}"], axis=1))
        name = f"wide{number}"
    model.graph.node.append(helper.make_node("ReduceMax", [name], ["most"], keepdims=0))
    model.graph.node.append(helper.make_node("Sub", ["most", "most"], ["nothing"]))
    model.graph.node[2].output[0] = "prob"
    model.graph.node.append(helper.make_node("Add", ["prob", "nothing"], ["label_prob"]))


def _many_nodes(model: onnx.ModelProto) -> None:
    for number in range(50_000):
        model.graph.node.append(helper.make_node("Identity", ["logit"], [f"same{number}"]))


def _dims(*shape: int) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        model.graph.initializer[1].dims[:] = shape

    return change


def _rename(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = model.graph.node[0].input[0] = "picture"


def _fixed_batch(model: onnx.ModelProto) -> None:
    """Answer for the batch as a whole, where each image is asked for."""
    model.graph.node[2].output[0] = "prob"
    model.graph.initializer.append(numpy_helper.from_array(np.array([0, 0]), "starts"))
    model.graph.node.append(helper.make_node("Concat", ["prob", "prob"], ["label_prob"], axis=0))


def _scaled(factor: float) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[2].output[0] = "prob"
        model.graph.initializer.append(numpy_helper.from_array(np.array(factor, np.float32), "factor"))
        model.graph.node.append(helper.make_node("Mul", ["prob", "factor"], ["label_prob"]))

    return change


def _sparse_file(folder: Path, canary: Path) -> list[str]:
    words = _save(folder, b"")
    with (folder / "encoder.onnx").open("wb") as file:
        file.truncate(2**40)
    return words


def _nested(model: onnx.ModelProto) -> None:
    """Hide an operator of another domain in a graph within an attribute."""
    inner = helper.make_graph([helper.make_node("Run", [], ["x"], domain="com.evil")], "inner", [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("body", inner))


KINDS: dict[str, Write] = {
    "weights outside the folder": changed(_outside("../../../../etc/passwd")),
    "weights at an absolute path": changed(_outside("/etc/passwd")),
    "weights in a file beside": changed(_outside("weights.bin")),
    "operator of another domain": changed(_operator("Run", "com.evil")),
    "operator of Microsoft's": changed(_operator("Gelu", "com.microsoft")),
    "domain that is not used": changed(_domain),
    "operator that there is not": changed(_operator("Softmaxx")),
    "function of its own": changed(_function),
    "loop without end": changed(_loop),
    "branches": changed(_branch),
    "graph in an attribute": changed(_nested),
    "memory without end out of nothing": changed(_operator("ConstantOfShape")),
    "memory without end by doubling": changed(_doubling),
    "fifty thousand operators": changed(_many_nodes),
    "weight of terabytes": changed(_dims(2**40, 10)),
    "weight of negative size": changed(_dims(-784, 10)),
    "weight of more than it holds": changed(_dims(784_000, 10)),
    "input of another name": changed(_rename),
    "answers of another number": changed(_fixed_batch),
    "probabilities that are not numbers": changed(_scaled(float("nan"))),
    "probabilities above 1": changed(_scaled(3.0)),
    "probabilities below 0": changed(_scaled(-1.0)),
    "no description of the model": changed(lambda model: model.ClearField("metadata_props")),
    "description that is not JSON": described(classes="{not json"),
    "description nested without end": described(classes="[" * 100_000),
    "description of megabytes": described(classes=json.dumps(["x" * 2**21])),
    "description of infinite size": described(image='{"channels": 1, "height": 1e999, "width": 28}'),
    "description of huge images": described(image='{"channels": 1, "height": 1000000, "width": 1000000}'),
    "description of thousands of digits": described(image='{"channels": 1, "height": ' + "9" * 5000 + ', "width": 1}'),
    "description of other images": described(image='{"channels": 1, "height": 32, "width": 32}'),
    "description of other classes": described(classes='["a", "b"]'),
    "description of colour in strokes": described(image='{"channels": 3, "height": 28, "width": 28}'),
    "description of an accuracy of 700 percent": described(test_accuracy="7"),
    "description of a prior without width": described(style_prior='{"name": "gaussian", "std": 0, "dim": 3}'),
    "description that is a list": described(image="[1, 2, 3]"),
    "newer schema of the exports": described(schema="99"),
    "graph cut short": raw(lambda body: body[: len(body) // 2]),
    "graph cut by a byte": raw(lambda body: body[:-1]),
    "graph of zeros": raw(lambda body: bytes(len(body))),
    "graph of ones": raw(lambda body: b"\xff" * len(body)),
    "graph that is a picture": raw(lambda _: b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "graph of a terabyte of nothing": _sparse_file,
}
