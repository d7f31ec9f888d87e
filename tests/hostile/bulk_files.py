"""Tar and parquet files, and folders of answers, that a stranger might send."""

from __future__ import annotations

import io
import json
import random
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.hostile import byte_mutations, graphs
from tests.hostile.checkpoints import Write
from tests.hostile.endless import endless
from tests.hostile.words import NAMES
from tests.scale.pictures import png, tar_bytes

_PICTURES = {f"{number}.png": png(np.full((9, 9), 40 * number, np.uint8)) for number in range(5)}


def _command(name: str) -> list[str]:
    return ["bulk", name, "--out", "answers", "--model", "encoder.onnx", "--processes", "1"]


def _file(name: str, body: Callable[[], bytes]) -> Write:
    """Write an input beside an honest model that is to read it."""

    def write(folder: Path, canary: Path) -> list[str]:
        (folder / "encoder.onnx").write_bytes(graphs.honest().SerializeToString())
        (folder / name).write_bytes(body())
        return _command(name)

    return write


def _answers(change: Callable[[Path], None]) -> Write:
    """Write a folder of answers that somebody else has begun, and look how far it is."""

    def write(folder: Path, canary: Path) -> list[str]:
        answers = folder / "answers"
        answers.mkdir()
        shard = {"id": 0, "kind": "tar", "input": "x.tar", "first": 0, "count": -1, "offset": 0, "bytes": -1}
        (answers / "_shards.jsonl").write_text(json.dumps(shard) + "\n")
        options = {
            "version": "0.1.0",
            "encoder": "",
            "decoder": "",
            "strokes": "found",
            "normalise": True,
            "style": False,
            "top_k": 1,
            "threshold": 0.0,
            "novelty": False,
            "image": "image",
            "key": "",
            "inputs": ["x.tar"],
            "files_from": "",
            "recursive": False,
            "shard_size": 10,
        }
        manifest = {"schema": 1, "options": options, "plan": "", "num_shards": 1, "tasks": 0}
        (answers / "_manifest.json").write_text(json.dumps(manifest))
        change(answers)
        return ["bulk", "status", "answers", "--verify"]

    return write


def _header(**fields: Any) -> bytes:
    info = tarfile.TarInfo("a.png")
    for name, value in fields.items():
        setattr(info, name, value)
    return info.tobuf(tarfile.GNU_FORMAT)


def _extended(records: bytes) -> bytes:
    size = -(-len(records) // 512) * 512
    return _header(type=tarfile.XHDTYPE, size=len(records)) + records.ljust(size, b"\0") + _header() + bytes(1024)


def _parquet(columns: dict[str, Any], **options: Any) -> bytes:
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body, **options)
    return body.getvalue()


def _honest_parquet() -> bytes:
    return _parquet({"image": list(_PICTURES.values())})


KINDS: dict[str, Write] = {
    "tar of a file beyond all disks": _file("x.tar", lambda: _header(size=2**62)),
    "tar of less than nothing": _file("x.tar", lambda: _header(size=-(2**40))),
    "tar with a header of gigabytes": _file("x.tar", lambda: _header(type=tarfile.XHDTYPE, size=2**33)),
    "tar with a name of megabytes": _file(
        "x.tar", lambda: _header(type=tarfile.GNUTYPE_LONGNAME, size=2**22) + b"a" * 2**22 + bytes(2048)
    ),
    "tar with a record without end": _file("x.tar", lambda: _extended(b"9999999 path=x\n")),
    "tar with a record of no length": _file("x.tar", lambda: _extended(b"0 path=x\n")),
    "tar whose size contradicts itself": _file("x.tar", lambda: _extended(b"21 size=999999999999\n")),
    "tar without an end": _file("x.tar", lambda: tar_bytes(_PICTURES)[: 5 * 1024]),
    "tar that is zeros but for its end": _file("x.tar", lambda: bytes(100) + b"\xff" + bytes(5000)),
    "parquet that is cut short": _file("x.parquet", lambda: _honest_parquet()[:-10]),
    "parquet without a footer": _file(
        "x.parquet", lambda: b"PAR1" + bytes(1000) + (2**31).to_bytes(4, "little") + b"PAR1"
    ),
    "parquet of nested pictures": _file("x.parquet", lambda: _parquet({"image": [[[[b"a"]]]]})),
    "parquet of a picture that is too large": _file(
        "x.parquet", lambda: _parquet({"image": [bytes(2**26 + 1)]}, compression="zstd")
    ),
    "answers with a manifest nested without end": _answers(
        lambda answers: (answers / "_manifest.json").write_text("[" * 10**5) and None
    ),
    "answers with a manifest of megabytes": _answers(
        lambda answers: (answers / "_manifest.json").write_bytes(b" " * 2**25) and None
    ),
    "answers of shards elsewhere": _answers(
        lambda answers: (answers / "_shards.jsonl").write_text('{"id": 0, "kind": "../.."}\n') and None
    ),
    "answers of shards without end": _answers(
        lambda answers: (answers / "_shards.jsonl").write_bytes(b"[" * 2**22) and None
    ),
    "answers without a plan": _answers(lambda answers: (answers / "_shards.jsonl").unlink()),
}


def cases(seed: int) -> Iterator[tuple[str, Write]]:
    """Give such files changed at random, without end; each is refused with a sentence, or read properly.

    Args:
        seed: The same cases come from the same seed.

    Returns:
        What each case is, and what writes it and says which command is to read it.
    """
    return endless((_any_tar, _any_parquet, _any_answers), seed)


def _any_tar(rng: random.Random, number: int) -> tuple[str, Write]:
    members = {name: data if rng.random() < 0.7 else rng.randbytes(40) for name, data in _PICTURES.items()}
    members |= {
        f"{rng.choice(NAMES)}{end}": data for end, data in zip((".png", "/b.jpg"), _PICTURES.values(), strict=False)
    }
    form = rng.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
    encodable = {name: data for name, data in members.items() if "\0" not in name}
    body = tar_bytes(encodable, form)
    if rng.random() < 0.8:
        body = byte_mutations.bytes_of(rng, body, 4)
    return f"{number}: tar changed", _file("x.tar", lambda: body)


def _any_parquet(rng: random.Random, number: int) -> tuple[str, Write]:
    compression = rng.choice(("none", "snappy", "zstd"))
    body = _parquet(
        {
            "image": list(_PICTURES.values()) * 3,
            "id": [rng.choice(NAMES).encode("utf-8", "replace").decode() for _ in range(15)],
        },
        compression=compression,
        row_group_size=rng.choice((2, 100)),
        use_dictionary=rng.random() < 0.5,
    )
    changed = byte_mutations.bytes_of(rng, body, 4)
    if rng.random() < 0.5:
        # The footer is at the end, where few changes reach.
        cut = rng.randrange(len(body) // 2, len(body) - 8)
        changed = body[:cut] + byte_mutations.bytes_of(rng, body[cut:-8], 2) + body[-8:]
    return f"{number}: parquet changed", _file("x.parquet", lambda: changed)


def _any_answers(rng: random.Random, number: int) -> tuple[str, Write]:
    name = rng.choice(("_manifest.json", "_shards.jsonl"))

    def change(answers: Path) -> None:
        path = answers / name
        path.write_bytes(byte_mutations.text_of(rng, path.read_text()))

    return f"{number}: {name} changed", _answers(change)
