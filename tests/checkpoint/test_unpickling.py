"""Plain values come back as they were; whatever else a pickle could do is refused, at once."""

from __future__ import annotations

import pickle
import random
import time
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from aaecli.checkpoint.unpickling import Described, unpickle

PLAIN = {
    "text": "ä×\udcff",
    "numbers": [0, 255, 65535, -1, 2**31, 2**62, -(2**63), 1.5, float("inf")],
    "truths": (True, False, None),
    7: {"a": (), "b": [], "c": {}, "d": ("x",), "e": ((1, 2), (3,), "y" * 4096)},
}

OPERATIONS = b"}])(NKMJGXcqrhj\x85\x86\x87taesuQRb.\x88\x89\x8a"


def test_plain_values_come_back_as_they_were() -> None:
    assert unpickle(pickle.dumps(PLAIN, protocol=2)) == PLAIN
    assert unpickle(pickle.dumps(OrderedDict(a=1), protocol=2)) == {"a": 1}


def test_tensors_are_described(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2, 3).t(), "b": torch.zeros(5, dtype=torch.bool)[1:3]}, tmp_path / "x.pt")
    with zipfile.ZipFile(tmp_path / "x.pt") as archive:
        content = unpickle(archive.read("x/data.pkl"))
    assert content == {
        "a": Described("Float", "0", 6, 0, (3, 2), (1, 3)),
        "b": Described("Bool", "1", 5, 1, (2,), (1,)),
    }


def test_what_one_state_shares_is_small(tmp_path: Path) -> None:
    betas = (0.9, 0.999)
    assert unpickle(pickle.dumps([betas, betas], protocol=2)) == [betas, betas]
    for shared in ([1], {"a": 1}, ((1,),), tuple(range(100))):
        with pytest.raises(ValueError, match="part of two others"):
            unpickle(pickle.dumps([shared, shared], protocol=2))


def _doubling() -> bytes:
    body = b"\x80\x02(K\x01t"
    for number in range(60):
        body += b"q" + bytes([number]) + b"h" + bytes([number]) + b"\x86"
    return body + b"."


def _itself() -> bytes:
    return b"\x80\x02]q\x00h\x00a."


BOMBS = {
    "nested key": b"\x80\x02}(N" + b"\x85" * 400_000 + b"K\x01u.",
    "nested value": b"\x80\x02N" + b"\x85" * 400_000 + b".",
    "nested lists": b"\x80\x02" + b"](" * 100_000 + b"e" * 100_000 + b".",
    "nested tables": b"\x80\x02" + b"}X\x01\x00\x00\x00a" * 50_000 + b"N" + b"s" * 50_000 + b".",
    "doubling tuples": _doubling(),
    "list within itself": _itself(),
    "endless marks": b"\x80\x02" + b"(" * 600_000 + b".",
    "endless nothings": b"\x80\x02(" + b"N" * 600_000 + b"t.",
    "number of a million digits": b"\x80\x02\x8b" + (400_000).to_bytes(4, "little") + b"\xff" * 400_000 + b".",
    "number of 200 bytes": b"\x80\x02\x8a\xc8" + b"\x7f" * 200 + b".",
    "text of megabytes": b"\x80\x02X" + (2**22).to_bytes(4, "little") + b"x" * 2**22 + b".",
    "text of gigabytes": b"\x80\x02X\xff\xff\xff\xff.",
    "tuple as a key": b"\x80\x02}(K\x01\x85K\x01u.",
    "float as a key": b"\x80\x02}(G\x7f\xf8\x00\x00\x00\x00\x00\x00K\x01u.",
    "code": b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR.",
    "code of old": b"\x80\x02(S'ls'\nios\nsystem\n.",
    "objects": b"\x80\x02(K\x01K\x02\x81.",
    "names from the stack": b"\x80\x02X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93.",
    "extension": b"\x80\x02\x82\x01.",
    "a class alone": b"\x80\x02ccollections\nOrderedDict\n.",
    "a class as a key": b"\x80\x02}(ccollections\nOrderedDict\nK\x01u.",
    "a class called with something": b"\x80\x02ccollections\nOrderedDict\n(K\x01tR.",
    "a text called": b"\x80\x02X\x17\x00\x00\x00collections OrderedDict)R.",
    "a storage alone": (
        b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ."
    ),
    "a line without end": b"\x80\x02c" + b"x" * 10**6,
    "another protocol": pickle.dumps([1], protocol=4),
    "no protocol": pickle.dumps([1], protocol=0),
    "nothing": b"",
    "no end": b"\x80\x02N",
    "two values": b"\x80\x02NN.",
    "more behind the end": b"\x80\x02N.N.",
    "a mark as a value": b"\x80\x02(.",
    "memo of nothing": b"\x80\x02h\x05.",
    "an odd table": b"\x80\x02}(K\x01u.",
    "a list filled as a table": b"\x80\x02](K\x01K\x02u.",
    "marks apart": b"\x80\x02e.",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_refused_at_once(kind: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=r"it|a value|a key|damaged") as caught:
        unpickle(BOMBS[kind])
    assert time.process_time() - began < 3
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("offset", "shape", "stride"),
    [
        (0, (7,), (1,)),
        (1, (6,), (1,)),
        (0, (2, 2), (1, 5)),
        (0, (2**40,), (0,)),
        (-1, (2,), (1,)),
        (3, (2,), (-1,)),
        (0, (True,), (1,)),
        (0, (2.0,), (1,)),
        (0, (2,), (1, 1)),
        (0, [2], [1]),
        (0, (1,) * 40, (1,) * 40),
    ],
)
def test_tensors_that_claim_more_than_they_hold(tmp_path: Path, offset: Any, shape: Any, stride: Any) -> None:
    class Claim:
        def __reduce__(self) -> Any:
            hooks: OrderedDict[str, Any] = OrderedDict()
            return torch._utils._rebuild_tensor_v2, (storage, offset, shape, stride, False, hooks)

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return ("storage", torch.FloatStorage, "0", "cpu", 6) if value is storage else None

    storage = object()
    with (tmp_path / "x").open("wb") as file:
        Pickler(file, protocol=2).dump(Claim())
    with pytest.raises(ValueError, match=r"claims more|damaged|part of two"):
        unpickle((tmp_path / "x").read_bytes())


def test_whatever_bytes_come_the_answer_is_plain_or_no() -> None:
    chance = random.Random(0)
    body = pickle.dumps(PLAIN, protocol=2)
    for _ in range(5000):
        changed = bytearray(body)
        for _ in range(chance.choice([1, 2, 8])):
            place = chance.randrange(2, len(changed))
            if chance.random() < 0.3:
                del changed[place : place + chance.randrange(5)]
            else:
                changed[place] = chance.choice(OPERATIONS + bytes([place % 256]))
        try:
            value = unpickle(changed)
        except ValueError:
            continue
        pickle.dumps(value)
