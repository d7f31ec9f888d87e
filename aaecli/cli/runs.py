"""``aaecli runs``: the trainings of a folder, and how far each came."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from aaecli.cli.options.output import AsJson, Runs
from aaecli.runs.paths import RUNS

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.text import Text

    from aaecli.runs.listing import Run

app = typer.Typer(add_completion=False)

_WIDEST = 80
"""Most characters of a cell."""
_STYLES = {"running": "bold cyan", "stopped": "yellow", "done": "green"}


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli runs                     those in ./runs\n\n"
        "  aaecli runs --out elsewhere     of train --out elsewhere\n\n"
        "  aaecli runs --json | jq '.runs[] | select(.state == \"done\") | .test_accuracy'"
    )
)
def runs(
    root: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """List the runs: their settings, whether they are running, stopped or done, and their accuracy."""
    from aaecli.cli.fitting_table import fitting_table
    from aaecli.runs.listing import list_runs
    from aaecli.terminal.batch_messages import BatchMessages
    from aaecli.terminal.console import out, print_json, say

    found = list_runs(root)
    with BatchMessages() as messages:
        for fault in (fault for run in found for fault in run.faults):
            messages.warning(fault)
    if as_json:
        print_json({"folder": str(root), "runs": [_plain(run) for run in found]})
    elif found:
        rows = [_cells(run) for run in found]
        out().print(fitting_table(rows, out(), dispensable=_DISPENSABLE, numbers=_NUMBERS))
    else:
        say(f"There are no runs in {root} yet. `aaecli train --labels 1000` makes the first.")


def _plain(run: Run) -> dict[str, Any]:
    return dataclasses.asdict(run) | {"path": str(run.path), "faults": list(run.faults)}


def _cells(run: Run) -> dict[str, Text]:
    from aaecli.text import for_rich

    cells = {}
    for heading, tell in _COLUMNS.items():
        value = tell(run)
        style = _STYLES[run.state] if heading == "state" else ""
        cells[heading] = for_rich("–" if value is None else value, style, _WIDEST)
    return cells


def _steps(run: Run) -> str | None:
    if run.state == "done" or run.num_steps is None:
        return None if run.steps is None else f"{run.steps:,}"
    return f"{run.steps or 0:,} of {run.num_steps:,}"


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.2f} %"


def _local(started: str | None) -> str | None:
    return datetime.fromisoformat(started).astimezone().strftime("%Y-%m-%d %H:%M") if started else None


_COLUMNS: dict[str, Callable[[Run], object]] = {
    "run": lambda run: run.name,
    "model": lambda run: run.model,
    "labels": lambda run: run.labels,
    "preset": lambda run: run.preset,
    "seed": lambda run: run.seed,
    "steps": _steps,
    "state": lambda run: run.state,
    "validation": lambda run: _percent(run.validation_accuracy),
    "test": lambda run: _percent(run.test_accuracy),
    "started": lambda run: _local(run.started),
}
_NUMBERS = ("labels", "seed", "steps", "validation", "test")
_DISPENSABLE = ("started", "preset", "model", "validation", "seed")
"""Columns in the order in which a narrow terminal does without them: a run's usual name holds model and labels."""
