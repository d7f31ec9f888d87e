"""Many trainings, one after the other, each done once however often the benchmark is stopped."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from aaecli.config import Config, from_table
from aaecli.errors import AaeError
from aaecli.learn import training
from aaecli.paths import RUNS
from aaecli.results import Group, Result, fingerprint, read_results, write_results
from aaecli.runs import read_metrics, read_object, read_run
from aaecli.settings import read_toml, resolve


class Reporter(training.Reporter, Protocol):
    """Whoever watches a benchmark."""

    def results(self, results: Sequence[Result], pending: Sequence[Config]) -> None:
        """Called before the first run and after each with all that is known and all that is still to do."""

    def note(self, message: str) -> None:
        """Called with what the user should know."""


def plan(
    models: Iterable[str],
    presets: Iterable[str | None],
    labels: Iterable[int | str],
    seeds: Iterable[int],
    flags: Mapping[str, Any],
) -> list[Config]:
    """Give the settings of every combination, seed by seed, so that a benchmark cut short has some of each.

    Args:
        models: Rows of the family.
        presets: Presets; None for the one that suits the model.
        labels: Numbers of labelled images, or ``all``.
        seeds: Seeds.
        flags: Further settings, the same for all.

    Raises:
        AaeError: A name or a number is wrong.
    """
    return [
        resolve(preset=preset, flags={"model": model, "labels": number, "seed": seed, **flags})
        for seed, model, preset, number in itertools.product(seeds, models, presets, labels)
    ]


def run(configs: Sequence[Config], folder: Path, reporter: Reporter) -> bool:
    """Train and judge every configuration that the folder has no result of; go on with those begun.

    Args:
        configs: What to run, each with a seed of its own.
        folder: Gets ``runs/`` and the files of ``write_results``, after each run.
        reporter: Is told how it goes.

    Returns:
        Whether all is done; False where the reporter asked to stop.

    Raises:
        AaeError: Something the user can put right. Finished runs stay.
    """
    asked = {_group(config): fingerprint(config) for config in configs}
    num_told = 0
    while True:
        # Read anew each time: a second benchmark may be at work in the same folder.
        results, num_left_out = gather(folder, asked)
        if num_left_out > num_told:
            reporter.note(
                f"Left out, since their settings have changed: {num_left_out} result{'s' if num_left_out > 1 else ''}."
            )
            num_told = num_left_out
        known = {(result.group, result.seed) for result in results}
        pending = [config for config in configs if (_group(config), config.seed) not in known]
        write_results(folder, results)
        reporter.results(results, pending)
        free = [config for config in pending if not _is_running(folder, config)]
        if not free:
            if pending:
                reporter.note(f"{len(pending)} runs are under way in another process.")
            return not pending
        config = free[0]
        begun = [path for path in _folders(folder, config) if not (path / "summary.json").is_file()]
        if begun:
            summary = training.resume(begun[-1], None, reporter)
        else:
            summary = training.train(config, folder / RUNS, _name(config), None, reporter)
        if summary["state"] != "done":
            return False
        # All that going on needs, and there is nothing to go on with: most of what a run weighs.
        (Path(summary["run"]) / "last.pt").unlink(missing_ok=True)


def gather(folder: Path, asked: Mapping[Group, str]) -> tuple[list[Result], int]:
    """Collect the results that a folder holds: of its runs, and of ``results.json`` where those runs are gone.

    Where two belong to the same seed, the one of the newer run counts. No mean is over two kinds of settings: of each
    group, those results count that have the settings asked for, or that ``results.json`` has of it already.

    Args:
        folder: The benchmark's.
        asked: The fingerprint of the settings, for each group that is to be measured.

    Returns:
        The results, and how many were left out.
    """
    written = read_results(folder / "results.json")
    settings = {result.group: result.settings for result in written} | dict(asked)
    of_runs = [result for path in sorted((folder / RUNS).glob("*")) if (result := _result(path)) is not None]
    found = {}
    left_out = set()
    for result in [*written, *of_runs]:
        if result.settings == settings.get(result.group, result.settings):
            found[result.group, result.seed] = result
        else:
            left_out.add((result.group, result.seed, result.settings))
    return list(found.values()), len(left_out)


def _result(path: Path) -> Result | None:
    """Read the record of one run folder, or None where the run is not done."""
    if not (path / "summary.json").is_file():
        return None
    faults: list[str] = []
    facts = read_object(path / "environment.json", faults) | read_object(path / "summary.json", faults)
    if faults:
        raise AaeError(faults[0], "Delete the folder of that run: it is done again.")
    config = from_table(read_toml(path / "config.toml"))
    metrics = read_metrics(path)
    return Result(
        model=config.model,
        preset=config.preset,
        labels=config.labels,
        seed=config.seed,
        settings=fingerprint(config),
        test_accuracy=float(facts["test_accuracy"]),
        validation_accuracy=float(facts["validation_accuracy"]),
        steps=int(facts["steps"]),
        seconds=round(float(facts["seconds"]), 1),
        threads=int(facts["threads"]),
        device=str(facts["device"]),
        precision=str(facts["precision"]),
        machine=str(facts["machine"]),
        versions=", ".join(
            [f"{name} {facts['versions'][name]}" for name in ("aaecli", "torch")] + [f"Python {facts['python']}"]
        ),
        curve_step=tuple(int(step) for step in metrics["step"]),
        curve_accuracy=tuple(float(accuracy) for accuracy in metrics["validation_accuracy"]),
    )


def _group(config: Config) -> Group:
    return config.model, config.preset, config.labels


def _name(config: Config) -> str:
    return f"{config.model}-{config.preset}-{config.labels}-seed{config.seed}"


def _folders(folder: Path, config: Config) -> list[Path]:
    """Find the run folders of these very settings, the newest last."""
    paths = sorted((folder / RUNS).glob(f"{_name(config)}-[0-9][0-9][0-9]"))
    return [path for path in paths if _settings(path) == fingerprint(config)]


def _settings(path: Path) -> str | None:
    try:
        return fingerprint(from_table(read_toml(path / "config.toml")))
    except AaeError:
        return None


def _is_running(folder: Path, config: Config) -> bool:
    return any(read_run(path).state == "running" for path in _folders(folder, config))
