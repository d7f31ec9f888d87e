"""A training that leaves no file: from arrays to a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from aaecli.checkpoint.file import Checkpoint
from aaecli.config.schema import Config
from aaecli.data.dataset import Dataset
from aaecli.data.inspection.findings import Findings
from aaecli.data.split import Split
from aaecli.models.devices import choose_device, choose_precision, use_threads
from aaecli.training.out_of_memory import naming_what_is_too_large
from aaecli.training.trainer import Trainer
from aaecli.training.transfer import load_start


class _Rows:
    """Keeps the rows that metrics.csv would get."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def step(self, number: int, losses: dict[str, torch.Tensor]) -> None:
        """Nobody watches."""

    def pause(self, reason: str) -> None:
        """Nobody watches."""

    def epoch(self, row: dict[str, float]) -> None:
        """Keep the row."""
        self.rows.append(row)

    def stopping(self) -> bool:
        """Go on to the end."""
        return False


@naming_what_is_too_large()
def train_in_memory(
    config: Config, image: NDArray[np.uint8], label: NDArray[np.int64], classes: tuple[str, ...]
) -> tuple[Checkpoint, list[dict[str, Any]]]:
    """Train on arrays: every label is learnt from, and nothing is kept back.

    Args:
        config: The settings.
        image: uint8 (N, H, W) or (N, H, W, 3).
        label: (N,), indices into the classes; -1 where an image has none.
        classes: Names of the classes.

    Returns:
        The model, on the processor, and the rows that metrics.csv would have.

    Raises:
        AaeError: A device cannot be had, the memory does not suffice, or the training diverged.
    """
    nothing = Findings({}, (), (), (), (), (), 0, len(image))
    dataset = Dataset("arrays", classes, image, label, image[:0], label[:0], findings=nothing)
    parts = Split(np.arange(len(image)), np.flatnonzero(label >= 0), np.empty(0, np.int64))
    device = choose_device(config.device)
    use_threads(config.threads)
    config, start = load_start(config)
    training = Trainer(config, dataset, parts, device, choose_precision(config.precision, device), start)
    watched = _Rows()
    training.run(None, watched)
    model = training.result()
    model.encoder = model.encoder.cpu()
    model.decoder = None if model.decoder is None else model.decoder.cpu()
    return model, watched.rows
