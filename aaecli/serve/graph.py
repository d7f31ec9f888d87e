"""An ONNX file looked at before onnxruntime opens it: where its weights are, what it computes, what it says of itself.

A few fields of ``ModelProto`` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), read off the bytes: the onnx
package takes longer to import than a picture to classify, and is not needed to serve.
"""

from __future__ import annotations

from collections.abc import Iterator

_MAX_NODES = 2000
_MAX_METADATA_BYTES = 2**20
_MAX_DIMENSION = 2**31
# Those that repeat or choose parts of a graph, draw numbers, or make much out of little.
_REFUSED = {
    "Loop", "Scan", "If", "SequenceMap", "ConstantOfShape", "Range", "EyeLike", "Tile", "Expand", "OneHot",
    "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli",
    "StringConcat", "StringSplit", "RegexFullMatch", "ImageDecoder",
}  # fmt: skip
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_Field = tuple[int, int, "int | memoryview"]


def check_graph(model: bytes) -> None:
    """Look through the bytes of an ONNX file for what no export holds.

    Raises:
        ValueError: It refers to other files, has operators of its own, loops, or would make much out of little; or it
            is damaged. The message is half a sentence that says what.
    """
    try:
        _check_model(memoryview(model))
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError("it is damaged or cut short") from error


def _check_model(model: memoryview) -> None:
    num_metadata_bytes = 0
    for number, kind, value in _fields(model):
        if kind != _BYTES or isinstance(value, int):
            continue
        if number == 7:
            _check_graph(value)
        elif number == 8:
            _check_domain(_text(value, 1))
        elif number == 14:
            num_metadata_bytes += len(value)
            if num_metadata_bytes > _MAX_METADATA_BYTES:
                raise ValueError("its metadata are longer than any description")
        elif number in (20, 25):
            raise ValueError("it brings functions or a training of its own")


def _check_graph(graph: memoryview) -> None:
    num_nodes = 0
    for number, kind, value in _fields(graph):
        if kind != _BYTES or isinstance(value, int):
            continue
        if number == 1:
            num_nodes += 1
            if num_nodes > _MAX_NODES:
                raise ValueError(f"it has more than {_MAX_NODES:,} operators")
            _check_node(value)
        elif number == 5:
            _check_tensor(value)
        elif number == 15:
            raise ValueError("it has sparse weights")


def _check_node(node: memoryview) -> None:
    operator = _text(node, 4)
    _check_domain(_text(node, 7))
    if operator in _REFUSED:
        raise ValueError(f"it holds the operator {operator}, which no export does")
    for number, _, attribute in _fields(node):
        if number == 5 and not isinstance(attribute, int):
            for part, kind, value in _fields(attribute):
                if kind == _BYTES and not isinstance(value, int):
                    if part in (6, 11):
                        raise ValueError("it holds graphs within its graph")
                    if part in (5, 10):
                        _check_tensor(value)


def _check_tensor(tensor: memoryview) -> None:
    for number, kind, value in _fields(tensor):
        if number == 13 or (number == 14 and value != 0):
            raise ValueError("it keeps weights in another file, which exports do not")
        if number == 1 and kind == _VARINT and isinstance(value, int) and value >= _MAX_DIMENSION:
            raise ValueError("a weight claims more numbers than any holds")


def _check_domain(name: str) -> None:
    if name not in ("", "ai.onnx"):
        raise ValueError(f"it needs operators of {name[:40]!r}, which are not those of ONNX")


def _text(message: memoryview, wanted: int) -> str:
    found = ""
    for number, _, value in _fields(message):
        if number == wanted and not isinstance(value, int):
            found = bytes(value).decode()
    return found


def _fields(message: memoryview) -> Iterator[_Field]:
    """Give each field of a message: its number, its kind, and its number or bytes."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, kind, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if kind == _BYTES:
            size, at = _varint(message, at)
        if size is None or at + size > end:
            raise ValueError("it is damaged or cut short")
        yield number, kind, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("it is damaged")
