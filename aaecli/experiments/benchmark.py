"""Many trainings, one after the other, each done once however often the benchmark is stopped."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aaecli.config.models import FAMILY
from aaecli.config.schema import Config, from_table
from aaecli.config.toml_file import read_toml
from aaecli.data.loading import load_dataset
from aaecli.errors import AaeError
from aaecli.experiments.results import (
    FILES,
    Group,
    Result,
    fingerprint,
    is_plain_name,
    read_results,
    write_results,
)
from aaecli.experiments.run_results import find_runs, gather, result_of
from aaecli.files.opening import is_file, is_folder
from aaecli.runs.listing import read_object, read_run
from aaecli.runs.paths import RUNS
from aaecli.scale.share import Share
from aaecli.training import run as training
from aaecli.training.own_pictures import settle
from aaecli.training.resume import resume

if TYPE_CHECKING:
    from aaecli.config.image import Image
    from aaecli.data.dataset import Dataset


@dataclass(frozen=True)
class Planned:
    """One training of a benchmark.

    Attributes:
        config: Its settings.
        variant: Name of the file that they come from; empty for a preset as it is.
    """

    config: Config
    variant: str = ""

    @property
    def group(self) -> Group:
        """What it shares with the trainings of other seeds."""
        return Group(self.config.model, self.config.preset, self.variant, self.config.labels)

    @property
    def name(self) -> str:
        """What its run folder is called before its number."""
        parts = (self.config.model, self.config.preset, self.variant, str(self.config.labels))
        return "-".join(part for part in (*parts, f"seed{self.config.seed}") if part)

    @property
    def settings(self) -> str:
        """The fingerprint of the settings."""
        return fingerprint(self.config)


class Reporter(training.Reporter, Protocol):
    """Whoever watches a benchmark."""

    def results(self, results: Sequence[Result], pending: Sequence[Planned]) -> None:
        """Called before the first run and after each with all that is known and all that is still to do."""

    def note(self, message: str) -> None:
        """Called with what the user should know."""


def plan(
    models: Iterable[str],
    presets: Iterable[str | None],
    labels: Iterable[int | str | None],
    seeds: Iterable[int],
    flags: Mapping[str, Any],
    files: Sequence[Path] = (),
    load: Callable[[str, Image], Dataset] = load_dataset,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Planned]:
    """Give the settings of every combination, seed by seed, so that a benchmark cut short has some of each.

    They are those that ``aaecli train`` would take: for a folder of pictures they follow from the pictures.

    Args:
        models: Rows of the family; none for what each file names, or the default one.
        presets: Presets; None for the one that the file names, or that suits the model.
        labels: Numbers of labelled images, or ``all``; None for as many as the model takes by itself.
        seeds: Seeds.
        flags: Further settings, the same for all.
        files: Files of settings, each of which is a variant of its own; without any, the presets are measured as they
            are. A folder stands for the TOML files in it.
        load: Loads a data set that settings follow from.
        tell: Receives what was chosen by the pictures, and why.

    Raises:
        AaeError: A name or a number is wrong, a file or the data set cannot be read, or two variants are the same.
    """
    planned = []
    load = functools.cache(load)
    chosen: list[str | None] = [*models] or [None]
    variants = _variants(files) or {"": None}
    for seed, model, preset, (variant, file), number in itertools.product(
        seeds, chosen, presets, variants.items(), labels
    ):
        own = {"model": model, "labels": number, "seed": seed, **flags}
        named = {name: value for name, value in own.items() if value is not None}
        config, _ = settle(preset, file, named, None, load=load, tell=tell)
        if not FAMILY[config.model].encodes_label:
            raise AaeError(
                f"A benchmark compares accuracy, and {config.model} has no classifier.",
                "Name a model that does: semisupervised, baseline or clustering.",
            )
        planned.append(Planned(config, variant))
    names: dict[tuple[Group, str], str] = {}
    for entry in planned:
        twin = names.setdefault((entry.group._replace(variant=""), entry.settings), entry.variant)
        if twin != entry.variant:
            raise AaeError(
                f"'{twin}' and '{entry.variant}' are the same settings: {entry.config.model}, preset "
                f"{entry.config.preset}.",
                "Leave one of the two files out.",
            )
    return planned


def _variants(files: Sequence[Path]) -> dict[str, Path | None]:
    found: dict[str, Path | None] = {}
    for path in files:
        for file in sorted(path.glob("*.toml")) if is_folder(path) else [path]:
            if file.stem in found:
                raise AaeError(f"Two of the files are called {file.name}.", "Rename one: its row has the file's name.")
            if not file.stem or not is_plain_name(file.stem):
                raise AaeError(
                    f"The name of {file} cannot name a row of the table.",
                    "Rename it: letters, digits, '_', '.' and '-', such as wide_encoder.toml.",
                )
            found[file.stem] = file
    if files and not found:
        raise AaeError(f"There is no TOML file in {files[0]}.", "Name a file of settings, or a folder of such files.")
    return found


def run(planned: Sequence[Planned], folder: Path, reporter: Reporter, share: Share | None = None) -> bool:
    """Train and evaluate every configuration that the folder has no result of; go on with those begun.

    Args:
        planned: What to run, each with a seed of its own.
        folder: Gets ``runs/`` and the files of ``write_results``, after each run.
        reporter: Is told how it goes.
        share: Which part of the runs is this process's; the results are then left to ``collect``, when all parts are
            done.

    Returns:
        Whether all is done; False where the reporter asked to stop.

    Raises:
        AaeError: Something the user can put right. Finished runs stay.
    """
    num_reported = 0
    while True:
        # Read anew each time: a second benchmark may be at work in the same folder.
        pending, num_left_out = take_stock(planned, folder, [], reporter, share)
        if num_left_out > num_reported:
            reporter.note(_left_out(num_left_out))
            num_reported = num_left_out
        free = [entry for entry in pending if not _is_running(folder, entry)]
        if not free:
            if pending:
                reporter.note(f"{len(pending)} runs are under way in another process.")
            return not pending
        if not train_one(free[0], folder, reporter):
            return False


def train_one(planned: Planned, folder: Path, reporter: training.Reporter) -> bool:
    """Train and evaluate one configuration, from where it was stopped if it was.

    Returns:
        Whether it is done; False where the reporter asked to stop.
    """
    begun = [path for path in _folders(folder, planned) if not is_file(path / "summary.json")]
    if begun:
        summary = resume(begun[-1], None, reporter)
    else:
        summary = training.train(planned.config, folder / RUNS, planned.name, None, reporter)
    if summary["state"] != "done":
        return False
    # All that going on needs, and there is nothing to go on with: most of what a run weighs.
    (Path(summary["run"]) / "last.pt").unlink(missing_ok=True)
    return True


def collect(
    planned: Sequence[Planned],
    folder: Path,
    sources: Sequence[Path],
    reporter: Reporter,
    benchmarks: Sequence[Path] = (),
) -> list[Planned]:
    """Take over the results of runs that were made elsewhere, and train nothing.

    Args:
        planned: What is measured; a run counts where it has the settings of one of these, whatever it is called.
        folder: Gets the files of ``write_results``.
        sources: Run folders, or folders that hold such.
        reporter: Is told how many fit.
        benchmarks: Folders of other benchmarks, or of parts of this one: their runs count, and their results.

    Returns:
        What has no result yet.

    Raises:
        AaeError: A folder holds no run.
    """
    found = [result for path in benchmarks for result in read_results(path / FILES[0])]
    runs = [path / RUNS for path in benchmarks if is_folder(path / RUNS)]
    if benchmarks and not runs and not found:
        raise AaeError(f"There is no benchmark in {benchmarks[0]}.", "Name the folder of --out.")
    for path in find_runs([*sources, *runs]):
        result = _collected(path, reporter)
        if result is not None:
            found.append(result)
    pending, num_left_out = take_stock(planned, folder, found, reporter)
    if num_left_out:
        reporter.note(_left_out(num_left_out))
    return pending


def _collected(path: Path, reporter: Reporter) -> Result | None:
    try:
        return result_of(path)
    except AaeError as error:
        # One folder of many; the others are taken over all the same.
        reporter.note(f"Left out: {path}. {error.message}")
        return None


def take_stock(
    planned: Sequence[Planned],
    folder: Path,
    collected: Sequence[Result],
    reporter: Reporter,
    share: Share | None = None,
) -> tuple[list[Planned], int]:
    """Write what is known; give what is still to do, and how many results were left out.

    Of a part of the runs nothing is written: it would be in the way of what the other parts know.
    """
    results, num_left_out = gather(folder, {entry.group: entry.settings for entry in planned}, collected)
    known = {(result.group, result.seed) for result in results}
    own = [entry for number, entry in enumerate(planned) if share is None or share.has(number)]
    pending = [entry for entry in own if (entry.group, entry.config.seed) not in known]
    if share is None:
        write_results(folder, results)
    reporter.results(results, pending)
    return pending, num_left_out


def _left_out(number: int) -> str:
    return f"Left out, since they have other settings: {number} result{'s' if number > 1 else ''}."


def _folders(folder: Path, planned: Planned) -> list[Path]:
    """Find the run folders of these very settings, the newest last."""
    paths = sorted((folder / RUNS).glob(f"{planned.name}-[0-9][0-9][0-9]"))
    return [path for path in paths if _settings(path) == planned.settings]


def _settings(path: Path) -> str | None:
    try:
        revision = read_object(path / "environment.json", []).get("training_revision", 1)
        return fingerprint(from_table(read_toml(path / "config.toml")), int(revision))
    except (AaeError, TypeError, ValueError):
        return None


def _is_running(folder: Path, planned: Planned) -> bool:
    return any(read_run(path).state == "running" for path in _folders(folder, planned))
