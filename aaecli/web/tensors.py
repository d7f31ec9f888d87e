"""Tensors of the Open Inference Protocol: out of a body, JSON or binary, and into one."""

from __future__ import annotations

import math
import struct
from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aaecli.web import wire_v2
from aaecli.web.requests import Refusal, read_json

Values = NDArray[Any]
_LENGTH = struct.Struct("<I")


def read_tensors(body: bytes, header_length: str | None) -> tuple[wire_v2.InferRequest, dict[str, Values]]:
    """Take a request apart.

    Args:
        body: All of it.
        header_length: How many bytes of it are JSON; None where all are.

    Returns:
        The JSON, and each input by name: float32, or ``bytes`` as objects.

    Raises:
        Refusal: It is not of that form, or a tensor does not have as many values as its shape says.
    """
    size = len(body)
    if header_length is not None:
        if not header_length.isdecimal() or len(header_length) > 12 or int(header_length) > size:
            raise Refusal(400, "Inference-Header-Content-Length is no length of a part of the body.")
        size = int(header_length)
    request = read_json(body[:size], wire_v2.InferRequest)
    rest = memoryview(body)[size:]
    values: dict[str, Values] = {}
    for tensor in request.inputs:
        count = math.prod(tensor.shape)
        binary = tensor.parameters.get("binary_data_size")
        if tensor.name in values or not tensor.shape:
            raise Refusal(400, "Every input stands once, and has a batch.")
        if count == 0:
            # Besides, no array has such a shape where its other axes are long.
            raise Refusal(400, f"The input {tensor.name} holds nothing.")
        if (binary is None) == (tensor.data is None):
            raise Refusal(400, "An input has either data or the parameter binary_data_size.")
        if binary is None:
            values[tensor.name] = _from_json(tensor, tensor.data or [], count)
            continue
        if not isinstance(binary, int) or isinstance(binary, bool) or not 0 <= binary <= len(rest):
            raise Refusal(400, "binary_data_size is not what follows the JSON.")
        values[tensor.name] = _from_bytes(tensor, rest[:binary], count)
        rest = rest[binary:]
    if len(rest):
        raise Refusal(400, "More bytes follow the JSON than the inputs have.")
    return request, values


def _from_json(tensor: wire_v2.Tensor, data: list[Any], count: int) -> Values:
    if tensor.datatype == "BYTES":
        return _from_base64(tensor, data, count)
    _check_type(tensor)
    try:
        # Of a list with one long text in it, numpy would make texts of that length, as many as there are elements.
        values = np.asarray(data if _are_numbers(data) else None)
    except (ValueError, RecursionError) as error:  # lists of unequal lengths, or deeper than arrays are
        raise _wrong_count(tensor) from error
    if values.dtype.kind not in "iuf" or values.size != count:
        raise _wrong_count(tensor)
    return _finite(tensor, values.reshape(tensor.shape))


def _are_numbers(data: list[Any]) -> bool:
    """Tell whether a list holds numbers alone, or lists of them at any depth."""
    kinds = set(map(type, data))
    return kinds <= {int, float} or (kinds == {list} and all(map(_are_numbers, data)))


def _from_base64(tensor: wire_v2.Tensor, data: list[Any], count: int) -> Values:
    if len(data) != count or not all(isinstance(element, str) for element in data):
        raise _wrong_count(tensor)
    try:
        return _objects(tensor, [a2b_base64(element, strict_mode=True) for element in data])
    except (Base64Error, ValueError) as error:
        raise Refusal(400, f"The input {tensor.name} is no base64.", "Or send it in binary.") from error


def _from_bytes(tensor: wire_v2.Tensor, data: memoryview, count: int) -> Values:
    if tensor.datatype != "BYTES":
        _check_type(tensor)
        if len(data) != 4 * count:
            raise _wrong_count(tensor)
        return _finite(tensor, np.frombuffer(data, "<f4").reshape(tensor.shape))
    elements: list[bytes] = []
    start = 0
    while start + _LENGTH.size <= len(data) and len(elements) < count:
        end = start + _LENGTH.size + _LENGTH.unpack_from(data, start)[0]
        if end > len(data):
            raise _wrong_count(tensor)
        elements.append(bytes(data[start + _LENGTH.size : end]))
        start = end
    if start != len(data) or len(elements) != count:
        raise _wrong_count(tensor)
    return _objects(tensor, elements)


def _objects(tensor: wire_v2.Tensor, elements: list[bytes]) -> Values:
    values = np.empty(len(elements), np.object_)
    values[:] = elements
    return values.reshape(tensor.shape)


def _check_type(tensor: wire_v2.Tensor) -> None:
    if tensor.datatype != "FP32":
        raise Refusal(400, f"The input {tensor.name} is FP32 or, where it is a picture, BYTES.")


def _finite(tensor: wire_v2.Tensor, values: Values) -> Values:
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(values, np.float32)
    if not np.isfinite(numbers).all():
        raise Refusal(400, f"The input {tensor.name} holds what is no finite number.")
    return numbers


def _wrong_count(tensor: wire_v2.Tensor) -> Refusal:
    return Refusal(400, f"The data of the input {tensor.name} are not of the shape and type that it says.")


def encode_response(
    model: str, version: str, request: wire_v2.InferRequest, values: dict[str, Values]
) -> tuple[bytes, int | None]:
    """Put an answer together.

    Args:
        model: Name of the model.
        version: Its version.
        request: Says which outputs are wanted, and which of them in binary.
        values: All outputs by name.

    Returns:
        The body, and how many bytes of it are JSON; None where all are.
    """
    default = request.parameters.get("binary_data_output") is True
    wanted = {tensor.name: tensor.parameters.get("binary_data", default) is True for tensor in request.outputs}
    outputs, parts = [], []
    for name, is_binary in (wanted or dict.fromkeys(values, default)).items():
        value = values[name]
        is_text = value.dtype.kind == "O"
        tensor = wire_v2.OutputTensor(name, "BYTES" if is_text else "FP32", list(value.shape))
        if is_binary:
            parts.append(_packed(value) if is_text else np.ascontiguousarray(value, "<f4").tobytes())
            tensor.parameters = {"binary_data_size": len(parts[-1])}
        else:
            tensor.data = [text.decode() for text in value.ravel()] if is_text else value.ravel().tolist()
        outputs.append(tensor)
    header = msgspec.json.encode(wire_v2.InferResponse(model, version, outputs, request.id))
    return (b"".join((header, *parts)), len(header)) if parts else (header, None)


def _packed(value: Values) -> bytes:
    return b"".join(_LENGTH.pack(len(text)) + text for text in value.ravel())
