"""Changing ONNX graphs by lot into others that are spelt well: other operators, settings, sizes, numbers and wires."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aaecli.graph.model import TYPES, Weight
from aaecli.graph.operators import OPERATORS

_OTHERS = (
    "Loop",
    "If",
    "Scan",
    "Tile",
    "ConstantOfShape",
    "Range",
    "RandomNormal",
    "Einsum",
    "Resize",
    "TopK",
)
_OFTEN = ("Expand", "Pad", "Concat", "MatMul", "Conv", "ConvTranspose", "Reshape", "Gather")
_SIZES = (-(2**62), -2, -1, 0, 1, 2, 3, 4, 8, 10, 28, 784, 1000, 2**16, 2**20, 2**31, 2**40, 2**63 - 1)


def rewired(body: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Change a graph in one to eight ways; gives what was done, and the file."""
    model, done = onnx.load_from_string(body), []
    for _ in range(rng.choice((1, 2, 4, 8))):
        name = rng.choice(list(_CHANGES))
        _CHANGES[name](model.graph, rng)
        done.append(name)
    return ", ".join(done), model.SerializeToString()


def _names(graph: onnx.GraphProto) -> list[str]:
    return [
        *(value.name for value in graph.input),
        *(tensor.name for tensor in graph.initializer),
        *(name for node in graph.node for name in node.output),
        "",
    ]


def _operator(graph: onnx.GraphProto, rng: random.Random) -> None:
    node = rng.choice(graph.node)
    node.op_type = rng.choice((*OPERATORS, *_OTHERS))
    del node.attribute[:]


def _setting(graph: onnx.GraphProto, rng: random.Random) -> None:
    node = rng.choice(graph.node)
    settings = OPERATORS[node.op_type].settings if node.op_type in OPERATORS else {}
    if settings:
        name = rng.choice(list(settings))
        value: Any = _value(settings[name], rng)
        kept = [attribute for attribute in node.attribute if attribute.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, value)])


def _value(kind: type, rng: random.Random) -> Any:
    if kind is int:
        return rng.choice(_SIZES)
    if kind is float:
        return rng.choice((0.0, -1.0, 1e30, float("nan"), float("inf")))
    if kind is str:
        return rng.choice(("NOTSET", "SAME_UPPER", "constant", "wrap", "tanh", ""))
    if kind is Weight:
        return numpy_helper.from_array(np.array(rng.choices(_SIZES, k=2)))
    return rng.choices((*_SIZES, 1, 1, 1, 2), k=rng.choice((1, 2, 4)))


def _inserted(graph: onnx.GraphProto, rng: random.Random) -> None:
    """Put in an operator whose result the next one reads."""
    place = rng.randrange(len(graph.node))
    after, name = graph.node[place], f"new{len(graph.node)}"
    operator = rng.choice(
        (*OPERATORS, "Expand", "Pad", "Concat", "MatMul", "Conv", "ConvTranspose", "Reshape", "Gather")
    )
    inputs = rng.choices(_names(graph), k=rng.randint(*np.clip(OPERATORS[operator].inputs, 0, 4)))
    if inputs and len(after.input) and rng.random() < 0.7:
        inputs[0] = after.input[0]
    node = helper.make_node(operator, inputs, [name])
    if len(after.input):
        after.input[rng.randrange(len(after.input))] = name
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes[:place], node, *nodes[place:]])


def _wire(graph: onnx.GraphProto, rng: random.Random) -> None:
    node = rng.choice(graph.node)
    names = rng.choice((node.input, node.output))
    if len(names):
        names[rng.randrange(len(names))] = rng.choice(_names(graph))


def _size(graph: onnx.GraphProto, rng: random.Random) -> None:
    tensor = rng.choice(graph.initializer)
    tensor.dims[:] = rng.choices(_SIZES, k=rng.choice((0, 1, 2, 4)))


def _type(graph: onnx.GraphProto, rng: random.Random) -> None:
    rng.choice(graph.initializer).data_type = rng.choice((*TYPES, *range(24)))


def _numbers(graph: onnx.GraphProto, rng: random.Random) -> None:
    whole = [tensor for tensor in graph.initializer if tensor.data_type == TensorProto.INT64]
    if whole:
        tensor = rng.choice(whole)
        count = rng.choice((1, 2, 4, 8))
        fresh = numpy_helper.from_array(np.array(rng.choices(_SIZES, k=count)), tensor.name)
        tensor.CopyFrom(fresh)


def _new_weight(graph: onnx.GraphProto, rng: random.Random) -> None:
    shape = rng.choice(((), (1,), (10,), (1, 10), (10, 10), (1, 1, 1), (3, 1, 2, 2)))
    kind = rng.choice((np.float32, np.float32, np.int64, np.float16, np.int8))
    graph.initializer.append(numpy_helper.from_array(np.ones(shape, kind), f"weight{len(graph.initializer)}"))


def _port(graph: onnx.GraphProto, rng: random.Random) -> None:
    port = rng.choice((graph.input[0], graph.output[0]))
    sizes: list[Any] = ["batch", *rng.choices(_SIZES, k=rng.choice((0, 1, 3)))]
    fresh = helper.make_tensor_value_info(port.name, rng.choice((1, 1, 1, 7, 10)), rng.choice((sizes, sizes[1:])))
    port.CopyFrom(fresh)


_CHANGES = {
    "another operator": _operator,
    "another setting": _setting,
    "an operator more": _inserted,
    "an operator more between": _inserted,
    "a wire elsewhere": _wire,
    "a weight of another size": _size,
    "a weight of another type": _type,
    "other numbers": _numbers,
    "a weight more": _new_weight,
    "another input or output": _port,
}
