"""The messages of ONNX (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), as far as an export may hold them."""

from __future__ import annotations

from aaecli.graph.protobuf import Field, Schema

_IGNORED = Field("", "ignored")
"""Descriptions for people: not read, and not handed on."""


def _refused(what: str) -> Field:
    return Field(what, "refused")


def _many(name: str, schema: Schema) -> Field:
    return Field(name, "message", repeated=True, schema=schema)


ENTRY: Schema = {1: Field("key", "text"), 2: Field("value", "text")}
_OPSET: Schema = {1: Field("domain", "text"), 2: Field("version", "int")}

_DIMENSION: Schema = {1: Field("value", "int"), 2: Field("name", "text"), 3: _IGNORED}
_SHAPE: Schema = {1: _many("dim", _DIMENSION)}
_TENSOR_TYPE: Schema = {1: Field("type", "int"), 2: Field("shape", "message", schema=_SHAPE)}
_OTHER_TYPE = _refused("lists, maps or sparse numbers")
_TYPE: Schema = {
    1: Field("tensor", "message", schema=_TENSOR_TYPE),
    **dict.fromkeys((4, 5, 7, 8, 9), _OTHER_TYPE),
    6: _IGNORED,
}
_VALUE: Schema = {1: Field("name", "text"), 2: Field("type", "message", schema=_TYPE), 3: _IGNORED, 4: _IGNORED}

_TENSOR: Schema = {
    1: Field("dims", "int", repeated=True),
    2: Field("type", "int"),
    3: _refused("weights in parts"),
    4: Field("float_data", "float", repeated=True),
    5: Field("int32_data", "int", repeated=True),
    6: _refused("weights that are text"),
    7: Field("int64_data", "int", repeated=True),
    8: Field("name", "text"),
    9: Field("raw_data", "bytes"),
    10: _refused("weights of 64 bits"),
    11: _refused("weights of 64 bits"),
    12: _IGNORED,
    13: _refused("weights in another file"),
    14: Field("location", "int"),
    16: _IGNORED,
}

_INNER_GRAPH = _refused("graphs within its graph")
_ATTRIBUTE: Schema = {
    1: Field("name", "text"),
    2: Field("f", "float"),
    3: Field("i", "int"),
    4: Field("s", "bytes"),
    5: Field("t", "message", schema=_TENSOR),
    6: _INNER_GRAPH,
    7: Field("floats", "float", repeated=True),
    8: Field("ints", "int", repeated=True),
    9: _refused("lists of texts"),
    10: _refused("lists of weights"),
    11: _INNER_GRAPH,
    13: _IGNORED,
    **dict.fromkeys((14, 15), _OTHER_TYPE),
    20: Field("type", "int"),
    21: _refused("functions of its own"),
    **dict.fromkeys((22, 23), _OTHER_TYPE),
}
_NODE: Schema = {
    1: Field("inputs", "text", repeated=True),
    2: Field("outputs", "text", repeated=True),
    3: _IGNORED,
    4: Field("operator", "text"),
    5: _many("attributes", _ATTRIBUTE),
    6: _IGNORED,
    7: Field("domain", "text"),
    8: _refused("functions of its own"),
    9: _IGNORED,
    10: _refused("devices to run on"),
}
_GRAPH: Schema = {
    1: _many("nodes", _NODE),
    2: _IGNORED,
    5: _many("weights", _TENSOR),
    10: _IGNORED,
    11: _many("inputs", _VALUE),
    12: _many("outputs", _VALUE),
    # Shapes that somebody inferred: what is believed here is inferred here.
    13: _IGNORED,
    14: _refused("ranges of numbers from elsewhere"),
    15: _refused("sparse weights"),
    16: _IGNORED,
}
MODEL: Schema = {
    1: Field("ir_version", "int"),
    2: _IGNORED,
    3: _IGNORED,
    4: _IGNORED,
    5: Field("model_version", "int"),
    6: _IGNORED,
    7: Field("graph", "message", schema=_GRAPH),
    8: _many("opsets", _OPSET),
    14: _many("metadata", ENTRY),
    20: _refused("a training of its own"),
    25: _refused("functions of its own"),
    26: _refused("devices to run on"),
}
