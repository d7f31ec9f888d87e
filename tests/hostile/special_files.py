"""Pipes, devices, links and folders in each place where a command, or a stranger's folder, names a file."""

from __future__ import annotations

import functools
import os
import random
import shutil
import socket
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from tests.conftest import write_idx
from tests.hostile import graphs
from tests.hostile.checkpoints import Write
from tests.hostile.run_folders import write_honest_run

_PICTURE = np.tile(np.arange(28, dtype=np.uint8) * 9, (28, 1))


def _classifier(folder: Path) -> None:
    (folder / "encoder.onnx").write_bytes(graphs.honest().SerializeToString())
    Image.fromarray(_PICTURE).save(folder / "digit.png")


def _pictures(folder: Path) -> None:
    for number in range(8):
        inner = folder / "mine" / str(number % 2)
        inner.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(_PICTURE, number)).save(inner / f"{number}.png")


def _listed(folder: Path) -> None:
    _pictures(folder)
    for path in [*folder.glob("mine/*/*.png")]:
        path.rename(folder / "mine" / path.name)
    for inner in folder.glob("mine/?"):
        inner.rmdir()
    (folder / "mine" / "labels.csv").write_text("path,label\n0.png,3\n1.png,5\n2.png,3\n3.png,5\n")
    (folder / "ask.csv").write_text("path,label\n4.png,3\n5.png,5\n")


def _idx(folder: Path) -> None:
    write_idx(folder / "set", range(3), 5, (8, 8))
    for path in [*(folder / "set").iterdir()]:
        path.rename(path.with_name(f"emnist-letters-{path.name}"))
    (folder / "set" / "emnist-letters-mapping.txt").write_text("0 65\n1 66\n2 67\n")


def _settings(folder: Path) -> None:
    (folder / "mine.toml").write_text("seed = 1\n")


HERE = "here"
"""Name of the folder that a case stands in; what is beside it is not the case's."""
_RUN = "runs/some-001"
_PLACES: tuple[tuple[Callable[[Path], object], str, str], ...] = (
    (write_honest_run, "model.pt", "eval model.pt"),
    (write_honest_run, "model.pt", "export --onnx model.pt --out out"),
    (_listed, "model.pt", "label mine --model model.pt --count 2 --out ask2.csv"),
    (write_honest_run, f"{_RUN}/model.pt", f"eval {_RUN}"),
    (write_honest_run, f"{_RUN}/last.pt", f"eval {_RUN}/last.pt"),
    (write_honest_run, f"{_RUN}/last.pt", f"train --resume {_RUN} --data data"),
    (write_honest_run, f"{_RUN}/last.pt", "runs"),
    (write_honest_run, f"{_RUN}/config.toml", "runs"),
    (write_honest_run, f"{_RUN}/config.toml", "train --resume"),
    (write_honest_run, f"{_RUN}/config.toml", f"train --resume {_RUN} --data data"),
    (write_honest_run, f"{_RUN}/config.toml", f"plot curves {_RUN}"),
    (write_honest_run, f"{_RUN}/environment.json", "runs"),
    (write_honest_run, f"{_RUN}/environment.json", f"train --resume {_RUN} --data data"),
    (write_honest_run, f"{_RUN}/summary.json", "runs"),
    (write_honest_run, f"{_RUN}/summary.json", f"plot latent {_RUN} --data data"),
    (write_honest_run, f"{_RUN}/summary.json", "benchmark --collect runs --seeds 1 --labels 8 --out bench"),
    (write_honest_run, f"{_RUN}/metrics.csv", "runs"),
    (write_honest_run, f"{_RUN}/metrics.csv", f"plot curves {_RUN}"),
    (write_honest_run, f"{_RUN}/metrics.csv", f"train --resume {_RUN} --data data"),
    (write_honest_run, f"{_RUN}/labels.csv", f"train --resume {_RUN} --data data"),
    (write_honest_run, f"{_RUN}/.lock", "runs"),
    (write_honest_run, f"{_RUN}/.lock", f"train --resume {_RUN} --data data"),
    (write_honest_run, f"{_RUN}/figures", f"plot curves {_RUN}"),
    (write_honest_run, f"{_RUN}/figures/curves.png", f"plot curves {_RUN}"),
    (write_honest_run, "bench/results.json", "benchmark --collect runs --seeds 1 --labels 8 --out bench"),
    (write_honest_run, "out/encoder.onnx", "export --onnx model.pt --out out"),
    (write_honest_run, "out/README.md", "export --onnx model.pt --out out --card"),
    (_classifier, "encoder.onnx", "classify digit.png --model encoder.onnx"),
    (_classifier, "encoder.onnx", "classify digit.png --model ."),
    (_classifier, "exports/encoder.onnx", "classify digit.png"),
    (_classifier, "exports/decoder.onnx", "generate --out x.png"),
    (_classifier, "decoder.onnx", "generate --model decoder.onnx --out x.png"),
    (_classifier, "hand.png", "generate --style-from hand.png --out x.png"),
    (_classifier, "x.png", "generate --out x.png"),
    (_classifier, "x.png", "generate --out x.png --force"),
    (_classifier, "digit.png", "classify digit.png --model encoder.onnx"),
    (_classifier, "seen/digit.png", "classify digit.png --model encoder.onnx --save-input seen"),
    (_classifier, "pictures/a.png", "classify pictures --model encoder.onnx"),
    (_classifier, "list.txt", "classify --files-from list.txt --model encoder.onnx"),
    (_classifier, "encoder.onnx", "eval encoder.onnx"),
    (_settings, "mine.toml", "train --config mine.toml --print-config"),
    (_settings, "mine.toml", "train --preset mine.toml --print-config"),
    (_settings, "mine.toml", "benchmark --config mine.toml --out bench --data absent"),
    (_pictures, "mine/0/0.png", "data --data mine"),
    (_pictures, "mine/0", "data --data mine"),
    (_pictures, "mine", "data --data mine"),
    (_pictures, "mine/labels.csv", "data --data mine"),
    (_pictures, "digit.png", "data export --data mine --index 0 --split train --out digit.png"),
    (_listed, "mine/labels.csv", "data --data mine"),
    (_listed, "mine/labels.csv", "label mine --answers ask.csv"),
    (_listed, "ask.csv", "label mine --answers ask.csv"),
    (_listed, "ask2.csv", "label mine --count 2 --out ask2.csv"),
    (_listed, "ask2.png", "label mine --count 2 --out ask2.csv --force"),
    (_listed, "mine/0.png", "data --data mine --json"),
    (_idx, "set/emnist-letters-train-images-idx3-ubyte", "data --data set"),
    (_idx, "set/emnist-letters-t10k-labels-idx1-ubyte", "data --data set"),
    (_idx, "set/emnist-letters-mapping.txt", "data --data set"),
    (_idx, "set", "data --data set"),
)
"""What is honest, which file of it is put in another's place, and what reads or writes it."""


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _outside(name: str) -> Callable[[Path], None]:
    """Lead out of the folder that the case is in, to a place beside it."""

    def make(path: Path) -> None:
        here = next(parent for parent in path.parents if parent.name == HERE)
        path.symlink_to(here.parent / name)

    return make


def _socket(path: Path) -> None:
    # Names of sockets may be short only.
    here = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


def _link_to_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("another"))
    path.symlink_to("another")


def _folder_of(path: Path) -> None:
    (path / "inner").mkdir(parents=True)
    os.mkfifo(path / "inner" / "0.png")
    (path / "1.png").symlink_to("/dev/zero")


def _closed(path: Path) -> None:
    path.write_bytes(b"x")
    path.chmod(0)


_OBJECTS: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "link to a pipe": _link_to_pipe,
    "socket": _socket,
    "link to /dev/zero": _link("/dev/zero"),
    "link to /dev/full": _link("/dev/full"),
    "link to a terminal": _link("/dev/tty"),
    "link to stdin": _link("/dev/stdin"),
    "link to memory": _link("/proc/self/mem"),
    "link to the kernel's messages": _link("/proc/kmsg"),
    "link to the process's own folders": _link("/proc/self"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to nothing": _link("absent"),
    "link to a file of the system's": _link("/etc/passwd"),
    "link to a file of the user's": _outside("precious.txt"),
    "link to where nothing is yet": _outside("escape"),
    "link to the folder above": _link(".."),
    "link to all there is": _link("/"),
    "folder": _folder_of,
    "empty file": Path.touch,
    "file of a terabyte": _sparse,
    "file that may not be read": _closed,
}


def _write(place: int, kind: str, folder: Path, canary: Path) -> list[str]:
    prepare, name, command = _PLACES[place]
    prepare(folder)
    path = folder / name
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    _OBJECTS[kind](path)
    return command.split()


def cases(seed: int) -> Iterator[tuple[str, Write]]:
    """Give each kind of file in each place, in an order drawn by lot, again and again.

    Args:
        seed: The same gives the same order.
    """
    pairs = [(place, kind) for place in range(len(_PLACES)) for kind in _OBJECTS]
    for turn in count():
        random.Random(f"{seed}/{turn}").shuffle(pairs)
        for place, kind in pairs:
            _, name, command = _PLACES[place]
            yield f"{kind} as {name}: {command}", functools.partial(_write, place, kind)
