"""Resume a run: one that was stopped or killed, or one that is given more steps than it was begun with."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from aaecli.checkpoint.container import describe
from aaecli.checkpoint.file import read
from aaecli.checkpoint.provenance import REHEARSAL, data_folder, recorded, remember
from aaecli.config.resolve import to_toml
from aaecli.config.schema import Config, from_table
from aaecli.config.toml_file import read_toml
from aaecli.data.dataset import Dataset
from aaecli.data.loading import MNIST, load_dataset
from aaecli.errors import AaeError
from aaecli.files.opening import is_file, is_folder
from aaecli.files.writing import sweep
from aaecli.runs.listing import list_runs, read_object, read_run
from aaecli.runs.lock import locked
from aaecli.suggestions import suggest_aaecli
from aaecli.training.checkpoint_interval import CheckpointInterval
from aaecli.training.distributed.world import ALONE, World
from aaecli.training.rehearsal import RehearsalImages, load_rehearsal, widened
from aaecli.training.run import Reporter, carry_out, prepare, save_text
from aaecli.training.state import max_state_bytes
from aaecli.training.tensorboard import TensorBoardLogger
from aaecli.training.trainer import SAVE_EVERY, Trainer
from aaecli.training.validation import interval


def resume(
    folder: Path,
    newest: Path | None,
    reporter: Reporter,
    save_every: CheckpointInterval = SAVE_EVERY,
    *,
    tensorboard: bool = False,
    data: str | None = None,
    steps: int | None = None,
    world: World = ALONE,
) -> dict[str, Any]:
    """Continue a run that was stopped or killed, to the same result as if it had not been.

    Args:
        folder: The run folder.
        newest: As in ``aaecli.training.run.train``, and so are the next three.
        reporter: Is told how it goes.
        save_every: How often last.pt is written.
        tensorboard: Write what TensorBoard shows.
        data: Where its images are now. Where None: where this machine remembers them to be.
        steps: A new length, which a run at a constant learning rate may be given, done or not: it comes to the weights
            that it would have come to with this length from the start. The test images are then evaluated again.
        world: The processes that train together, as many as before.

    Raises:
        AaeError: The folder is not that of a run, the run is done or under way, its files are damaged, its images
            are not where they were, or it cannot have that length.
    """
    if not is_file(folder / "config.toml"):
        raise AaeError(f"{folder} is not the folder of a run.", "`aaecli runs` lists those that there are.")
    with ExitStack() as stack:
        world.of_first(lambda: stack.enter_context(locked(folder)))
        config = from_table(read_toml(folder / "config.toml"))
        if steps is not None:
            config = _lengthened(config, folder, steps)
        elif is_file(folder / "summary.json"):
            raise _done(config, folder)
        if world.is_first:
            sweep(folder)
        has_state = is_file(folder / "last.pt")
        begun = describe(folder / "last.pt", "training") if has_state else read_object(folder / "environment.json", [])
        run_id = begun.get("run_id")
        where = data_folder(config.data, run_id, data, folder)
        dataset = load_dataset(where, config.image)
        rehearsal = load_rehearsal(config, dataset, _other_data(config, run_id, folder))
        if tensorboard:
            TensorBoardLogger.check_installed()
        if not has_state and config.start.model:
            raise _without_start(folder)
        state = read(folder / "last.pt", "training", _largest(config, dataset, rehearsal)) if has_state else None
        training = prepare(config, dataset, state, folder, rehearsal=rehearsal, world=world)
        training.run_id = run_id if isinstance(run_id, str) else ""
        training.restore(folder, state)
        if steps is not None:
            _lengthen(training, folder)
        if world.is_first:
            remember(run_id, where)
        return carry_out(training, folder, newest, reporter, save_every, tensorboard=tensorboard)


def _other_data(config: Config, run_id: object, folder: Path) -> str:
    """Give where the data set of the rehearsal is, as this machine remembers it; empty where there is none.

    Raises:
        AaeError: The machine does not know.
    """
    data = config.rehearsal.data
    where = recorded(run_id, REHEARSAL)
    if not data or where:
        return where
    if data == MNIST:
        return MNIST
    raise AaeError(
        f"{folder} was trained with '{data}' beside its images, and this machine does not remember where that is.",
        f"Start it anew: {suggest_aaecli('train', '--config', folder / 'config.toml')}",
    )


def _largest(config: Config, dataset: Dataset, rehearsal: RehearsalImages | None) -> int:
    num_others = 0 if rehearsal is None else len(rehearsal.image)
    return max_state_bytes(config, widened(dataset, rehearsal), num_others)


def unfinished(root: Path, config: Config) -> Path | None:
    """Find the run to continue where a training may have been started before: the newest that has not ended.

    Args:
        root: The folder of the runs.
        config: The settings; a run of any others is another training.
    """
    if not is_folder(root):
        return None
    for run in reversed(list_runs(root)):
        if run.state == "stopped" and is_file(run.path / "environment.json"):
            kept = from_table(read_toml(run.path / "config.toml"))
            # The file of the model that a run starts from is looked up when it begins.
            if replace(kept, start=config.start) == config and kept.start.model == config.start.model:
                return run.path
    return None


def _lengthened(config: Config, folder: Path, steps: int) -> Config:
    """Give the settings of a run with another length.

    At a constant learning rate, no step depends on how many follow. The interval of the validations stays what it was.

    Raises:
        AaeError: The learning rate depends on the length, or there is nothing to continue from.
    """
    if config.optimiser.decay != "constant":
        raise AaeError(
            f"{folder} cannot be lengthened: its learning rate follows a {config.optimiser.decay} that ends at 0 with "
            "its last step.",
            f"Train a longer run from the start: {_anew(folder, steps)}",
        )
    if not is_file(folder / "last.pt"):
        raise AaeError(
            f"{folder} has no last.pt, which continuing a run needs.",
            f"Train a longer run from the start: {_anew(folder, steps)}",
        )
    schedule = config.schedule
    num_steps = read_run(folder).num_steps
    if not schedule.validate_every and num_steps:
        schedule = replace(schedule, validate_every=interval(config, num_steps))
    return replace(config, schedule=replace(schedule, steps=steps, epochs=0))


def _lengthen(training: Trainer, folder: Path) -> None:
    """Have a run folder say the new length of its training.

    Raises:
        AaeError: That leaves nothing to do.
    """
    number, num_steps = training.number, training.num_steps
    if num_steps <= number:
        raise AaeError(
            f"{folder} has {number:,} steps already, and --steps gives the length of the whole run.",
            f"Name a larger number: {suggest_aaecli('train', '--resume', folder, '--steps', str(2 * number))}",
        )
    if training.world.is_first:
        save_text(folder / "config.toml", to_toml(training.config))
        (folder / "summary.json").unlink(missing_ok=True)


def _done(config: Config, folder: Path) -> AaeError:
    """Say that a run is done, and how a longer one is had."""
    steps = 2 * (read_run(folder).num_steps or 1)
    if config.optimiser.decay == "constant":
        longer = suggest_aaecli("train", "--resume", folder, "--steps", str(steps))
    else:
        longer = _anew(folder, steps)
    return AaeError(
        f"The run {folder} is done.",
        f"To evaluate it: {suggest_aaecli('eval', folder / 'model.pt')}. For twice as many steps: {longer}",
    )


def _without_start(folder: Path) -> AaeError:
    return AaeError(
        f"{folder} has no last.pt, which holds the weights that it started from.",
        f"Train it from the start: {suggest_aaecli('train', '--config', folder / 'config.toml')}",
    )


def _anew(folder: Path, steps: int) -> str:
    return suggest_aaecli("train", "--config", folder / "config.toml", "--steps", str(steps))
