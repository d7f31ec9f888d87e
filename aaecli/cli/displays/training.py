"""What a training looks like: live on a terminal, one plain line an epoch elsewhere."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self, SupportsFloat

from aaecli.cli.time_left import TimeLeft, spelt
from aaecli.config.propagation import Propagation
from aaecli.config.schema import Config
from aaecli.terminal import console
from aaecli.text import for_terminal, number_of

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_REFRESH_SECONDS = 0.5
"""How often losses are read back from the device: rarely enough that no step waits for it."""
_WIDTH = 40
"""Columns of the live display, at most. Where a line is wider than the terminal becomes, the terminal folds it, and
rich, which counts lines, leaves a part of the frame standing."""
_SHORTEST_BAR = 8


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
        self._left = TimeLeft(0)
        self._reason = ""
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
        self._left = TimeLeft(plan["number"], time.monotonic)
        self._row, self._losses, self._reason = {}, {}, ""
        if not self.quiet:
            self._try(lambda: self._introduce(plan))

    def _introduce(self, plan: dict[str, Any]) -> None:
        num_labels = plan["num_labelled"] if plan["labels"] == "all" else plan["labels"]
        labels = number_of(num_labels, "label") if num_labels else "no labels"
        how = f"preset {plan['preset']}, seed {plan['seed']}"
        console.say(f"Training {plan['model']} on {for_terminal(plan['dataset'])} with {labels}: {how}.")
        console.say(
            f"{number_of(plan['num_steps'], 'step')} on {plan['device']} in {plan['precision']}, into {plan['run']}."
        )
        few = 0 < plan["num_labelled"] <= Propagation.labels_per_class * plan["num_classes"]
        if few and plan["model"] == "semisupervised" and plan["preset"] == Config.preset:
            console.say("With so few labels, --preset best is more accurate and takes about thirty times as long.")
        if plan["number"]:
            console.say(f"Continuing after step {plan['number']:,}.")
        if console.is_live():
            self._start_live()

    def step(self, number: int, losses: Mapping[str, SupportsFloat]) -> None:
        """Move the bar; read the losses now and then."""
        self._left.step(number)
        self._number, self._reason = number, ""
        if self._live is not None and time.monotonic() - self._read > _REFRESH_SECONDS:
            self._losses = {name: float(loss) for name, loss in losses.items()}
            self._read = time.monotonic()

    def pause(self, reason: str) -> None:
        """Say why the bar stands still."""
        self._left.stand()
        self._reason = reason

    def epoch(self, row: dict[str, float]) -> None:
        """Show the figures of an epoch."""
        self._row = row
        self._left.stand()
        if self._live is None and not self.quiet:
            self._tell(row)

    def _tell(self, row: dict[str, float]) -> None:
        terms = ", ".join(f"{name.replace('_', ' ')} {row[name]:.4g}" for name in self._terms())
        validation = "".join(f"{name} {figure}, " for name, figure in self._validated())
        speed = f"{row['images_per_second']:,.0f} images/s"
        console.say(
            f"epoch {row['epoch']:.3g}, step {row['step']:,.0f} of {self._plan['num_steps']:,}: "
            f"{validation}{', '.join([terms, speed, *self._time_left()])}"
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

    def _time_left(self) -> list[str]:
        """Say how long it still takes; nothing as long as too little is known."""
        seconds = self._left.seconds(self._plan["num_steps"])
        return [] if seconds is None else [f"{spelt(seconds)} left"]

    def _start_live(self) -> None:
        from rich.live import Live

        # Asked for each frame: the clock goes on while nothing else changes.
        self._live = Live(
            get_renderable=self._picture,
            console=console.err(),
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
        )
        self._live.start()

    def _picture(self) -> RenderableType:
        from rich.console import Group
        from rich.constrain import Constrain

        width = min(_WIDTH, console.err().width - 1)
        return Constrain(Group(*self._progress(width), self._figures()), width)

    def _progress(self, width: int) -> list[RenderableType]:
        """Three lines: how far it is, how long it takes, and why it stands still, if it does."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        num_steps = self._plan["num_steps"]
        said = f"step {self._number:,} of {num_steps:,}"
        room = width - len(said) - 7
        line = Table.grid(padding=(0, 1))
        bar = [ProgressBar(num_steps, self._number, width=room)] if room >= _SHORTEST_BAR else []
        line.add_row(Text(said, no_wrap=True), *bar, Text(f"{self._number / num_steps:4.0%}", no_wrap=True))
        per_epoch = self._plan.get("steps_per_epoch")
        epoch = [f"epoch {math.ceil(max(self._number, 1) / per_epoch):,}"] if per_epoch else []
        passed = f"{spelt(time.monotonic() - self._began)} passed"
        below = ", ".join([*epoch, passed, *self._time_left()])
        return [line, *(Text(text, no_wrap=True, overflow="ellipsis") for text in (below, self._reason))]

    def _figures(self) -> Table:
        """The losses, of this step and the mean up to the last validation, and what the validation images gave."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, expand=True)
        table.add_column("", no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("now", justify="right", no_wrap=True)
        table.add_column("mean", justify="right", no_wrap=True)
        for name in self._losses or self._terms():
            now = f"{self._losses[name]:.4f}" if name in self._losses else ""
            mean = f"{self._row[name]:.4f}" if name in self._row else ""
            table.add_row(name.replace("_", " "), now, mean)
        if self._row:
            for name, value in self._validated():
                table.add_row(name, "", Text(value, "bold"))
            table.add_row("images a second", "", f"{self._row['images_per_second']:,.0f}")
        return table
