"""Protobuf's wire format, read by a schema in the one way that all readers agree on, and written canonically.

Protobuf's own readers are lenient, each in its way: a tag of ten bytes is cut to 32 bits by one and kept by another, a
number may be padded, a message given twice is merged. A file that uses such freedom could show one graph to who checks
it and another to who runs it, so it is refused: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

_VARINT, _BYTES, _FIXED32 = 0, 2, 5
_MAX_TAG_BYTES = 5
_MAX_VARINT_BYTES = 10
_MAX_VALUES = 2**18
"""Fields and numbers of one file; those of this program have a few thousand, and reading each takes a microsecond."""
Kind = Literal["int", "float", "text", "bytes", "message", "ignored", "refused"]
_WIRE_TYPES: dict[Kind, int] = {"int": _VARINT, "float": _FIXED32}
DAMAGED = "it is damaged or cut short"


@dataclass(frozen=True)
class Field:
    """What one field of a message holds.

    Attributes:
        name: Its key in what ``read`` gives; of a field that is refused, what it would bring.
        kind: ``int``, ``float``, ``text`` and ``bytes`` are values; ``ignored`` is passed over, and not read;
            ``refused`` must not be there.
        repeated: It may stand any number of times.
        schema: Of a message.
    """

    name: str
    kind: Kind
    repeated: bool = False
    schema: Mapping[int, Field] | None = None


Schema = Mapping[int, Field]


def read(message: bytes, schema: Schema) -> dict[str, Any]:
    """Read a message.

    Args:
        message: Its bytes.
        schema: Its fields by number.

    Returns:
        The values of its fields by name: int, str, memoryview, or a dict for a message; a list of these where the
        field is repeated. Floats are views of four bytes each, or of many, as they stand. A repeated field that is
        absent is an empty list, any other is absent.

    Raises:
        ValueError: It is damaged, is not written canonically, or holds what the schema does not know. The message is
            half a sentence that says what.
    """
    try:
        return _Reader(message).message(0, len(message), schema)
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError(DAMAGED) from error


class _Reader:
    """The whole file; every place in it is an offset, so that nothing is copied."""

    def __init__(self, whole: bytes) -> None:
        self._whole = whole
        self._view = memoryview(whole)
        self._num_values = 0

    def message(self, at: int, end: int, schema: Schema) -> dict[str, Any]:
        found: dict[str, Any] = {field.name: [] for field in schema.values() if field.repeated}
        while at < end:
            self._count()
            tag, at = self._varint(at, end, _MAX_TAG_BYTES)
            number, wire_type = tag >> 3, tag & 7
            field = schema.get(number)
            if field is None or tag >= 2**32:
                raise ValueError("it holds fields that ONNX does not have, or no export writes")
            if field.kind == "refused":
                raise ValueError(f"it brings {field.name}, which no export does")
            expected = _WIRE_TYPES.get(field.kind, _BYTES)
            if wire_type == _BYTES:
                size, at = self._varint(at, end, _MAX_TAG_BYTES)
                if size > end - at:
                    raise ValueError(DAMAGED)
                if expected != _BYTES:
                    if not field.repeated:
                        raise ValueError(DAMAGED)
                    found[field.name] += self._packed(at, at + size, field.kind)
                else:
                    self._put(found, field, self._value(at, at + size, field))
                at += size
            elif wire_type != expected:
                raise ValueError(DAMAGED)
            elif wire_type == _VARINT:
                value, at = self._varint(at, end, _MAX_VARINT_BYTES)
                self._put(found, field, _signed(value))
            else:
                self._put(found, field, self._view[at : at + 4] if at + 4 <= end else None)
                at += 4
        return found

    def _value(self, at: int, end: int, field: Field) -> Any:
        if field.kind == "message":
            return self.message(at, end, field.schema or {})
        return str(self._view[at:end], "utf-8") if field.kind == "text" else self._view[at:end]

    def _put(self, found: dict[str, Any], field: Field, value: Any) -> None:
        if value is None:
            raise ValueError(DAMAGED)
        if field.kind == "ignored":
            return
        if field.repeated:
            found[field.name].append(value)
        elif field.name in found:
            raise ValueError("it says the same thing twice")
        else:
            found[field.name] = value

    def _packed(self, at: int, end: int, kind: Kind) -> list[Any]:
        if kind == "float":
            if (end - at) % 4:
                raise ValueError(DAMAGED)
            return [self._view[at:end]]
        values = []
        while at < end:
            self._count()
            value, at = self._varint(at, end, _MAX_VARINT_BYTES)
            values.append(_signed(value))
        return values

    def _count(self) -> None:
        self._num_values += 1
        if self._num_values > _MAX_VALUES:
            raise ValueError(f"it has more than {_MAX_VALUES:,} parts")

    def _varint(self, at: int, end: int, most: int) -> tuple[int, int]:
        value = shift = 0
        whole = self._whole
        for offset in range(at, min(at + most, end)):
            byte = whole[offset]
            value |= (byte & 127) << shift
            if byte < 128:
                # A last byte of zero would only pad the number.
                if (byte == 0 and shift) or value >= 2**64:
                    break
                return value, offset + 1
            shift += 7
        raise ValueError(DAMAGED)


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def varint(value: int) -> bytes:
    """Write an integer of 64 bits, negative ones as their complement."""
    rest, out = value % 2**64, bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def integer(number: int, value: int) -> list[Any]:
    """Write a field that holds an integer: its bytes, in pieces."""
    return [varint(number << 3 | _VARINT) + varint(value)]


def real(number: int, value: float) -> list[Any]:
    """Write a field that holds a float32."""
    return [varint(number << 3 | _FIXED32) + np.float32(value).tobytes()]


def block(number: int, pieces: Iterable[bytes | memoryview]) -> list[Any]:
    """Write a field that holds bytes, or the pieces of a message."""
    held = list(pieces)
    return [varint(number << 3 | _BYTES) + varint(sum(map(len, held))), *held]


def text(number: int, value: str) -> list[Any]:
    """Write a field that holds text."""
    return block(number, [value.encode()])
