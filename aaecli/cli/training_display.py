"""What a training looks like: live on a terminal, one plain line an epoch elsewhere."""

from __future__ import annotations

import math
import shlex
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import typer

from aaecli import console
from aaecli.config import Config, Propagation

if TYPE_CHECKING:
    from rich.console import Group
    from torch import Tensor

_REFRESH_SECONDS = 0.5
"""How often losses are read back from the device: rarely enough that no step waits for it."""
_STEPPING = "steps"
"""What stands before the bar while it moves."""


class TrainingDisplay:
    """Shows a training on stderr, and turns Ctrl-C and SIGTERM into a wish to stop after the step under way.

    So does a terminal that is closed. One that vanishes without a signal stops nothing: what matters is in the run
    folder, and the training goes on unseen.

    Args:
        quiet: Show nothing.

    Attributes:
        signal_number: The signal that asked to stop, or 0.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.signal_number = 0
        self._plan: dict[str, Any] = {}
        self._row: dict[str, float] = {}
        self._losses: dict[str, float] = {}
        self._number = 0
        self._began = self._read = time.monotonic()
        self._live: Any = None
        self._bar: Any = None
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            # nohup starts programs with SIGHUP ignored, and so it stays.
            if number is not None and (name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN):
                self._handlers[number] = signal.signal(number, self._ask_to_stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._show_no_more()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def begin(self, plan: dict[str, Any]) -> None:
        """Say what is about to be trained, and where."""
        self._plan, self._number, self._began = plan, plan["number"], time.monotonic()
        if not self.quiet:
            self._try(lambda: self._introduce(plan))

    def _introduce(self, plan: dict[str, Any]) -> None:
        counted = plan["num_labelled"] if plan["labels"] == "all" else plan["labels"]
        labels = f"{counted:,} labels" if counted else "no labels"
        how = f"preset {plan['preset']}, seed {plan['seed']}"
        console.say(f"Training {plan['model']} on {plan['dataset']} with {labels}: {how}.")
        console.say(f"{plan['num_steps']:,} steps on {plan['device']} in {plan['precision']}, into {plan['run']}.")
        few = 0 < plan["num_labelled"] <= Propagation.labels_per_class * plan["num_classes"]
        if few and plan["model"] == "semisupervised" and plan["preset"] == Config.preset:
            console.say("With so few labels, --preset best reads more images rightly, in about the same time.")
        if plan["number"]:
            console.say(f"Going on after step {plan['number']:,}.")
        if console.err().is_terminal:
            self._start_live()

    def step(self, number: int, losses: dict[str, Tensor]) -> None:
        """Move the bar; read the losses now and then."""
        if self._live is None:
            return
        self._bar.update(self._bar.task_ids[0], completed=number, description=_STEPPING)
        if time.monotonic() - self._read > _REFRESH_SECONDS:
            self._losses = {name: float(loss) for name, loss in losses.items()}
            self._try(self._show)
            self._read = time.monotonic()

    def pause(self, reason: str) -> None:
        """Say why the bar stands still."""
        if self._live is not None:
            self._bar.update(self._bar.task_ids[0], description=reason)

    def epoch(self, row: dict[str, float]) -> None:
        """Show the figures of an epoch."""
        self._row = row
        if self._live is not None:
            self._try(self._show)
        elif not self.quiet:
            self._try(lambda: self._tell(row))

    def _tell(self, row: dict[str, float]) -> None:
        terms = ", ".join(f"{name.replace('_', ' ')} {row[name]:.4g}" for name in self._terms())
        judged = "".join(f"{name} {figure}, " for name, figure in self._validated())
        console.say(
            f"epoch {row['epoch']:.0f}, step {row['step']:,.0f} of {self._plan['num_steps']:,}: "
            f"{judged}{terms}, "
            f"{row['images_per_second']:,.0f} images/s, {self._time_left(int(row['step']))} left"
        )

    def _try(self, show: Callable[[], None]) -> None:
        """Show something; where there is nobody left to show it to, be quiet from then on."""
        try:
            show()
        except OSError:
            self.quiet = True
            self._show_no_more()

    def _show_no_more(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            # A terminal that is gone needs no cleaning up.
            with suppress(OSError):
                live.stop()

    def stopping(self) -> bool:
        """Say whether a signal has asked to stop."""
        return self.signal_number != 0

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number or not self._plan:
            # A second Ctrl-C, or one before there is anything to save, is meant.
            raise KeyboardInterrupt
        self.signal_number = number

    def _terms(self) -> list[str]:
        known = ("epoch", "step", "images_per_second", "seconds")
        return [name for name in self._row if name not in known and not name.startswith("validation_")]

    def _validated(self) -> list[tuple[str, str]]:
        """Name what the validation images gave, and how much."""
        found = {
            name: value for name, value in self._row.items() if name.startswith("validation_") and not math.isnan(value)
        }
        return [
            (name.replace("_", " "), f"{value:.2%}" if name.endswith("accuracy") else f"{value:.4f}")
            for name, value in found.items()
        ]

    def _time_left(self, number: int) -> str:
        done = number - self._plan["number"]
        seconds = (time.monotonic() - self._began) / max(done, 1) * (self._plan["num_steps"] - number)
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"

    def _start_live(self) -> None:
        from rich.live import Live
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console.err(),
            expand=True,
        )
        self._bar.add_task(_STEPPING, total=self._plan["num_steps"], completed=self._plan["number"])
        self._live = Live(self._picture(), console=console.err(), refresh_per_second=8, transient=True)
        self._live.start()

    def _show(self) -> None:
        self._live.update(self._picture())

    def _picture(self) -> Group:
        from rich.console import Group
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        table.add_column("")
        table.add_column("now", justify="right")
        table.add_column("last epoch", justify="right")
        for name in self._losses or self._terms():
            now = f"{self._losses[name]:.4f}" if name in self._losses else ""
            mean = f"{self._row[name]:.4f}" if name in self._row else ""
            table.add_row(name.replace("_", " "), now, mean)
        if self._row:
            for name, value in self._validated():
                table.add_row(name, "", f"[bold]{value}[/bold]")
            table.add_row("images a second", "", f"{self._row['images_per_second']:,.0f}")
        return Group(self._bar, table)


def render(summary: dict[str, Any], display: TrainingDisplay, *, as_json: bool, quiet: bool) -> None:
    """Print the outcome of a training.

    Raises:
        typer.Exit: With 128 plus the signal's number, where a signal stopped it.
    """
    if summary["state"] == "stopped":
        with suppress(OSError):
            console.say(f"Stopped after step {summary['steps']:,} of {summary['num_steps']:,}; all of it is saved.")
            console.say(f"Go on with: aaecli train --resume {shlex.quote(summary['run'])}")
        raise typer.Exit(128 + display.signal_number)
    if as_json:
        console.print_json(summary)
        return
    out = console.out()
    out.print(_judgement(summary))
    minutes, seconds = divmod(round(summary["seconds"]), 60)
    out.print(f"time           {minutes} min {seconds} s for {summary['steps']:,} steps")
    out.print(f"run            {summary['run']}", markup=False)
    out.print("model          model.pt")
    if not quiet and not display.quiet:
        console.say("Next: aaecli eval model.pt")


def _judgement(summary: dict[str, Any]) -> str:
    """Say how good the model is, by the test images or else by the labelled ones that were kept back from it."""
    if "test_accuracy" in summary:
        low, high = summary["test_accuracy_interval"]
        return f"test accuracy  [bold]{summary['test_accuracy']:.2%}[/bold]  (95 % interval {low:.2%} to {high:.2%})"
    if "test_reconstruction_error" in summary:
        error = summary["test_reconstruction_error"]
        return f"test error     [bold]{error:.4f}[/bold]  (of the reconstruction: mean squared, pixels in [0, 1])"
    if "validation_reconstruction_error" in summary:
        error = summary["validation_reconstruction_error"]
        measured = "unknown: no labelled picture was kept back" if error is None else f"[bold]{error:.4f}[/bold]"
        return f"error          {measured}  (of the reconstruction: mean squared, pixels in [0, 1])"
    if summary["validation_accuracy"] is None:
        return "accuracy       unknown: no labelled picture was kept back, and there is no test folder"
    low, high = summary["validation_accuracy_interval"]
    return (
        f"accuracy       [bold]{summary['validation_accuracy']:.1%}[/bold] of {summary['num_validation']} labelled "
        f"pictures that were kept back  (95 % interval {low:.1%} to {high:.1%})"
    )
