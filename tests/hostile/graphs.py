"""ONNX files that a stranger might send: other files, other operators, boasts, bombs, and false descriptions."""

from __future__ import annotations

import functools
import itertools
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from aaecli.graph import protobuf
from tests.hostile.checkpoints import Write
from tests.hostile.mutations import mutated
from tests.hostile.rewiring import rewired

PRECISIONS = ("float32", "float16", "int8")
_PROPS = {
    "aaecli.schema": "1",
    "aaecli.part": "encoder",
    "aaecli.classes": json.dumps([str(digit) for digit in range(10)]),
    "aaecli.image": json.dumps({"channels": 1, "height": 28, "width": 28}),
}


def _value(name: str, *shape: Any) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])


def honest(props: dict[str, str] | None = None, precision: str = "float32") -> onnx.ModelProto:
    """Make a small encoder that would be accepted: in ``float32``, ``float16`` or, quantised, ``int8``."""
    weight = np.random.default_rng(0).normal(size=(784, 10)).astype(np.float32)
    constants = {"flat_shape": np.array([-1, 784]), "weight": weight}
    nodes = [
        helper.make_node("Reshape", ["image", "flat_shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logit"]),
        helper.make_node("Softmax", ["logit"], ["label_prob"], axis=-1),
    ]
    if precision == "float16":
        constants["weight"] = weight.astype(np.float16)
        nodes[1].input[0], nodes[1].output[0] = "half", "half_logit"
        nodes.insert(1, helper.make_node("Cast", ["flat"], ["half"], to=TensorProto.FLOAT16))
        nodes.insert(3, helper.make_node("Cast", ["half_logit"], ["logit"], to=TensorProto.FLOAT))
    if precision == "int8":
        scale = np.abs(weight).max(0) / np.float32(127)
        constants["weight"] = np.rint(weight / scale).astype(np.int8)
        constants |= {"scale": scale, "zero": np.zeros(10, np.int8)}
        constants |= {"image_scale": np.array(1 / 255, np.float32), "image_zero": np.array(-128, np.int8)}
        nodes[0].input[0], nodes[1].input[1] = "read", "weights"
        image = ["image_scale", "image_zero"]
        nodes.insert(0, helper.make_node("QuantizeLinear", ["image", *image], ["bytes"]))
        nodes.insert(1, helper.make_node("DequantizeLinear", ["bytes", *image], ["read"]))
        nodes.insert(2, helper.make_node("DequantizeLinear", ["weight", "scale", "zero"], ["weights"], axis=1))
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "encoder", [_value("image", 1, 28, 28)], [_value("label_prob", 10)], weights)
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


def _hidden(field: bytes, place: bytes = b"MatMul") -> Write:
    """Put a field into a node, spelt so that some readers see it and others do not."""

    def body(whole: bytes) -> bytes:
        model = onnx.load_from_string(whole)
        (node,) = (node for node in model.graph.node if node.op_type.encode() == place)
        spelt = node.SerializeToString()
        found = whole.index(spelt)
        assert whole[found - 1] == len(spelt) < 128 - len(field)
        longer = whole[: found - 1] + bytes([len(spelt) + len(field)]) + spelt + field + whole[found + len(spelt) :]
        # The graph is as much longer.
        start = whole.index(model.graph.SerializeToString()[:40])
        size = len(model.graph.SerializeToString())
        return longer[: start - len(protobuf.varint(size))] + protobuf.varint(size + len(field)) + longer[start:]

    return raw(body)


def _appended(field: bytes) -> Write:
    """Put a field behind everything else."""
    return raw(lambda body: body + field)


def _constant_work(count: int, size: int) -> Callable[[onnx.ModelProto], None]:
    """Multiply matrices that a small file makes large, before any image is seen."""

    def change(model: onnx.ModelProto) -> None:
        graph = model.graph
        graph.initializer.append(numpy_helper.from_array(np.zeros((size, 1), np.float32), "column"))
        graph.initializer.append(numpy_helper.from_array(np.zeros((1, size), np.float32), "line"))
        graph.node.append(helper.make_node("MatMul", ["column", "line"], ["m0"]))
        for number in range(count):
            graph.node.append(helper.make_node("MatMul", [f"m{number}", "m0"], [f"m{number + 1}"]))
        _added(model, f"m{count}")

    return change


def _added(model: onnx.ModelProto, name: str) -> None:
    """Have the answer depend on a value."""
    model.graph.node[2].output[0] = "prob"
    model.graph.node.append(helper.make_node("ReduceMax", [name], ["most"], keepdims=0))
    model.graph.node.append(helper.make_node("Add", ["prob", "most"], ["label_prob"]))


def _constant_size(operator: str, number: int, *inputs: Any, **settings: Any) -> Callable[[onnx.ModelProto], None]:
    """Make a constant large, operator after operator."""

    def change(model: onnx.ModelProto) -> None:
        model.graph.initializer.append(numpy_helper.from_array(np.zeros((1, 1, 1, 1), np.float32), "c0"))
        for place, value in enumerate(inputs):
            model.graph.initializer.append(numpy_helper.from_array(value, f"i{place}"))
        rest = [f"i{place}" for place in range(len(inputs))]
        for count in range(number):
            first = [f"c{count}"] * (2 if operator in ("Concat", "MatMul") else 1)
            model.graph.node.append(helper.make_node(operator, first + rest, [f"c{count + 1}"], **settings))
        _added(model, f"c{number}")

    return change


def _square_of_batch(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array([4096]), "many"))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.float32), "zero"))
    model.graph.node.append(helper.make_node("Shape", ["image"], ["batch"], end=1))
    model.graph.node.append(helper.make_node("Concat", ["batch", "batch", "batch", "many"], ["wide"], axis=0))
    model.graph.node.append(helper.make_node("Expand", ["zero", "wide"], ["huge"]))
    _added(model, "huge")


def _size_from_image(model: onnx.ModelProto) -> None:
    """Take a size from what the image shows."""
    model.graph.initializer.append(numpy_helper.from_array(np.array([10**9], np.float32), "billion"))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.float32), "zero"))
    model.graph.node.append(helper.make_node("ReduceMax", ["image"], ["lightest"], keepdims=0))
    model.graph.node.append(helper.make_node("Mul", ["lightest", "billion"], ["product"]))
    model.graph.node.append(helper.make_node("Cast", ["product"], ["size"], to=TensorProto.INT64))
    model.graph.node.append(helper.make_node("Expand", ["zero", "size"], ["huge"]))
    _added(model, "huge")


def _wider(model: onnx.ModelProto) -> None:
    """Give 20 columns where the file says 10."""
    model.graph.node[2].output[0] = "prob"
    model.graph.node.append(helper.make_node("Concat", ["prob", "prob"], ["label_prob"], axis=1))


def _answer(operator: str, **settings: Any) -> Callable[[onnx.ModelProto], None]:
    """Have one more operator give the answer, whatever the file says of it."""

    def change(model: onnx.ModelProto) -> None:
        model.graph.node[2].output[0] = "prob"
        model.graph.node.append(helper.make_node(operator, ["prob"], ["label_prob"], **settings))

    return change


def _numbers(field: str, count: int) -> Callable[[onnx.ModelProto], None]:
    """Spell weights one by one, which takes long to read."""

    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer.add(name="many", data_type=TensorProto.INT64, dims=[count])
        getattr(tensor, field).extend([1] * count)

    return change


def _set(**fields: Any) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        for name, value in fields.items():
            setattr(model, name, value)

    return change


def _opset(version: int) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = version

    return change


def _typed(code: int) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        model.graph.initializer[1].data_type = code

    return change


def _other_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(_value("more", 3))


_LOOP = b"\x22\x04Loop"
_OVERLONG = {
    "cut to 32 bits": b"\xa2\x80\x80\x80\x10\x04Loop",
    "padded": b"\xa2\x80\x00\x04Loop",
    "with a padded length": b"\x22\x84\x00Loop",
    "of ten bytes": b"\xa2\x80\x80\x80\x80\x80\x80\x80\x80\x00\x04Loop",
    "twice": _LOOP,
    "in a group": b"\x23" + _LOOP + b"\x24",
    "of another wire type": b"\x20\x04",
    "unknown": b"\xa2\x06\x04Loop",
}

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
    **{f"operator spelt {how}": _hidden(field) for how, field in _OVERLONG.items()},
    "graph given twice": raw(lambda body: body + b"".join(protobuf.block(7, [b""]))),
    "graph that is merged from two": raw(lambda body: body + b"".join(protobuf.block(7, [b"\x0a\x06" + _LOOP]))),
    "field behind a tag cut to 32 bits": _appended(b"\xba\x80\x80\x80\x10\x00"),
    "field that ONNX does not have": _appended(b"\xf8\x07\x01"),
    "group behind the graph": _appended(b"\x3b\x3c"),
    "onnxruntime's own format": raw(lambda body: b"\x3a\x06\x00\x00ORTM" + body),
    "onnxruntime's own format in a name": raw(lambda body: b"\x12\x06xxORTM" + body),
    "five hundred products of constants": changed(_constant_work(500, 4000)),
    "two products of huge constants": changed(_constant_work(2, 30_000)),
    "constant of gigabytes by expanding": changed(_constant_size("Expand", 1, np.array([2**10, 2**10, 2**9, 4]))),
    "constant of gigabytes by margins": changed(_constant_size("Pad", 3, np.array([0, 0, 0, 0, 999, 999, 99, 0]))),
    "constant of gigabytes by doubling": changed(_constant_size("Concat", 31, axis=1)),
    "constant of gigabytes by a kernel": changed(
        _constant_size("ConvTranspose", 1, np.zeros((1, 1, 1, 1), np.float32), output_padding=[2**15, 2**15])
    ),
    "constant of gigabytes by tiles": changed(_constant_size("Tile", 1, np.array([1, 1, 2**15, 2**15]))),
    "constant of gigabytes by enlarging": changed(
        _constant_size("Resize", 1, np.zeros(0, np.float32), np.array([1, 1, 2**15, 2**15], np.float32))
    ),
    "work that grows with the square of the batch": changed(_square_of_batch),
    "size that the image tells": changed(_size_from_image),
    "answers of another width": changed(_wider),
    "answers of another type": changed(_answer("Cast", to=TensorProto.INT64)),
    "answers in half precision": changed(_answer("Cast", to=TensorProto.FLOAT16)),
    "answers turned over": changed(_answer("Transpose", perm=[1, 0])),
    "answers of another rank": changed(_answer("Flatten", axis=0)),
    "answer of nothing": changed(_answer("Shape")),
    "setting that an operator does not have": changed(_answer("Relu", alpha=1.0)),
    "weights spelt one by one": changed(_numbers("int64_data", 2**20)),
    "weights of two types": changed(_numbers("int32_data", 9)),
    "weights of a type that no export writes": changed(_typed(TensorProto.DOUBLE)),
    "weights of a type that there is not": changed(_typed(99)),
    "operators of an old version": changed(_opset(9)),
    "operators of the future": changed(_opset(99)),
    "file version of the future": changed(_set(ir_version=99)),
    "another input": changed(_other_input),
    "operator without inputs": changed(lambda model: model.graph.node[1].ClearField("input")),
    "graph without operators": changed(lambda model: model.graph.ClearField("node")),
    "graph without outputs": changed(lambda model: model.graph.ClearField("output")),
    "value that is computed twice": changed(lambda model: model.graph.node.append(model.graph.node[1])),
    "weight of two definitions": changed(lambda model: model.graph.initializer.append(model.graph.initializer[1])),
    "data set with a name of a megabyte": described(data=json.dumps({"name": "x" * 2**20})),
    "data set that is a list": described(data="[1]"),
    "graph cut short": raw(lambda body: body[: len(body) // 2]),
    "graph cut by a byte": raw(lambda body: body[:-1]),
    "graph of zeros": raw(lambda body: bytes(len(body))),
    "graph of ones": raw(lambda body: b"\xff" * len(body)),
    "graph that is a picture": raw(lambda _: b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "graph of a terabyte of nothing": _sparse_file,
}


def cases(seed: int) -> Iterator[tuple[str, Write]]:
    """Give files made from honest ones by changes drawn by lot, without end: of each precision in turn.

    Some come out as honest as they were; none may run anything, take long or much memory, or end in a traceback.

    Args:
        seed: The same gives the same files.
    """
    bodies = {precision: honest(precision=precision).SerializeToString() for precision in PRECISIONS}
    for number in itertools.count():
        precision = PRECISIONS[number % len(PRECISIONS)]
        rng = random.Random(f"{seed}-{number}")
        how, body = rng.choice((mutated, rewired, rewired))(bodies[precision], rng)
        yield f"{precision} graph {seed}-{number}: {how}", functools.partial(_write, body)


def _write(body: bytes, folder: Path, canary: Path) -> list[str]:
    return _save(folder, body)
