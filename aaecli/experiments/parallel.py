"""Many trainings at the same time: in processes of this machine, or on a cluster."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aaecli.errors import AaeError
from aaecli.experiments.benchmark import Planned, Reporter, take_stock, train_one
from aaecli.scale.executors import Engine
from aaecli.scale.share import Share
from aaecli.scale.tasks import run_all

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class _Task:
    """One training; told from the others by its place, since settings are no keys."""

    number: int
    planned: Planned

    def __hash__(self) -> int:
        return self.number


def run_parallel(
    planned: Sequence[Planned], folder: Path, reporter: Reporter, engine: Engine, share: Share | None = None
) -> bool:
    """Train and evaluate every configuration that the folder has no result of, several at a time.

    Each training is a task of its own. One whose worker is ended is done again; the others are not.

    Args:
        planned: What to run.
        folder: As for ``benchmark.run``; the workers have to have it under the same path.
        reporter: Is told what is known after each run.
        engine: Who trains.
        share: Which part of the runs is this command's.

    Returns:
        Whether all is done; False where a run was stopped.

    Raises:
        AaeError: A run cannot be done, or the engine was lost. Finished runs stay.
    """
    pending, _ = take_stock(planned, folder, [], reporter, share)
    work = partial(_train, os.path.abspath(folder))  # noqa: PTH100 - links stay
    failures: list[AaeError] = []
    all_done = True
    tasks = [_Task(number, entry) for number, entry in enumerate(pending)]
    for task, result in run_all(engine, work, tasks, reporter.stopping):
        if isinstance(result, AaeError):
            failures.append(result)
            reporter.note(f"{task.planned.name}: {result.message}")
        else:
            all_done = all_done and result
        take_stock(planned, folder, [], reporter, share)
    if failures:
        raise AaeError(f"{len(failures)} runs could not be done: {failures[0].message}", failures[0].hint)
    return all_done and not reporter.stopping()


class _Silent:
    """Shows nothing, and takes SIGTERM for the wish to stop after the step under way."""

    def __init__(self) -> None:
        self._is_stopping = False
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_: Any) -> None:
        self._is_stopping = True

    def begin(self, plan: dict[str, Any]) -> None:
        """Say nothing."""

    def step(self, number: int, losses: dict[str, Tensor]) -> None:
        """Say nothing."""

    def pause(self, reason: str) -> None:
        """Say nothing."""

    def epoch(self, row: dict[str, float]) -> None:
        """Say nothing."""

    def stopping(self) -> bool:
        """Whether the process was told to end."""
        return self._is_stopping


_silent: list[_Silent] = []


def _train(folder: str, task: _Task) -> bool:
    # One for all tasks of a process: a wish to stop holds for those that come after, too.
    if not _silent:
        _silent.append(_Silent())
    return train_one(task.planned, Path(folder), _silent[0])
