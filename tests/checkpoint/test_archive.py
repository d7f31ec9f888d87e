"""A zip file is read in one way or not at all, and what torch writes is read."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from aaecli.checkpoint.archive import Archive

PARTS = {"m/data.pkl": b"abc", "m/version": b"3\n", "m/data/0": bytes(range(200)), "m/data/1": b""}
END = 22


def zipped(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def opened(body: bytes, max_bytes: int = 2**30) -> Archive:
    return Archive(io.BytesIO(body), max_bytes)


def saved(path: Path, content: object) -> bytes:
    torch.save(content, path)
    return path.read_bytes()


def test_what_torch_writes_is_read(tmp_path: Path) -> None:
    # Parts of more than 64 KiB, of one byte and of none; each is padded to lie at a multiple of 64.
    content = {"a": torch.arange(100_000.0), "b": torch.zeros(1, dtype=torch.bool), "c": torch.empty(0)}
    body = saved(tmp_path / "x.pt", content)
    with zipfile.ZipFile(io.BytesIO(body)) as other:
        archive = opened(body)
        names = {name.partition("/")[2] for name in other.namelist()}
        assert archive.entries.keys() == names >= {"data.pkl", "data/0", "data/1"}
        for name in names:
            assert archive.read(name) == other.read(f"x/{name}")
    assert archive.read("data/0") == content["a"].numpy().tobytes()


def test_what_python_writes_is_read(tmp_path: Path) -> None:
    archive = opened(zipped(PARTS))
    assert {f"m/{name}": bytes(archive.read(name)) for name in archive.entries} == PARTS


def _end(body: bytes, change: Callable[[list[int]], None]) -> bytes:
    fields = list(struct.unpack("<4s4H2IH", body[-END:]))
    change(fields)
    return body[:-END] + struct.pack("<4s4H2IH", *fields)


def _two_lists(body: bytes) -> bytes:
    """Hide a second archive behind the first: its list says where its own parts are, counted from another place."""
    other = zipped(PARTS | {"m/data.pkl": b"xyz"})
    return body + other


def _at(body: bytes, what: bytes, offset: int, value: bytes, occurrence: int = 0) -> bytes:
    place = -1
    for _ in range(occurrence + 1):
        place = body.index(what, place + 1)
    return body[: place + offset] + value + body[place + offset + len(value) :]


@pytest.mark.parametrize(
    "change",
    [
        _two_lists,
        lambda body: body + b"x",
        lambda body: b"x" + body,
        lambda body: body[:-1],
        lambda body: body[: len(body) // 2],
        lambda body: b"",
        lambda body: _end(body, lambda fields: fields.__setitem__(7, 5)) + b"hello",
        lambda body: _end(body, lambda fields: fields.__setitem__(3, 3)),
        lambda body: _end(body, lambda fields: fields.__setitem__(4, 3)),
        lambda body: _end(body, lambda fields: (fields.__setitem__(3, 3), fields.__setitem__(4, 3))),
        lambda body: _end(body, lambda fields: fields.__setitem__(6, fields[6] - 1)),
        lambda body: _end(body, lambda fields: fields.__setitem__(5, fields[5] + 1)),
        # The name, the method, the size and the checksum before a part, and those in the list.
        lambda body: _at(body, b"PK\x03\x04", 30, b"n"),
        lambda body: _at(body, b"PK\x03\x04", 8, b"\x08"),
        lambda body: _at(body, b"PK\x03\x04", 22, b"\xff\xff\xff\xff"),
        lambda body: _at(body, b"PK\x03\x04", 14, b"\0\0\0\0"),
        lambda body: _at(body, b"PK\x01\x02", 10, b"\x08"),
        lambda body: _at(body, b"PK\x01\x02", 24, b"\x04"),
        lambda body: _at(body, b"PK\x01\x02", 42, b"\x01"),
        lambda body: _at(body, b"PK\x01\x02", 42, b"\0\0\0\0", 1),
        lambda body: _at(body, b"PK\x01\x02", 46, b"n"),
        # Encrypted.
        lambda body: _at(_at(body, b"PK\x01\x02", 8, b"\x01"), b"PK\x03\x04", 6, b"\x01"),
        lambda body: zipped(PARTS | {"other/data/2": b""}),
        lambda body: zipped(PARTS | {"m/constants.pkl": b""}),
        lambda body: zipped({"data.pkl": b""}),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    body = change(zipped(PARTS))
    with pytest.raises(ValueError, match=r"damaged|no part|not those|expand") as caught:
        opened(body)
    assert not str(caught.value).endswith(".")


def test_a_gap_between_the_parts_is_refused(tmp_path: Path) -> None:
    body = zipped(PARTS)
    start = struct.unpack("<I", body[-6:-2])[0]
    hidden = body[:start] + b"PK\x05\x06" + bytes(18) + body[start:]
    hidden = _end(hidden, lambda fields: fields.__setitem__(6, start + 22))
    with pytest.raises(ValueError, match="damaged"):
        opened(hidden)


def test_a_part_named_twice_is_refused(tmp_path: Path) -> None:
    body = zipped({"m/data/0": b"a", "m/data/1": b"b"}).replace(b"m/data/1", b"m/data/0")
    with pytest.raises(ValueError, match="not those of one checkpoint"):
        opened(body)


def test_compressed_and_large_files_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", bytes(1000))
    with pytest.raises(ValueError, match="expand"):
        opened(buffer.getvalue())
    with pytest.raises(ValueError, match="at most 100 are read"):
        opened(zipped(PARTS), 100)


def test_a_changed_byte_is_seen_by_the_checksum(tmp_path: Path) -> None:
    body = zipped(PARTS).replace(b"abc", b"abd")
    archive = opened(body)
    with pytest.raises(ValueError, match="checksum"):
        archive.read("data.pkl")
    assert archive.read("version") == b"3\n"


def test_any_damage_is_refused_or_of_no_consequence(tmp_path: Path) -> None:
    """Whatever bytes change, what is read is what was written, or nothing is."""
    chance = random.Random(0)
    body = saved(tmp_path / "x.pt", {"a": torch.arange(10)})
    honest = opened(body)
    whole = {name: bytes(honest.read(name)) for name in honest.entries}
    refused = 0
    for _ in range(2000):
        changed = bytearray(body)
        for _ in range(chance.choice([1, 1, 2, 5])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            archive = opened(bytes(changed))
            found = {name: bytes(archive.read(name)) for name in archive.entries}
        except ValueError:
            refused += 1
            continue
        assert set(found.values()) == set(whole.values())
    assert refused > 1000
