"""Whether a run can be given more steps than it was begun with, and what is said where it cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from aaecli.config.schema import Config
from aaecli.errors import AaeError
from aaecli.files.opening import is_file
from aaecli.runs.listing import read_run
from aaecli.suggestions import suggest_aaecli
from aaecli.training.validation import interval


def lengthened(config: Config, folder: Path, steps: int) -> Config:
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


def check_is_longer(number: int, num_steps: int, folder: Path) -> None:
    """See that a new length leaves something to do.

    Args:
        number: Steps taken.
        num_steps: The new length.
        folder: The run folder.

    Raises:
        AaeError: It leaves nothing.
    """
    if num_steps <= number:
        raise AaeError(
            f"{folder} has {number:,} steps already, and --steps gives the length of the whole run.",
            f"Name a larger number: {suggest_aaecli('train', '--resume', folder, '--steps', str(2 * number))}",
        )


def done(config: Config, folder: Path) -> AaeError:
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


def _anew(folder: Path, steps: int) -> str:
    return suggest_aaecli("train", "--config", folder / "config.toml", "--steps", str(steps))
