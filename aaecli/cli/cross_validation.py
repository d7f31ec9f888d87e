"""``aaecli eval --folds``: cross-validation with its progress."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aaecli.terminal import console

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import SupportsFloat


class _Watcher:
    """Tells how far the training of one fold is."""

    def __init__(self, tell: Callable[[str], None], prefix: str, num_steps: int) -> None:
        self._tell = tell
        self._prefix = prefix
        self._num_steps = num_steps

    def step(self, number: int, losses: Mapping[str, SupportsFloat]) -> None:
        self._tell(f"{self._prefix}, step {number:,} of {self._num_steps:,}")

    def pause(self, reason: str) -> None:
        self._tell(f"{self._prefix}, {reason}")

    def epoch(self, row: dict[str, float]) -> None:
        pass

    def stopping(self) -> bool:
        return False


def cross_validated(path: Path, data: str | None, folds: int) -> dict[str, Any]:
    """Train again as the model of a checkpoint was trained, ``folds`` times, and evaluate on what was left out.

    Returns:
        What ``aaecli.metrics.report.evaluate`` gives of all left-out images together, and ``folds``: the
        accuracy of each.
    """
    from aaecli.checkpoint.file import load_model
    from aaecli.cli.loading import load
    from aaecli.experiments.cross_validation import cross_validate, cross_validation_report

    model = load_model(path)
    config = model.config
    dataset = load(model.data_folder(data, path), config.image, notes=False)
    console.say(
        f"Training {folds} times on {dataset.name}, as {path} was trained, each time without a part of the labels."
    )
    with console.status("Cross-validation") as tell:

        def watch(number: int, num_steps: int) -> _Watcher:
            if not console.err().is_terminal:
                console.say(f"fold {number + 1} of {folds}: {num_steps:,} steps")
            return _Watcher(tell, f"fold {number + 1} of {folds}", num_steps)

        label_prob, label, fold = cross_validate(config, dataset, folds, watch)
    report = cross_validation_report(label_prob, label, fold, dataset.classes)
    return {"model": str(path), "dataset": dataset.name, "images": "folds"} | report | {"reconstruction_error": None}
