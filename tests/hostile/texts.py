"""Settings, lists of answers, results and mapping files that a stranger might send, changed by lot, without end."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.conftest import idx_bytes, write_idx
from tests.hostile import byte_mutations, words
from tests.hostile.checkpoints import Write
from tests.hostile.run_folders import any_settings

_SETTINGS = """model = "semisupervised"
labels = 100
seed = 0
data = "absent"
holdout = 0.2
device = "cpu"
threads = 1
precision = "fp32"
compile = false
clusters = 16
extends = "default"

[image]
size = 28
channels = 1

[network]
encoder = "convolutional"
style_dim = 4

[network.encoder_options]
channels = [32, 64]

[prior]
style = "gaussian"
style_std = 1.0
label = "uniform"
label_frequency = [0.5, 0.5]

[objective]
reconstruction = 10.0

[objective.consistency_options]
pseudo_labels = "hard"

[optimiser]
update = "joint"
lr = 0.004
beta1 = 0.9
average = 0.998

[schedule]
steps = 6
batch_size = 8

[propagation]
every = 150
num_neighbours = 10

[augmentation]
rotation = 12.0
mirror = false
share = 0.75
"""
_RESULT = {
    "model": "baseline", "preset": "tutorial", "labels": 8, "seed": 0, "settings": "0123456789ab", "test_accuracy": 0.9,
    "validation_accuracy": 0.9, "steps": 6, "seconds": 1.5, "threads": 1, "device": "cpu", "precision": "fp32",
    "machine": "Linux x86_64", "versions": "aaecli 0.1.0", "curve_step": [1, 2], "curve_accuracy": [0.5, 0.9],
    "variant": "",
}  # fmt: skip
_CLASSES = ("3", "5", "[/b]", "=1+1")


def _settings(rng: random.Random, folder: Path) -> str:
    text = any_settings(rng, _SETTINGS)
    body = text.encode() if rng.random() < 0.8 else byte_mutations.text_of(rng, text)
    (folder / "mine.toml").write_bytes(body)
    return rng.choice(
        (
            "train --config mine.toml --print-config",
            "train --config mine.toml --print-config",
            "train --preset mine.toml --print-config",
            "train --config mine.toml",
            "benchmark --config mine.toml --out bench --seeds 1 --data absent",
        )
    )


def _results(rng: random.Random, folder: Path) -> str:
    (folder / "bench").mkdir()
    (folder / "runs").mkdir()
    table: Any = {"schema": 1, "results": [dict(_RESULT, seed=seed) for seed in range(3)]}
    table = words.changed(rng, table, 5)
    body = json.dumps(table).encode("utf-8", "surrogatepass")
    if rng.random() < 0.2:
        body = byte_mutations.text_of(rng, json.dumps(table, indent=1))
    (folder / "bench" / "results.json").write_bytes(body)
    return "benchmark --collect runs --model baseline --preset tutorial --labels 8 --seeds 2 --out bench"


def _answers(rng: random.Random, folder: Path) -> str:
    (folder / "mine").mkdir()
    for number in range(6):
        Image.new("L", (28, 28), number * 40).save(folder / "mine" / f"{number}.png")
    rows = ["path,label", *(f"{number}.png,{rng.choice(_CLASSES)}" for number in range(6))]
    (folder / "mine" / "labels.csv").write_text("\n".join(rows[:4]))
    for _ in range(rng.choice((1, 2, 5))):
        place = rng.randrange(len(rows))
        name = rng.choice((*words.NAMES, *words.FOLDERS))
        left, _, right = rows[place].partition(",")
        rows[place] = rng.choice((f"{name},{right}", f"{left},{name}", f"{left},{name}", f'{left},"{name}"'))
    body = "\n".join(rows).encode("utf-8", rng.choice(("replace", "surrogateescape")))
    if rng.random() < 0.4:
        body = byte_mutations.text_of(rng, body.decode("utf-8", "replace"))
    (folder / "ask.csv").write_bytes(body)
    return rng.choice(("label mine --answers ask.csv", "label mine --answers ask.csv --classes 3,5,[/b],=1+1"))


def _mapping(rng: random.Random, folder: Path) -> str:
    write_idx(folder / "set", range(3), 5, (8, 8))
    for path in [*(folder / "set").iterdir()]:
        path.rename(path.with_name(f"emnist-letters-{path.name}"))
    lines = [f"{number} {65 + number} {97 + number}" for number in range(3)]
    for _ in range(rng.choice((1, 2, 3))):
        number = rng.choice((*words.NUMBERS, 27, 0x9B, 0x202E, 0xD800, 0x10FFFF, 0x110000, 999_999))
        lines[rng.randrange(3)] = f"{rng.randrange(4)} {number}"
    text = "\n".join(lines)
    body = text.encode() if rng.random() < 0.6 else byte_mutations.text_of(rng, text)
    (folder / "set" / "emnist-letters-mapping.txt").write_bytes(body)
    return rng.choice(("data --data set", "data --data set --json"))


def _labels_of_qmnist(rng: random.Random, folder: Path) -> str:
    write_idx(folder / "set", range(3), 5, (8, 8))
    for part, images in (("train", 15), ("t10k", 6)):
        (folder / "set" / f"{part}-labels-idx1-ubyte").unlink()
        table = np.random.default_rng(0).integers(0, 3, (images, 8))
        body = bytes((0, 0, 12, 2)) + b"".join(size.to_bytes(4, "big") for size in table.shape)
        body += table.astype(">i4").tobytes()
        changed = byte_mutations.bytes_of(rng, body) if rng.random() < 0.7 else body
        (folder / "set" / f"{part}-labels-idx2-int").write_bytes(changed)
    if rng.random() < 0.2:
        (folder / "set" / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(15)))
    return "data --data set"


_KINDS: tuple[Callable[[random.Random, Path], str], ...] = (
    *(_settings, _settings, _settings, _results, _results, _answers, _answers, _mapping, _labels_of_qmnist),
)


def _write(kind: Callable[[random.Random, Path], str], seed: str, folder: Path, canary: Path) -> list[str]:
    return kind(random.Random(seed), folder).split()


def cases(seed: int) -> Iterator[tuple[str, Write]]:
    """Give texts without end, and the commands that read them.

    Args:
        seed: The same gives the same texts.
    """
    for number in count():
        kind = _KINDS[number % len(_KINDS)]
        name = kind.__name__.strip("_").replace("_", " ")
        yield f"{name} changed", functools.partial(_write, kind, f"{seed}/{number}")
