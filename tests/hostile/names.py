"""Names of classes, pictures, folders and runs that want to be more than names, in all that a stranger might send."""

from __future__ import annotations

import csv
import functools
import json
import os
import random
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.hostile import graphs
from tests.hostile.checkpoints import Write, honest
from tests.hostile.run_folders import write_honest_run
from tests.hostile.words import NAMES

_PICTURE = np.tile(np.arange(28, dtype=np.uint8) * 9, (28, 1))


def _file_names(rng: random.Random, number: int) -> list[str]:
    """Draw names that the file system takes."""
    able = [name for name in NAMES if name not in ("", ".", "..") and not {"/", "\0"} & set(name) and len(name) < 200]
    return rng.sample(able, number)


def _folders(rng: random.Random, folder: Path) -> list[str]:
    for place, name in enumerate(_file_names(rng, 4)):
        inner = folder / "mine" / name
        inner.mkdir(parents=True, exist_ok=True)
        for number, word in enumerate(_file_names(rng, 3)):
            Image.fromarray(np.roll(_PICTURE, 7 * place + number)).save(inner / f"{word}.png")
    return ["data", "--data", "mine", *(["--json"] if rng.random() < 0.3 else [])]


def _labels(rng: random.Random, folder: Path) -> list[str]:
    (folder / "mine").mkdir()
    names = _file_names(rng, 8)
    for number, name in enumerate(names):
        Image.fromarray(np.roll(_PICTURE, number)).save(folder / "mine" / f"{name}.png")
    classes = rng.sample(NAMES, 3)
    with (folder / "mine" / "labels.csv").open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = ((f"{name}.png", rng.choice(classes)) for name in names[:6])
        csv.writer(file).writerows([("path", "label"), *rows])
    if rng.random() < 0.5:
        return ["data", "--data", "mine"]
    return ["label", "mine", "--count", "2", "--out", "ask.csv"]


def _graph(rng: random.Random, folder: Path) -> list[str]:
    classes = [*rng.sample(NAMES, 3), *map(str, range(7))]
    data = {"name": rng.choice(NAMES), "fingerprint": rng.choice(NAMES)}
    props = {"aaecli.classes": json.dumps(classes), "aaecli.data": json.dumps(data)}
    for extra in ("aaecli.model", "aaecli.preset", "aaecli.version", "aaecli.created", "aaecli.run"):
        if rng.random() < 0.3:
            props[extra] = rng.choice(NAMES).replace("\udcff", "x")
    (folder / "encoder.onnx").write_bytes(graphs.honest(props).SerializeToString())
    names = [f"{name}.png" for name in _file_names(rng, 3)]
    for name in names:
        Image.fromarray(_PICTURE).save(folder / name)
    flags = rng.choice(([], ["--csv"], ["--json"], ["--show"], ["--top-k", "10"], ["--save-input", "seen"]))
    return ["classify", "--model", "encoder.onnx", *flags, "--", *names]


def _listed(rng: random.Random, folder: Path) -> list[str]:
    words = _graph(rng, folder)
    names = [*words[words.index("--") + 1 :], *rng.sample(NAMES, 6)]
    (folder / "list.txt").write_bytes("\n".join(names).encode("utf-8", "surrogateescape"))
    return ["classify", "--model", "encoder.onnx", "--files-from", "list.txt"]


def _model(rng: random.Random, folder: Path) -> list[str]:
    content = torch.load(honest(folder), weights_only=True)
    content["classes"] = [*rng.sample(NAMES, 3), *map(str, range(7))]
    for key, value in content.items():
        if isinstance(value, str) and rng.random() < 0.3:
            content[key] = rng.choice(NAMES)
    facts = content.get("summary")
    if isinstance(facts, dict):
        facts |= {key: rng.choice(NAMES) for key in ("dataset", "device", "machine", "run") if rng.random() < 0.5}
    torch.save(content, folder / "model.pt")
    # An export takes eight seconds.
    export = ["export", "--onnx", "model.pt", "--out", "out", "--card"]
    return export if rng.random() < 0.1 else rng.choice((["eval", "model.pt"], ["eval", "model.pt", "--json"]))


def _runs(rng: random.Random, folder: Path) -> list[str]:
    write_honest_run(folder, stopped=rng.random() < 0.5)
    (name,) = _file_names(rng, 1)
    (folder / "runs" / "some-001").rename(folder / "runs" / name)
    by_name = [["eval", "--", f"runs/{name}"], ["plot", "curves", "--out", "figures", "--", f"runs/{name}"]]
    return rng.choice([["runs"], ["runs", "--json"], ["plot", "curves"], *by_name])


def _typed(rng: random.Random, folder: Path) -> list[str]:
    """Type such a name where a command wants one."""
    name = rng.choice([name for name in NAMES if "\0" not in name] + ["a\0b"])
    name = os.fsdecode(name.encode("utf-8", "surrogateescape"))
    return rng.choice(
        (
            *(["eval", name], ["classify", name], ["train", "--data", name], ["train", "--preset", name]),
            *(["train", "--config", name], ["train", "--model", name], ["runs", "--out", name], ["plot", name]),
            *(["generate", "--digit", name], ["generate", "--style-from", name], ["label", name], [name], ["--", name]),
            *(["data", "--data", name], ["train", "--labels", name], ["benchmark", "--collect", name, "--out", "b"]),
            *(["export", "--onnx", name, "--out", "out"], ["classify", "--model", name, "x"]),
            ["train", "--resume", name],
            *(["data", "export", "--index", name, "--out", "x.png"], ["train", "--device", name]),
        )
    )  # fmt: skip


_KINDS: tuple[Callable[[random.Random, Path], list[str]], ...] = (
    *(_folders, _labels, _graph, _listed, _typed, _model, _runs, _typed),
)


def _write(kind: Callable[[random.Random, Path], list[str]], seed: str, folder: Path, canary: Path) -> list[str]:
    return kind(random.Random(seed), folder)


def cases(seed: int) -> Iterator[tuple[str, Write]]:
    """Give what has such names, and commands that show them, without end.

    Args:
        seed: The same gives the same names.
    """
    for number in count():
        kind = _KINDS[number % len(_KINDS)]
        yield f"names in {kind.__name__.strip('_')}", functools.partial(_write, kind, f"{seed}/{number}")
