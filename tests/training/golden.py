"""Golden losses: what the first steps of each model and preset give, so that a change which alters numbers shows.

``nox -s golden`` writes ``golden.json`` anew; the test beside it compares. Small networks, small images that this file
draws itself, float32 and one thread.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from aaecli.config.models import FAMILY
from aaecli.config.preset import preset_names
from aaecli.config.resolve import resolve
from aaecli.config.schema import Config
from aaecli.data.dataset import Dataset
from aaecli.data.inspection.findings import Findings
from aaecli.data.split import split
from aaecli.training.trainer import Trainer

FILE = Path(__file__).with_suffix(".json")
NUM_STEPS = 12
CASES = [
    f"{model}-{preset}"
    for model in FAMILY
    for preset in preset_names()
    # `default` or `best` with other numbers, or with what is for pictures of which most have no label
    if preset not in ("quick", "pictures", "fine-tune") or model == "semisupervised"
]
EXTRA = ["every-label", "sure-teacher", "own-pictures"]
"""Beside the models and presets: every image labelled; pseudo-labels by the teacher alone; colour, oblong images and
classes that are not alike."""


def drawings(*, colour: bool = False, size: tuple[int, int] = (12, 12)) -> Dataset:
    """Draw 240 images of 4 classes, bars and blobs a little moved, and 20 to test with.

    In colour they count as the user's own pictures (as such there are findings about them), and two in three have no
    label.
    """
    rng = np.random.RandomState(0)  # its draws are the same in every numpy
    label = np.arange(260) % 4
    down, across = np.meshgrid(*(np.arange(side) - side / 2 for side in size), indexing="ij")
    move = rng.uniform(-1.5, 1.5, (2, 260, 1, 1))
    y, x = down - move[0], across - move[1]
    ink = np.exp(-np.choose(label[:, None, None], [np.abs(x), np.abs(y), np.abs(x - y), np.hypot(x, y) / 2]))
    image = np.floor(255 * ink * rng.uniform(0.6, 1, (260, 1, 1))).astype(np.uint8)
    if colour:
        image = np.stack([image, image // 2, 255 - image], -1)
        given = np.where(np.arange(240) % 3 == 0, label[:240] * (np.arange(240) % 8 < 7), -1)
    else:
        given = label[:240]
    return Dataset(
        "drawings", tuple("abcd"), image[:240], given.astype(np.int64), image[240:], label[240:].astype(np.int64),
        findings=Findings({}, (), (), (), (), (), 0, 240) if colour else None,
        train_name=tuple(f"{number}.png" for number in range(240)) if colour else (),
    )  # fmt: skip


def shrunk(config: Config, **schedule: int) -> Config:
    """Give settings with narrow networks and ``NUM_STEPS`` steps, so that all of them are recorded in seconds."""
    old = config.network
    if old.encoder == "convolutional":
        encoder_options = dataclasses.replace(old.encoder_options, channels=(4, 6), features=16)
    elif old.encoder == "pictures":
        encoder_options = dataclasses.replace(old.encoder_options, channels=(4, 6))
    else:
        encoder_options = dataclasses.replace(old.encoder_options, hidden=(16, 16))
    narrow = {"channels": (8, 6)} if old.decoder == "convolutional" else {"hidden": (16, 16)}
    network = dataclasses.replace(
        old,
        encoder_options=encoder_options,
        decoder_options=dataclasses.replace(old.decoder_options, **narrow),
        discriminator_hidden=(16, 16),
    )
    lengths = {"steps": NUM_STEPS, "epochs": 0, "min_labelled_epochs": 0, "batch_size": 24}
    if FAMILY[config.model].sees_unlabelled and FAMILY[config.model].uses_labels:
        lengths["labelled_batch_size"] = 16
    for key in ("decoder_batch_size", "generated_batch_size"):
        if getattr(config.schedule, key) not in (0, type(config.schedule)().generated_batch_size):
            lengths[key] = 12
    propagation = config.propagation
    if propagation.every:
        propagation = dataclasses.replace(propagation, every=4, until=NUM_STEPS, num_images=150)
    # In a warm-up of a hundred steps the weights would hardly have moved.
    optimiser = dataclasses.replace(config.optimiser, warmup_steps=min(config.optimiser.warmup_steps, 4))
    return dataclasses.replace(
        config,
        network=network,
        optimiser=optimiser,
        schedule=dataclasses.replace(config.schedule, **(lengths | schedule)),
        propagation=propagation,
    )


class _Losses:
    """A reporter that keeps every loss of every step."""

    def __init__(self) -> None:
        self.losses: dict[str, list[float]] = {}

    def step(self, number: int, losses: dict[str, torch.Tensor]) -> None:
        for name, loss in losses.items():
            self.losses.setdefault(name, []).append(float(loss))

    def pause(self, reason: str) -> None:
        pass

    def epoch(self, row: dict[str, float]) -> None:
        pass

    def stopping(self) -> bool:
        return False


def train(config: Config, dataset: Dataset) -> tuple[dict[str, list[float]], Trainer]:
    """Take all steps of a training; gives the losses of each and the training at its end."""
    watched = _Losses()
    training = Trainer(
        config, dataset, split(dataset, config.labels, 0, config.holdout), torch.device("cpu"), torch.float32
    )
    with tempfile.TemporaryDirectory() as folder:
        training.run(Path(folder), watched)
    return watched.losses, training


def weights_hash(training: Trainer) -> str:
    """Give a sha256 of every weight and statistic, to the bit: for comparing two versions on one machine."""
    digest = hashlib.sha256()
    for value in training.step.networks.state_dict().values():
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def settings_of(case: str) -> Config:
    """Give the settings of a case."""
    if case == "every-label":
        return shrunk(resolve(preset="default", flags={"labels": "all"}))
    if case == "sure-teacher":
        return shrunk(
            resolve(
                preset="default",
                flags={"labels": 120, "objective": {"consistency_options": {"confidence_threshold": 0.3}}},
            )
        )
    if case == "own-pictures":
        chosen = {"data": "drawings", "labels": "all", "network": {"conditional_discriminator": True}}
        return shrunk(resolve(preset="best", flags=chosen | {"augmentation": {"rotation": 30.0, "shear": 0.3}}))
    model, preset = case.split("-", 1)
    flags: dict[str, Any] = {"model": model}
    if FAMILY[model].default_labels not in (0, "all"):
        flags["labels"] = 12
    return shrunk(resolve(preset=preset, flags=flags))


def record(case: str) -> tuple[dict[str, list[float]], str]:
    """Give the losses of a case, step by step, and the hash of the weights that it ends with."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        own = case == "own-pictures"
        losses, training = train(settings_of(case), drawings(colour=own, size=(12, 20) if own else (12, 12)))
    finally:
        torch.set_num_threads(threads)
    return losses, weights_hash(training)


def main() -> None:
    """Write the losses of every case into golden.json."""
    recorded = {case: record(case)[0] for case in CASES + EXTRA}
    rounded = {
        case: {name: [float(f"{loss:.7g}") for loss in values] for name, values in losses.items()}
        for case, losses in recorded.items()
    }
    lines = ",\n".join(f'"{case}": {json.dumps(losses)}' for case, losses in rounded.items())
    FILE.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
