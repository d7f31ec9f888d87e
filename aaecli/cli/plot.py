"""``aaecli plot``: figures of runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aaecli.errors import AaeError
from aaecli.paths import RUNS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from aaecli.figures.curves import Curve

app = typer.Typer(add_completion=False)

What = Literal["curves"]


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli plot curves                            the newest run's\n\n"
        "  aaecli plot curves runs/*-1000-*              mean and range by name\n\n"
        "What there is to draw:\n\n"
        "  curves     losses and accuracy; of several runs their accuracy"
    )
)
def plot(
    what: Annotated[What, typer.Argument(metavar="WHAT", help="The figure, one of those below.")],
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN]...", show_default="the newest", help="Run folders, or their names in runs/."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default="figures/ in the run; of several runs, here",
            help="Folder for the figures.",
        ),
    ] = None,
    form: Annotated[
        Literal["png", "svg"], typer.Option("--format", help="PNG, or SVG, which can be enlarged.")
    ] = "png",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Draw figures of runs: how they learnt and what they learnt.

    Prints the path of each file that it wrote.
    """
    folders = [_find(run) for run in runs] if runs else [_newest()]
    target = out or (folders[0] if len(folders) == 1 else Path()) / "figures"
    from aaecli import console
    from aaecli.figures.style import save

    with console.status(f"Drawing {what}"):
        path = target / f"{what}.{form}"
        save(_curves(folders), path)
    if as_json:
        console.print_json({"runs": [str(folder) for folder in folders], "figures": [str(path)]})
    else:
        typer.echo(path)


def _find(named: Path) -> Path:
    for folder in (named, RUNS / named):
        if (folder / "config.toml").is_file():
            return folder
    raise AaeError(f"{named} is not the folder of a run.", "`aaecli runs` lists those that there are.")


def _newest() -> Path:
    from aaecli.runs import list_runs

    found = list_runs(RUNS)
    if not found:
        raise AaeError("There are no runs here.", "Train one with `aaecli train --labels 1000`, or name its folder.")
    return found[-1].path


def _curves(folders: list[Path]) -> Figure:
    from aaecli.figures.curves import accuracy_figure, training_figure
    from aaecli.runs import read_metrics, read_run

    if len(folders) == 1:
        return training_figure(read_metrics(folders[0]), folders[0].name)
    groups: dict[str, list[Curve]] = {}
    for folder in folders:
        metrics, run = read_metrics(folder), read_run(folder)
        if "validation_accuracy" not in metrics:
            raise AaeError(f"{folder} measured no accuracy: {run.model} learns no classes.", "Leave it out.")
        name = f"{re.sub(r'-[0-9]+$', '', folder.name)}, {run.preset}"
        groups.setdefault(name, []).append((metrics["step"], metrics["validation_accuracy"]))
    return accuracy_figure(groups)
