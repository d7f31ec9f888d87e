"""Two processes that train together, forked from one that has torch loaded; each writes down what it came to."""

from __future__ import annotations

import dataclasses
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from aaecli.config.augmentation import Augmentation
from aaecli.config.resolve import resolve
from aaecli.config.schema import Config
from aaecli.data.split import split
from aaecli.training.distributed.launch import launched
from aaecli.training.distributed.world import ALONE, World, joined
from aaecli.training.trainer import Trainer
from tests import processes
from tests.conftest import idx_bytes
from tests.training.golden import _Losses, drawings, shrunk

_CONTEXT = processes.forking()


def variables(rank: int, port: int) -> dict[str, str]:
    """What torchrun tells one of two processes."""
    numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
    return {name: str(number) for name, number in numbers.items()} | {"MASTER_ADDR": "127.0.0.1"}


def free_port() -> int:
    """Find a port for the first process to listen at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def both(work: Callable[[World, Path], None], folder: Path) -> None:
    """Have two processes do something together, and see that neither fails."""
    port = free_port()
    started = [_CONTEXT.Process(target=_main, args=(work, folder, rank, port)) for rank in (0, 1)]
    for process in started:
        process.start()
    for process in started:
        process.join(processes.PATIENCE)
        if process.exitcode is None:
            process.kill()
    assert [process.exitcode for process in started] == [0, 0]


def _main(work: Callable[[World, Path], None], folder: Path, rank: int, port: int) -> None:
    os.environ |= variables(rank, port) | {"AAECLI_CACHE": str(folder / "cache")}
    torch.set_num_threads(1)
    with joined(launched()) as world:
        work(world, folder)


def write_drawings(folder: Path) -> None:
    """Write the drawings as a data set."""
    drawn = drawings()
    folder.mkdir()
    for part, image, label in (
        ("train", drawn.train_image, drawn.train_label),
        ("t10k", drawn.test_image, drawn.test_label),
    ):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(image))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(label.astype("uint8")))


def settings(**schedule: int) -> Config:
    """Settings of a small training with everything that differs over several processes, and all its random draws."""
    flags = {"labels": 40, "objective": {"mutual_information": 0.5}}
    return shrunk(resolve(preset="default", flags=flags), **schedule)


def without_draws(config: Config) -> Config:
    """Leave out what draws random numbers in a step."""
    weights = config.objective.weights | {"regularisation": 0.0, "generation": 0.0}
    return dataclasses.replace(
        config,
        objective=dataclasses.replace(config.objective, weights=weights),
        augmentation=Augmentation.of_set("none"),
        network=dataclasses.replace(config.network, input_noise=0.0, style_noise=0.0),
    )


def trained(config: Config, world: World = ALONE, folder: Path | None = None) -> tuple[Trainer, dict[str, list[float]]]:
    """Train on 240 drawings; gives the training and the losses of each step."""
    dataset, watched = drawings(), _Losses()
    parts = split(dataset, config.labels, 0, config.holdout)
    training = Trainer(config, dataset, parts, torch.device("cpu"), torch.float32, world=world)
    training.run(folder, watched)
    return training, watched.losses


def content(training: Trainer) -> dict[str, Any]:
    """What is to be compared: every weight and statistic, also of the averages, and the class marginal."""
    return {name: value.clone() for name, value in training.step.state().items()}
