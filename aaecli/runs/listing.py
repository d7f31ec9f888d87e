"""Summaries of run folders, read from their files alone."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aaecli.checkpoint.container import describe
from aaecli.config.toml_file import read_toml
from aaecli.errors import AaeError
from aaecli.files.opening import exists, is_file, open_regular, read_bytes
from aaecli.runs.lock import is_locked
from aaecli.runs.paths import STATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

State = Literal["running", "stopped", "done"]

_MAX_BYTES = 2**20
_MAX_METRICS_BYTES = 2**22
_LONGEST_ROW = 2**14
_YEARS = (1971, 9000)


@dataclass(frozen=True)
class Run:
    """One run folder. What its files do not contain is None.

    Attributes:
        name: Name of the folder.
        path: The folder.
        state: ``done``; ``running`` where a process holds its lock; else ``stopped``.
        model: Row of the family of models.
        labels: Number of labelled images, or ``all``.
        preset: Preset that the settings started from.
        seed: Seed.
        steps: Steps taken: all of them if done; the saved ones, from which ``--resume`` continues, if stopped; the
            last known ones if running.
        num_steps: Steps of the whole run.
        validation_accuracy: Of the last epoch, in [0, 1].
        test_accuracy: In [0, 1]; only of a run that is done.
        test_accuracy_interval: Its 95 % interval.
        started: When, with its zone, as in ISO 8601.
        seconds: How long it took or has taken.
        faults: A sentence for each file that could not be read.
    """

    name: str
    path: Path
    state: State
    model: str | None
    labels: int | str | None
    preset: str | None
    seed: int | None
    steps: int | None
    num_steps: int | None
    validation_accuracy: float | None
    test_accuracy: float | None
    test_accuracy_interval: tuple[float, float] | None
    started: str | None
    seconds: float | None
    faults: tuple[str, ...]


def list_runs(root: Path) -> list[Run]:
    """List the runs of a folder, the oldest first; those without a date come before the others, by name.

    Raises:
        AaeError: The folder cannot be read. A folder that is not there holds no runs.
    """
    try:
        folders = sorted(root.iterdir()) if exists(root) else []
        runs = [read_run(folder) for folder in folders if is_file(folder / "config.toml")]
    except OSError as error:
        raise AaeError(
            f"Cannot read the folder {root}: {error.strerror}.", "Name the folder that holds the runs with --out."
        ) from error
    return sorted(runs, key=lambda run: (_timestamp(run.started) or 0.0, run.name))


def newest_stopped(root: Path) -> Path:
    """Find the run that ``train --resume`` continues: of those that are stopped, the one that started last.

    Raises:
        AaeError: There is none, or the folder cannot be read.
    """
    # Without an environment.json, a run did not reach its first step.
    stopped = [run for run in list_runs(root) if run.state == "stopped" and is_file(run.path / "environment.json")]
    if not stopped:
        raise AaeError(
            f"No training in {root} has stopped before its end.", "`aaecli runs` lists those that there are."
        )
    return stopped[-1].path


def read_run(folder: Path) -> Run:
    """Read one run folder. Damaged or missing files are left out; damaged ones are named in ``faults``."""
    faults: list[str] = []
    config = _config(folder / "config.toml", faults)
    environment = read_object(folder / "environment.json", faults)
    summary = read_object(folder / "summary.json", faults)
    last = _last_row(folder / "metrics.csv", faults)
    record = environment | summary
    saved = _saved(folder / STATE, faults) if summary.get("state") != "done" else {}
    is_done = summary.get("state") == "done"
    labels = config.get("labels")
    state: State = "done" if is_done else "running" if is_locked(folder) else "stopped"
    steps = _whole(saved.get("number")) or 0
    if state == "running":
        steps = max(steps, _whole(last.get("step")) or 0)
    return Run(
        name=folder.name,
        path=folder,
        state=state,
        model=_text(config.get("model")),
        labels=_text(labels) if isinstance(labels, str) else _whole(labels),
        preset=_text(config.get("preset")),
        seed=_whole(config.get("seed")),
        steps=_whole(record.get("steps")) if is_done else steps,
        num_steps=_whole(record.get("num_steps", environment.get("num_steps"))),
        validation_accuracy=_share(last.get("validation_accuracy")),
        test_accuracy=_share(summary.get("test_accuracy")) if is_done else None,
        test_accuracy_interval=_interval(summary.get("test_accuracy_interval")) if is_done else None,
        started=_text(environment.get("started")) if _timestamp(environment.get("started")) else None,
        seconds=_number(record.get("seconds", saved.get("seconds", last.get("seconds")))),
        faults=tuple(faults),
    )


def read_metrics(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Read metrics.csv of a run, which may be growing at this moment.

    Returns:
        Its columns, each (E,) with a value an epoch: ``epoch``, ``step``, the losses, ``validation_accuracy``…

    Raises:
        AaeError: There is none, it has no whole row yet, or it is damaged.
    """
    import numpy as np

    path = folder / "metrics.csv"
    body = read_bytes(path, _MAX_METRICS_BYTES, hint="Name the folder of a run, such as one that `aaecli runs` lists.")
    # What follows the last line break is still being written.
    lines = body.rpartition(b"\n")[0].splitlines()
    if len(lines) < 2:
        raise AaeError(f"{path} has no row yet.", "The first is written after the first look at the validation images.")
    hint = "Train again, or copy it again."
    try:
        names, *rows = csv.reader(line.decode() for line in lines)
        values = np.array([[float(cell) for cell in row] for row in rows])
        columns = {name: values[:, column] for column, name in zip(range(values.shape[1]), names, strict=True)}
    except (ValueError, IndexError, csv.Error) as error:
        raise AaeError(f"{path} is damaged: a row does not fit the first.", hint) from error
    for name in ("epoch", "step"):
        if name not in columns or not ((columns[name] >= 0) & (columns[name] < 2**53)).all():
            raise AaeError(f"{path} is damaged: it has no column '{name}' of numbers.", hint)
    return columns


def _config(path: Path, faults: list[str]) -> dict[str, Any]:
    try:
        return read_toml(path)
    except AaeError as error:
        faults.append(error.message)
        return {}


def read_object(path: Path, faults: list[str]) -> dict[str, Any]:
    """Read a file of one JSON object; one that is not there is empty."""
    if not exists(path):
        return {}
    try:
        value = json.loads(read_bytes(path, _MAX_BYTES))
    except AaeError as error:
        faults.append(error.message)
        return {}
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        faults.append(f"{path} is damaged: it is not one JSON object.")
        return {}
    return value


def _saved(path: Path, faults: list[str]) -> dict[str, Any]:
    """Read the header of a run's state without its weights, which takes milliseconds."""
    if not exists(path):
        return {}
    try:
        return describe(path, "training")
    except AaeError as error:
        faults.append(error.message)
        return {}


def _last_row(path: Path, faults: list[str]) -> dict[str, str]:
    """Read the last whole row of a CSV file that may be growing at this moment."""
    if not exists(path):
        return {}
    try:
        with open_regular(path) as file:
            head = file.readline(_LONGEST_ROW)
            start = file.tell()
            end = file.seek(0, 2)
            file.seek(max(start, end - _LONGEST_ROW))
            tail = file.read(_LONGEST_ROW)
    except AaeError as error:
        faults.append(error.message)
        return {}
    except OSError as error:
        faults.append(f"Cannot read {path}: {error.strerror}.")
        return {}
    # What follows the last line break is still being written.
    lines = tail.rpartition(b"\n")[0].splitlines()
    if not lines:
        return {}
    try:
        names, values = csv.reader(line.decode() for line in (head, lines[-1]))
        return dict(zip(names, values, strict=True))
    except (ValueError, csv.Error):
        faults.append(f"{path} is damaged: its last row does not fit its first.")
        return {}


def _timestamp(text: object) -> float | None:
    """Give the seconds since 1970 of a date with a zone."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        # Of the years at either end, some zones have no such moment.
        return moment.timestamp() if moment and moment.tzinfo and _YEARS[0] <= moment.year <= _YEARS[1] else None
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    """Give a finite number, be it a number or spelt as one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: object) -> int | None:
    """Give a whole number of 0 or more, be it a number or spelt as one."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        return int(value)
    return value if type(value) is int and 0 <= value < 2**63 else None


def _share(value: object) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= 1 else None


def _interval(value: object) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    low, high = _share(value[0]), _share(value[1])
    return (low, high) if low is not None and high is not None else None
