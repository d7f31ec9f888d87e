"""An ONNX file as plain values: read strictly, and written anew from them alone."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.graph import protobuf
from aaecli.graph.messages import MODEL
from aaecli.graph.protobuf import DAMAGED, block, integer, real, text

MAX_NODES = 2000
OPSETS = range(18, 22)
"""Versions of ONNX's operators between which those of ``aaecli.graph.operators`` do not differ."""
_MAX_METADATA_BYTES = 2**20
_MAX_RANK = 8
_MAX_DIMENSION = 2**31 - 1
# What onnxruntime's tools note down in every file, used or not; a node of any of them is refused.
_UNUSED_DOMAINS = ("ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "com.microsoft", "org.pytorch")
TYPES = {1: "<f4", 2: "u1", 3: "i1", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2"}
"""Types of numbers by ONNX's code: float32, uint8, int8, int32, int64, bool and float16."""
_FLOAT, _INT, _STRING, _TENSOR, _FLOATS, _INTS = 1, 2, 3, 4, 6, 7
_ATTRIBUTE_FIELDS = {_FLOAT: "f", _INT: "i", _STRING: "s", _TENSOR: "t", _FLOATS: "floats", _INTS: "ints"}


@dataclass(frozen=True)
class Weight:
    """An initialiser, or the value of a constant.

    Attributes:
        name: Its name; empty for a constant's.
        type: A key of ``TYPES``.
        shape: Its dimensions.
        data: Its numbers, little-endian, row by row.
    """

    name: str
    type: int
    shape: tuple[int, ...]
    data: bytes | memoryview

    def array(self) -> NDArray[Any]:
        """Give its numbers."""
        return np.frombuffer(self.data, TYPES[self.type]).reshape(self.shape)


@dataclass(frozen=True)
class Node:
    """One operator with the names of what it reads and gives; an input that is left out has an empty name."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Port:
    """An input or output of the whole graph.

    Attributes:
        name: Its name.
        type: A key of ``TYPES``.
        shape: A number for each axis, or the name of one that is not fixed. None where an output does not say.
    """

    name: str
    type: int
    shape: tuple[int | str, ...] | None


@dataclass(frozen=True)
class Model:
    """All of an ONNX file that an export needs."""

    ir_version: int
    opset: int
    nodes: tuple[Node, ...]
    weights: tuple[Weight, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: dict[str, str]

    def to_bytes(self) -> bytes:
        """Write it as an ONNX file that holds nothing else, its metadata left out."""
        graph = [piece for node in self.nodes for piece in block(1, _node(node))]
        graph += text(2, "graph")
        for weight in self.weights:
            graph += block(5, _weight(weight))
        for number, ports in ((11, self.inputs), (12, self.outputs)):
            for port in ports:
                graph += block(number, _port(port))
        opset = block(8, [*text(1, ""), *integer(2, self.opset)])
        return b"".join([*integer(1, self.ir_version), *block(7, graph), *opset])


def read_model(body: bytes) -> Model:
    """Read an ONNX file.

    Raises:
        ValueError: It is damaged, or holds what no export does. The message is half a sentence that says what.
    """
    found = protobuf.read(body, MODEL)
    metadata = {entry.get("key", ""): entry.get("value", "") for entry in found["metadata"]}
    if len(metadata) < len(found["metadata"]):
        raise ValueError("it describes the same thing twice")
    if sum(len(key) + len(value) for key, value in metadata.items()) > _MAX_METADATA_BYTES:
        raise ValueError("its metadata are longer than any description")
    graph = found.get("graph")
    if graph is None or "ir_version" not in found:
        raise ValueError(DAMAGED)
    if len(graph["nodes"]) > MAX_NODES:
        raise ValueError(f"it has more than {MAX_NODES:,} operators")
    return Model(
        ir_version=found["ir_version"],
        opset=_opset(found["opsets"]),
        nodes=tuple(map(_read_node, graph["nodes"])),
        weights=tuple(map(_read_weight, graph["weights"])),
        inputs=tuple(map(_read_port, graph["inputs"])),
        outputs=tuple(map(_read_port, graph["outputs"])),
        metadata=metadata,
    )


def in_order(model: Model) -> Model:
    """Put each operator behind those whose results it reads, which some tools leave to the reader.

    Raises:
        ValueError: Some wait for each other, or for what nothing gives.
    """
    known = {"", *(weight.name for weight in model.weights), *(port.name for port in model.inputs)}
    missing = [set(node.inputs) - known for node in model.nodes]
    readers: dict[str, list[int]] = {}
    for index, names in enumerate(missing):
        for name in names:
            readers.setdefault(name, []).append(index)
    ready = deque(index for index, names in enumerate(missing) if not names)
    found = []
    while ready:
        node = model.nodes[ready.popleft()]
        found.append(node)
        for name in node.outputs:
            for index in readers.pop(name, ()):
                missing[index].discard(name)
                if not missing[index]:
                    ready.append(index)
    if len(found) < len(model.nodes):
        raise ValueError("it reads a value before it is computed")
    return replace(model, nodes=tuple(found))


def _opset(opsets: list[dict[str, Any]]) -> int:
    versions = []
    for entry in opsets:
        domain = entry.get("domain", "")
        if domain in ("", "ai.onnx"):
            versions.append(entry.get("version", 0))
        elif not any(domain == name or domain.startswith(f"{name}.") for name in _UNUSED_DOMAINS):
            raise ValueError(f"it needs operators of {domain[:40]!r}, which are not those of ONNX")
    if len(versions) != 1 or versions[0] not in OPSETS:
        raise ValueError(f"its operators are not those of ONNX's versions {OPSETS[0]} to {OPSETS[-1]}")
    version: int = versions[0]
    return version


def _read_node(found: dict[str, Any]) -> Node:
    domain = found.get("domain", "")
    if domain not in ("", "ai.onnx"):
        raise ValueError(f"it needs operators of {domain[:40]!r}, which are not those of ONNX")
    attributes = {}
    for attribute in found["attributes"]:
        name, kind = attribute.get("name", ""), attribute.get("type", 0)
        wanted = _ATTRIBUTE_FIELDS.get(kind)
        given = {key for key in _ATTRIBUTE_FIELDS.values() if attribute.get(key) not in (None, [])}
        if wanted is None or not given <= {wanted} or name in attributes:
            raise ValueError("an operator's settings contradict each other")
        attributes[name] = _attribute(attribute, wanted)
    return Node(found.get("operator", ""), tuple(found["inputs"]), tuple(found["outputs"]), attributes)


def _attribute(found: dict[str, Any], key: str) -> Any:
    if key == "f":
        return float(np.frombuffer(found.get("f", bytes(4)), "<f4")[0])
    if key == "s":
        return str(found.get("s", b""), "utf-8")
    if key == "t":
        return _read_weight(found.get("t", {"dims": [], "float_data": [], "int32_data": [], "int64_data": []}))
    if key == "floats":
        return tuple(np.frombuffer(b"".join(found["floats"]), "<f4").tolist())
    return found.get("i", 0) if key == "i" else tuple(found["ints"])


def _read_weight(found: dict[str, Any]) -> Weight:
    if found.get("location", 0):
        raise ValueError("it keeps weights in another file, which exports do not")
    code, shape = found.get("type", 0), tuple(found["dims"])
    if code not in TYPES:
        raise ValueError("its weights are of a type that no export writes")
    if len(shape) > _MAX_RANK or not all(0 <= size <= _MAX_DIMENSION for size in shape):
        raise ValueError("a weight claims more numbers than any holds")
    dtype = np.dtype(TYPES[code])
    forms = [found.get("raw_data", b""), b"".join(found["float_data"]), found["int32_data"], found["int64_data"]]
    if sum(map(bool, map(len, forms))) > 1:
        raise ValueError("a weight is given twice")
    data, floats, small, large = forms
    if len(floats) and code == 1:
        data = floats
    elif (len(small) and code not in (1, 7)) or (len(large) and code == 7):
        data = _narrow(small or large, dtype)
    elif len(floats) or len(small) or len(large):
        raise ValueError("a weight is of two types")
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise ValueError("a weight claims more numbers than it holds, or fewer")
    return Weight(found.get("name", ""), code, shape, data)


def _narrow(values: list[int], dtype: np.dtype[Any]) -> bytes:
    """Write numbers in the bytes that their type has; half floats are given by their bits."""
    bits = np.dtype("<u2") if dtype.kind == "f" else dtype
    wide = np.array(values, np.int64)
    narrow = wide.astype(bits)
    if not (narrow.astype(np.int64) == wide).all():
        raise ValueError("a weight holds numbers that its type does not")
    return narrow.tobytes()


def _read_port(found: dict[str, Any]) -> Port:
    tensor = found.get("type", {}).get("tensor")
    if tensor is None:
        raise ValueError(DAMAGED)
    dims = tensor["shape"]["dim"] if "shape" in tensor else None
    if dims is None:
        return Port(found.get("name", ""), tensor.get("type", 0), None)
    if len(dims) > _MAX_RANK or any("value" in dim and "name" in dim for dim in dims):
        raise ValueError(DAMAGED)
    shape = tuple(dim["value"] if "value" in dim else dim.get("name", "") for dim in dims)
    return Port(found.get("name", ""), tensor.get("type", 0), shape)


def _node(node: Node) -> Iterable[Any]:
    for number, names in ((1, node.inputs), (2, node.outputs)):
        for name in names:
            yield from text(number, name)
    yield from text(4, node.operator)
    for name, value in node.attributes.items():
        yield from block(5, _attribute_pieces(name, value))


def _attribute_pieces(name: str, value: Any) -> Iterable[Any]:
    yield from text(1, name)
    if isinstance(value, float):
        yield from [*real(2, value), *integer(20, _FLOAT)]
    elif isinstance(value, int):
        yield from [*integer(3, value), *integer(20, _INT)]
    elif isinstance(value, str):
        yield from [*text(4, value), *integer(20, _STRING)]
    elif isinstance(value, Weight):
        yield from [*block(5, _weight(value)), *integer(20, _TENSOR)]
    elif value and isinstance(value[0], float):
        for entry in value:
            yield from real(7, entry)
        yield from integer(20, _FLOATS)
    else:
        for entry in value:
            yield from integer(8, entry)
        yield from integer(20, _INTS)


def _weight(weight: Weight) -> Iterable[Any]:
    for size in weight.shape:
        yield from integer(1, size)
    yield from integer(2, weight.type)
    yield from text(8, weight.name)
    yield from block(9, [weight.data])


def _port(port: Port) -> Iterable[Any]:
    yield from text(1, port.name)
    shape: list[Any] = []
    for size in port.shape or ():
        entry = integer(1, size) if isinstance(size, int) else text(2, size)
        shape += block(1, entry)
    # A name alone does not tell a shape without axes from one that is not said.
    pieces = integer(1, port.type) + ([] if port.shape is None else block(2, shape))
    yield from block(2, block(1, pieces))
