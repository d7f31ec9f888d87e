"""Endless checkpoints that a stranger might send: the honest one, with its zip, pickle or values changed by chance."""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from tests.hostile import checkpoints

_OPERATIONS = b"}])(NKMJGXcqrhj\x85\x86\x87taesuQRb.\x88\x89\x8a\x8b02iSoU\x80\x81\x82\x92\x93\x95"
_HEADS = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08")
_NUMBERS = (0, 1, 2, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)
Change = Callable[[random.Random, bytes], bytes]


@cache
def _honest() -> bytes:
    with TemporaryDirectory() as folder:
        return checkpoints.honest(Path(folder)).read_bytes()


def _at_random(chance: random.Random, body: bytes) -> bytes:
    """Change, drop or repeat bytes anywhere."""
    changed = bytearray(body)
    for _ in range(chance.choice((1, 2, 5, 50))):
        place = chance.randrange(len(changed))
        length = chance.choice((1, 2, 4, 8, 1000))
        part = changed[place : place + length]
        changed[place : place + length] = chance.choice((chance.randbytes(len(part)), b"", bytes(part) * 2))
        if not changed:
            return b""
    return bytes(changed)


def _records(chance: random.Random, body: bytes) -> bytes:
    """Change numbers in the records of the zip file: sizes, places, flags, methods, counts."""
    changed = bytearray(body)
    for _ in range(chance.choice((1, 1, 2, 4))):
        head = chance.choice(_HEADS)
        places = [found.start() for found in re.finditer(re.escape(head), body)]
        if not places:
            continue
        place = chance.choice(places) + 4 + 2 * chance.randrange(22)
        width = chance.choice(("<H", "<I"))
        if place + 4 <= len(changed):
            number = chance.choice((*_NUMBERS, chance.randrange(2**32))) % (2**16 if width == "<H" else 2**32)
            struct.pack_into(width, changed, place, number)
    return bytes(changed)


def _behind(chance: random.Random, body: bytes) -> bytes:
    """Put a second archive, a comment or noise before, behind or amid the first."""
    other = chance.choice((body, _zipped(_parts(body)), chance.randbytes(100), b"PK\x05\x06" + bytes(18)))
    place = chance.choice((0, len(body), len(body) - 22, chance.randrange(len(body))))
    return body[:place] + other + body[place:]


def _repacked(chance: random.Random, body: bytes) -> bytes:
    """Write the parts anew: compressed, renamed, repeated, left out or in another order."""
    parts = _parts(body)
    for _ in range(chance.choice((1, 2, 4))):
        place = chance.randrange(len(parts))
        name, part = parts[place]
        parts[place : place + 1] = chance.choice(
            (
                [],
                [(name, part), (name, part)],
                [(chance.choice(("../", "/", "x/", "")) + name, part)],
                [(name, part[: len(part) // 2])],
                [(name, part * 2)],
                [(name + chance.choice(("/", "0", "\\", ".pkl")), part)],
            )
        )
        if not parts:
            break
    chance.shuffle(parts)
    return _zipped(parts, chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def _pickle_bytes(chance: random.Random, body: bytes) -> bytes:
    """Change operations of the pickle."""

    def change(pickled: bytes) -> bytes:
        changed = bytearray(pickled)
        for _ in range(chance.choice((1, 2, 5, 30))):
            place = chance.randrange(2, len(changed))
            part = bytes([chance.choice(_OPERATIONS)]) * chance.choice((1, 1, 1, 3, 1000))
            changed[place : place + chance.choice((0, 1, 1, 3))] = part
        return bytes(changed)

    return _with_pickle(body, change)


def _pickle_bomb(chance: random.Random, body: bytes) -> bytes:
    """Build what nests, doubles or repeats without end, as a value or as a key."""
    count = chance.choice((40, 1000, 10**5, 4 * 10**5, 3 * 10**6))
    doubling = b"".join(b"q" + bytes([n % 256]) + b"h" + bytes([n % 256]) + b"\x86" for n in range(min(count, 10**4)))
    nested = chance.choice(
        (
            b"N" + b"\x85" * count,
            b"(K\x01t" + doubling,
            b"](" * count + b"e" * count,
            b"}K\x01" * count + b"N" + b"s" * count,
            b"]q\x00h\x00a",
            b"}q\x00K\x01h\x00s",
            b"(" + b"N" * count + b"t",
            b"(" * count,
            b"X" + struct.pack("<I", count) + b"x" * count,
            b"\x8b" + struct.pack("<I", count) + b"\x7f" * count,
            b"ccollections\nOrderedDict\n)R" * min(count, 10**5),
            b"c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R",
            b"cos\nsystem\nX\x0c\x00\x00\x00touch canary\x85R",
        )
    )
    form = chance.choice((b"%s.", b"}(%sK\x01u.", b"}(X\x06\x00\x00\x00format%su.", b"](%se."))
    return _with_pickle(body, lambda _: b"\x80\x02" + form % nested)


def _values(chance: random.Random, body: bytes) -> bytes:
    """Put another value in the place of one, at any depth."""
    content = torch.load(io.BytesIO(body), weights_only=True)
    for _ in range(chance.choice((1, 1, 2, 5))):
        table, key = content, chance.choice(list(content))
        while isinstance(table[key], dict | list) and len(table[key]) and chance.random() < 0.8:
            table = table[key]
            key = chance.choice(list(table)) if isinstance(table, dict) else chance.randrange(len(table))
        table[key] = _other(chance, table[key])
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _other(chance: random.Random, value: Any) -> Any:
    tensor = value if isinstance(value, torch.Tensor) else torch.zeros(3)
    return chance.choice(
        (
            None, True, 0, 1, -1, 2**31, 2**62, -(2**63), 10**30, 0.5, -1.0, 1e308, float("nan"), float("inf"), "", "x",
            "x" * 5000, "/usr", "/dev/zero", "a\0b", "\udcff", "\x1b[31m", "[/b]", "=1+1", [], {}, (), [[]], {"a": {}},
            [value] * 1000, [1] * 100_000, {5: value}, (value, value), tensor, tensor.double(), tensor.half(),
            tensor * float("nan"), tensor.new_zeros(0), torch.zeros(1).expand(1000, 1000), tensor.bool(),
            torch.zeros(2**20), torch.zeros(1, 0, 5), tensor[None], tensor.flatten(), tensor.to_sparse(),
        )
    )  # fmt: skip


_CHANGES: tuple[Change, ...] = (
    _at_random,
    _records,
    _behind,
    _repacked,
    _pickle_bytes,
    _pickle_bomb,
    _values,
    _values,
)


def cases(seed: int) -> Iterator[tuple[str, checkpoints.Write]]:
    """Give checkpoints without end, by a name that says how each was changed; one seed gives the same ones again."""
    number = 0
    while True:
        change = _CHANGES[number % len(_CHANGES)]
        yield f"checkpoint {seed}-{number} {change.__name__.strip('_')}", _write(change, f"{seed}-{number}")
        number += 1


def any_change(chance: random.Random, body: bytes) -> bytes:
    """Change a checkpoint in one of these ways."""
    return chance.choice(_CHANGES)(chance, body)


def _write(change: Change, seed: str) -> checkpoints.Write:
    def write(folder: Path, canary: Path) -> list[str]:
        (folder / "model.pt").write_bytes(change(random.Random(seed), _honest()))
        return ["eval", "model.pt"]

    return write


def _parts(body: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def _zipped(parts: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, part in parts:
            # Names may come twice, which Python warns of when it writes them by name.
            entry = zipfile.ZipInfo(name)
            entry.compress_type = compression
            archive.NameToInfo.pop(name, None)
            archive.writestr(entry, part)
    return buffer.getvalue()


def _with_pickle(body: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return _zipped([(name, change(part) if name.endswith("data.pkl") else part) for name, part in _parts(body)])
