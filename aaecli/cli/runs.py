"""``aaecli runs``: the trainings of a folder, and how far each came."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aaecli.paths import RUNS

if TYPE_CHECKING:
    from rich.table import Table

    from aaecli.runs import Run

app = typer.Typer(add_completion=False)

_STYLES = {"running": "bold cyan", "stopped": "yellow", "done": "green"}


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli runs                     those in ./runs\n\n"
        "  aaecli runs --out elsewhere     those that `aaecli train --out elsewhere` made\n\n"
        "  aaecli runs --json | jq '.runs[] | select(.state == \"done\") | .test_accuracy'"
    )
)
def runs(
    root: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="DIR",
            envvar="AAECLI_RUNS",
            help="Folder with the run folders; the --out of `aaecli train`.",
            rich_help_panel="Where",
        ),
    ] = RUNS,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel="Output")] = False,
) -> None:
    """List the trainings: their settings, whether they run, stopped or are done, and their accuracy."""
    from aaecli.console import out, print_json, say
    from aaecli.runs import list_runs

    found = list_runs(root)
    for fault in (fault for run in found for fault in run.faults):
        say(f"warning: {fault}")
    if as_json:
        print_json({"folder": str(root), "runs": [_plain(run) for run in found]})
    elif found:
        out().print(_table(found))
    else:
        say(f"There are no runs in {root} yet. `aaecli train --labels 1000` makes the first.")


def _plain(run: Run) -> dict[str, Any]:
    return dataclasses.asdict(run) | {"path": str(run.path), "faults": list(run.faults)}


def _table(found: list[Run]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from aaecli.console import printable

    headings = ("run", "model", "labels", "preset", "seed", "steps", "state", "validation", "test", "started")
    table = Table(box=box.SIMPLE_HEAD)
    for heading in headings:
        is_number = heading in ("labels", "seed", "steps", "validation", "test")
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for run in found:
        steps = None if run.steps is None else f"{run.steps:,}"
        cells = (
            run.name,
            run.model,
            run.labels,
            run.preset,
            run.seed,
            steps if run.state == "done" or run.num_steps is None else f"{steps or 0} of {run.num_steps:,}",
            run.state,
            _percent(run.validation_accuracy),
            _percent(run.test_accuracy),
            datetime.fromisoformat(run.started).astimezone().strftime("%Y-%m-%d %H:%M") if run.started else None,
        )
        texts = [Text("–" if cell is None else printable(str(cell))) for cell in cells]
        texts[headings.index("state")].stylize(_STYLES[run.state])
        table.add_row(*texts)
    return table


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.2f} %"
