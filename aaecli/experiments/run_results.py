"""Results out of run folders: those of a benchmark, and those that ``aaecli train`` has made elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from aaecli.config.schema import Config, from_table
from aaecli.config.toml_file import read_toml
from aaecli.errors import AaeError
from aaecli.experiments.results import Group, Result, fingerprint, read_results
from aaecli.files.opening import is_file
from aaecli.runs.listing import read_metrics, read_object
from aaecli.runs.paths import RUNS


def gather(folder: Path, requested: Mapping[Group, str], collected: Iterable[Result] = ()) -> tuple[list[Result], int]:
    """Collect the results that a folder holds: of its runs, and of ``results.json`` where those runs are gone.

    Where two belong to the same seed, the one of the newer run counts. No mean is over two kinds of settings: of each
    group, those results count that have the settings asked for, or that ``results.json`` has of it already. A run's
    settings say, too, which variant it is of.

    Args:
        folder: The benchmark's.
        requested: The fingerprint of the settings, for each group that is to be measured.
        collected: Results of runs made elsewhere; those of the benchmark's own runs go before them.

    Returns:
        The results, and how many were left out.
    """
    written = read_results(folder / "results.json")
    settings = {result.group: result.settings for result in written} | dict(requested)
    groups = {(group._replace(variant=""), print_): group for group, print_ in settings.items()}
    found = {}
    left_out = set()
    for result in written:
        if result.settings == settings[result.group]:
            found[result.group, result.seed] = result
        else:
            left_out.add((result.group, result.seed, result.settings))
    own = [known for path in sorted((folder / RUNS).glob("*")) if (known := result_of(path)) is not None]
    for result in [*collected, *own]:
        group = groups.get((result.group, result.settings))
        if group is None:
            left_out.add((result.group, result.seed, result.settings))
        else:
            found[group, result.seed] = dataclasses.replace(result, variant=group.variant)
    return list(found.values()), len(left_out)


def find_runs(sources: Iterable[Path]) -> list[Path]:
    """Find the run folders that are named, or that lie in a folder that is.

    Raises:
        AaeError: There is none in one of them.
    """
    found = []
    for source in sources:
        inner = sorted(path.parent for path in source.glob("*/config.toml"))
        runs = [source] if is_file(source / "config.toml") else inner
        if not runs:
            raise AaeError(f"There is no run in {source}.", "Name a run folder, or a folder that holds some, as runs/.")
        found += runs
    return found


def result_of(path: Path) -> Result | None:
    """Read the record of one run folder, or None where the run is not done.

    Raises:
        AaeError: A file of it is damaged, or of a version with other settings.
    """
    if not is_file(path / "summary.json"):
        return None
    remedy = "Delete that folder: a benchmark does its run again."
    faults: list[str] = []
    record = read_object(path / "environment.json", faults) | read_object(path / "summary.json", faults)
    if faults:
        raise AaeError(faults[0], remedy)
    config = from_table(read_toml(path / "config.toml"))
    metrics = read_metrics(path)
    try:
        return _result(config, record, metrics)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise AaeError(f"{path} lacks what a benchmark needs: {reason}.", remedy) from error


def _result(config: Config, record: Mapping[str, Any], metrics: Mapping[str, Any]) -> Result:
    validated = np.isfinite(metrics["validation_accuracy"])
    return Result(
        model=config.model,
        preset=config.preset,
        labels=config.labels,
        seed=config.seed,
        settings=fingerprint(config, int(record.get("training_revision", 1))),
        test_accuracy=_fraction(record.get("test_accuracy")),
        validation_accuracy=_fraction(record.get("validation_accuracy")),
        steps=int(record["steps"]),
        seconds=round(float(record["seconds"]), 1),
        threads=int(record["threads"]),
        device=str(record["device"]),
        precision=str(record["precision"]),
        machine=str(record["machine"]),
        versions=", ".join(
            [f"{name} {record['versions'][name]}" for name in ("aaecli", "torch")] + [f"Python {record['python']}"]
        ),
        curve_step=tuple(int(step) for step in metrics["step"][validated]),
        curve_accuracy=tuple(float(accuracy) for accuracy in metrics["validation_accuracy"][validated]),
    )


def _fraction(value: Any) -> float | None:
    """Give an accuracy, or None where the run was not evaluated: a data set need not have test images."""
    return None if value is None else float(value)
