"""Changing files of protobuf messages by lot: fields moved, doubled, respelt and refilled, and bytes besides."""

from __future__ import annotations

import random
from dataclasses import dataclass

from aaecli.graph.protobuf import varint

_WORDS = (
    b"", b"x", b"image", b"label_prob", b"logit", b"Loop", b"If", b"Scan", b"Expand", b"ConstantOfShape", b"Tile",
    b"Reshape", b"MatMul", b"Conv", b"Cast", b"Identity", b"Shape", b"com.microsoft", b"ai.onnx.ml", b"ORTM",
    b"/etc/passwd", b"\xff\xfe", b"\x1b[31m", "‮".encode(), b"aaecli.classes", b"[1e999]", b"x" * 70_000,
)  # fmt: skip
_NUMBERS = (0, 1, 2, 3, 7, 10, 11, 16, 127, 128, 784, 2**16, 2**31 - 1, 2**31, 2**32, 2**62, 2**63, 2**64 - 1)
_MAX_DEPTH = 6


@dataclass
class Part:
    """A field: its number, wire type and content, which is that of a message where it can be read as one."""

    number: int
    wire_type: int
    content: list[Part] | bytes | int


def parse(message: bytes, depth: int = 0) -> list[Part] | None:
    """Read what looks like a message, leniently; None where it does not."""
    parts, at = [], 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        number, wire_type = tag >> 3, tag & 7
        content: list[Part] | bytes | int
        if wire_type == 0:
            content, at = _read_varint(message, at)
        elif wire_type in (1, 2, 5):
            size = {1: 8, 5: 4}.get(wire_type, 0)
            if wire_type == 2:
                size, at = _read_varint(message, at)
            content, at = message[at : at + size], at + size
        else:
            return None
        if number == 0 or number > 99 or at > len(message):
            return None
        if isinstance(content, bytes) and wire_type == 2 and 1 < len(content) < 2**16 and depth < _MAX_DEPTH:
            content = parse(content, depth + 1) or content
        parts.append(Part(number, wire_type, content))
    return parts


def spell(parts: list[Part]) -> bytes:
    """Write them."""
    return b"".join(_spell(part) for part in parts)


def mutated(body: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Change a file in one to three ways; gives what was done, and the file."""
    done = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        parts = parse(body)
        if parts and rng.random() < 0.75:
            name = rng.choice(list(_FIELD_CHANGES))
            body = _FIELD_CHANGES[name](parts, rng)
        else:
            name = rng.choice(list(_BYTE_CHANGES))
            body = _BYTE_CHANGES[name](body, rng)
        done.append(name)
    return ", ".join(done), body


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 70:
        value |= (message[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if message[at - 1] < 128:
            return value, at
    return 0, len(message) + 1


def _spell(part: Part, *, tag: bytes | None = None, size: bytes | None = None) -> bytes:
    if isinstance(part, _Raw):
        return part.body
    tag = varint(part.number << 3 | part.wire_type) if tag is None else tag
    if isinstance(part.content, int):
        return tag + varint(part.content)
    content = spell(part.content) if isinstance(part.content, list) else part.content
    if part.wire_type != 2:
        return tag + content
    return tag + (varint(len(content)) if size is None else size) + content


def _any_list(parts: list[Part], rng: random.Random) -> list[Part]:
    """Pick a message somewhere within, deep ones as often as shallow ones."""
    while True:
        inner = [part.content for part in parts if isinstance(part.content, list)]
        if not inner or rng.random() < 0.3:
            return parts
        parts = rng.choice(inner)


def _doubled(parts: list[Part], rng: random.Random) -> bytes:
    some = _any_list(parts, rng)
    some.insert(rng.randrange(len(some) + 1), rng.choice(some))
    return spell(parts)


def _dropped(parts: list[Part], rng: random.Random) -> bytes:
    some = _any_list(parts, rng)
    del some[rng.randrange(len(some))]
    return spell(parts)


def _shuffled(parts: list[Part], rng: random.Random) -> bytes:
    rng.shuffle(_any_list(parts, rng))
    return spell(parts)


def _moved(parts: list[Part], rng: random.Random) -> bytes:
    part = rng.choice(_any_list(parts, rng))
    some = _any_list(parts, rng)
    if not (isinstance(part.content, list) and _holds(part.content, some)):
        some.append(part)
    return spell(parts)


def _holds(parts: list[Part], wanted: list[Part]) -> bool:
    return parts is wanted or any(isinstance(part.content, list) and _holds(part.content, wanted) for part in parts)


def _refilled(parts: list[Part], rng: random.Random) -> bytes:
    part = rng.choice(_any_list(parts, rng))
    if isinstance(part.content, int):
        part.content = rng.choice(_NUMBERS)
    elif part.wire_type == 2:
        part.content = rng.choice(_WORDS)
    else:
        part.content = rng.randbytes(len(part.content))
    return spell(parts)


def _renumbered(parts: list[Part], rng: random.Random) -> bytes:
    rng.choice(_any_list(parts, rng)).number = rng.choice((*range(1, 27), 2**28, 2**29 - 1))
    return spell(parts)


def _retyped(parts: list[Part], rng: random.Random) -> bytes:
    part = rng.choice(_any_list(parts, rng))
    part.wire_type, part.content = rng.choice(
        ((0, rng.choice(_NUMBERS)), (1, bytes(8)), (2, b"\x01\x02"), (5, bytes(4)))
    )
    return spell(parts)


def _added(parts: list[Part], rng: random.Random) -> bytes:
    content = rng.choice((*_WORDS, *_NUMBERS))
    part = Part(rng.randrange(1, 30), 0 if isinstance(content, int) else 2, content)
    some = _any_list(parts, rng)
    some.insert(rng.randrange(len(some) + 1), part)
    return spell(parts)


def _overlong(parts: list[Part], rng: random.Random) -> bytes:
    """Spell one tag or length with more bytes than it needs, or with bits beyond the 32nd."""
    some = _any_list(parts, rng)
    place = rng.randrange(len(some))
    part = some[place]
    tag = part.number << 3 | part.wire_type
    longer = rng.choice((_padded(tag, rng), varint(tag + (rng.randrange(1, 99) << 32))))
    if part.wire_type == 2 and rng.random() < 0.4:
        content = spell(part.content) if isinstance(part.content, list) else part.content
        assert isinstance(content, bytes)
        respelt = _spell(part, size=_padded(len(content), rng))
    else:
        respelt = _spell(part, tag=longer)
    # Bytes as they are, among fields.
    some[place : place + 1] = [_Raw(respelt)]
    return spell(parts)


class _Raw(Part):
    """Bytes that stand among fields."""

    def __init__(self, body: bytes) -> None:
        super().__init__(0, -1, 0)
        self.body = body


def _padded(value: int, rng: random.Random) -> bytes:
    body = bytearray(varint(value))
    body[-1] |= 128
    return bytes(body) + b"\x80" * rng.randrange(5) + b"\x00"


def _grouped(parts: list[Part], rng: random.Random) -> bytes:
    some = _any_list(parts, rng)
    place, number = rng.randrange(len(some)), rng.randrange(1, 20)
    some.insert(place + 1, _Raw(varint(number << 3 | 4)))
    some.insert(place, _Raw(varint(number << 3 | 3)))
    return spell(parts)


def _flipped(body: bytes, rng: random.Random) -> bytes:
    changed = bytearray(body)
    # The weights take most of the bytes, and say least.
    for _ in range(rng.choice((1, 3, 20))):
        place = rng.randrange(min(len(body), 300)) if rng.random() < 0.5 else -1 - rng.randrange(min(len(body), 900))
        changed[place] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(body: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(body))
    return body[:start] + body[start + rng.choice((1, 2, 9, len(body))) :]


def _stuffed(body: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(body))
    return body[:start] + rng.randbytes(rng.choice((1, 2, 9, 500))) + body[start:]


_FIELD_CHANGES = {
    "a field twice": _doubled,
    "a field less": _dropped,
    "fields in another order": _shuffled,
    "a field elsewhere": _moved,
    "a field refilled": _refilled,
    "a field of another number": _renumbered,
    "a field of another wire type": _retyped,
    "a field more": _added,
    "an overlong tag": _overlong,
    "a group": _grouped,
}
_BYTE_CHANGES = {"bits flipped": _flipped, "bytes cut": _cut, "bytes stuffed in": _stuffed}
