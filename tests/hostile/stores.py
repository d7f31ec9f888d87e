"""Stores that a stranger might send."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from aaecli.data.dataset import Dataset
from aaecli.data.store.npy import header, num_bytes
from aaecli.data.store.packing import pack_dataset
from aaecli.files.outputs import Outputs
from tests.hostile import byte_mutations
from tests.hostile.checkpoints import Write
from tests.hostile.endless import endless

_IMAGE = np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8)
_LABEL = np.tile(np.arange(3), 10)
_COMMANDS = (["data", "--data", "store"], ["data", "--data", "store", "--verify"])


def _honest(folder: Path) -> None:
    names = tuple(f"{number}.png" for number in range(24))
    dataset = Dataset("some", ("a", "b", "c"), _IMAGE[:24], _LABEL[:24], _IMAGE[24:], _LABEL[24:], names)
    pack_dataset(dataset, folder, Outputs(force=False), every_label=False)


def _store(change: Callable[[Path, Path], None]) -> Write:
    """Write a store with something changed, and inspect it; a path that nothing may write to is given as well."""

    def write(folder: Path, canary: Path) -> list[str]:
        _honest(folder / "store")
        change(folder / "store", canary)
        return _COMMANDS[0]

    return write


def _described(change: Callable[[dict[str, Any]], None]) -> Write:
    def changed(store: Path, _: Path) -> None:
        table = json.loads((store / "store.json").read_text())
        change(table)
        (store / "store.json").write_text(json.dumps(table))

    return _store(changed)


def _file(name: str, body: Callable[[bytes], bytes]) -> Write:
    return _store(lambda store, _: _rewrite(store / name, body))


def _rewrite(path: Path, body: Callable[[bytes], bytes]) -> None:
    path.write_bytes(body(path.read_bytes()))


class _Runs:
    """What runs as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def _pickled(store: Path, canary: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([_Runs(canary)] * 24, object), allow_pickle=True)
    (store / "train-label.npy").write_bytes(buffer.getvalue())


def _pickled_of_a_size(store: Path, canary: Path) -> None:
    """Give a file that is as long as it has to be, and all pickle."""
    size = (store / "train-image.npy").stat().st_size
    header = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
    (store / "train-image.npy").write_bytes((header + pickle.dumps([_Runs(canary)])).ljust(size, b"\x00"))


def _linked(name: str, target: str) -> Write:
    def change(store: Path, _: Path) -> None:
        (store / name).unlink()
        (store / name).symlink_to(target)

    return _store(change)


def _sparse(count: int) -> Write:
    """Claim so many images, in files with holes in place of most values."""

    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "train-image.npy": ("|u1", (count, 8, 8)),
        "train-label.npy": ("<i2", (count,)),
        "train-name-end.npy": ("<i8", (count,)),
        "first-copy.npy": ("<i8", (count + 6,)),
    }

    def change(store: Path, _: Path) -> None:
        table = json.loads((store / "store.json").read_text())
        table["train"]["count"] = count
        for name, (dtype, shape) in shapes.items():
            table["files"][name]["bytes"] = num_bytes(dtype, shape)
            os.truncate(store / name, num_bytes(dtype, shape))
            with (store / name).open("r+b") as file:
                file.write(header(dtype, shape))
        (store / "store.json").write_text(json.dumps(table))

    return _store(change)


def _pipe(store: Path, _: Path) -> None:
    (store / "first-copy.npy").unlink()
    os.mkfifo(store / "first-copy.npy")


KINDS: dict[str, Write] = {
    "store that is cut short": _file("train-image.npy", lambda body: body[:-100]),
    "store with more at its end": _file("train-image.npy", lambda body: body + bytes(2**20)),
    "store of another shape": _file("train-image.npy", lambda body: body.replace(b"(24, 8, 8)", b"(24, 4,16)")),
    "store of another type": _file("train-image.npy", lambda body: body.replace(b"|u1", b"|V1")),
    "store with a header of megabytes": _file("train-label.npy", lambda body: body[:6] + b"\x02\x00\xff\xff\xff\x7f"),
    "store with a header that is code": _file(
        "train-label.npy", lambda body: body[:10] + b"__import__('os').abort()".ljust(117) + b"\n" + body[128:]
    ),
    "store that runs as it is unpickled": _store(_pickled),
    "store that is pickled to the right size": _store(_pickled_of_a_size),
    "store of labels beyond all classes": _file("train-label.npy", lambda body: body[:128] + b"\xff\x7f" * 24),
    "store of copies of what is not there": _file("first-copy.npy", lambda body: body[:128] + b"\xff\x7f" * 120),
    "store of names that end before they begin": _file(
        "train-name-end.npy", lambda body: body[:128] + body[-8:] + body[136:]
    ),
    "store with a link out of it": _linked("train-image.npy", "/etc/passwd"),
    "store with a link to a device": _linked("train-label.npy", "/dev/zero"),
    "store with a link to itself": _linked("store.json", "store.json"),
    "store with a pipe": _store(_pipe),
    "store of more images than there are": _described(lambda table: table["train"].update(count=25)),
    "store of images beyond all memory": _described(lambda table: table["train"].update(count=2**62)),
    "store of holes": _sparse(2**20),
    "store of less than nothing": _described(lambda table: table["train"].update(count=-24)),
    "store with a path": _described(lambda table: table["files"].update({"../../etc/passwd": {"bytes": 1}})),
    "store without files": _described(lambda table: table.update(files={})),
    "store of classes without end": _described(lambda table: table.update(classes=[str(n) for n in range(100_000)])),
    "store of another version": _described(lambda table: table.update(schema=99)),
    "store nested without end": _file("store.json", lambda body: b'{"format": "aaecli-store", "a": ' + b"[" * 10**6),
    "store of a number without end": _file("store.json", lambda body: body.replace(b"24", b"2" * 10**6)),
    "store of megabytes of JSON": _file("store.json", lambda body: body + b" " * 2**23),
    "store that was never finished": _store(lambda store, _: (store / "store.json").unlink()),
}


def cases(seed: int) -> Iterator[tuple[str, Write]]:
    """Give stores changed at random, without end; each is refused with a sentence, or read properly.

    Args:
        seed: The same cases come from the same seed.

    Returns:
        What each case is, and what writes it and says which command is to read it.
    """
    return endless((_any_description, _any_file), seed)


def _any_description(rng: random.Random, number: int) -> tuple[str, Write]:
    return f"{number}: store.json changed", _changed("store.json", rng)


def _any_file(rng: random.Random, number: int) -> tuple[str, Write]:
    name = rng.choice(("train-image.npy", "train-label.npy", "train-name.npy", "train-name-end.npy", "first-copy.npy"))
    return f"{number}: {name} changed", _changed(name, rng)


def _changed(name: str, rng: random.Random) -> Write:
    command, seed = rng.choice(_COMMANDS), rng.random()

    def write(folder: Path, canary: Path) -> list[str]:
        _honest(folder / "store")
        path, again = folder / "store" / name, random.Random(seed)
        body = path.read_bytes()
        is_text = name.endswith(".json")
        path.write_bytes(
            byte_mutations.text_of(again, body.decode()) if is_text else byte_mutations.bytes_of(again, body)
        )
        return command

    return write
