"""``aaecli plot``: figures of runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from aaecli.cli.options import OUTPUT
from aaecli.cli.options.data import TrainingData
from aaecli.cli.options.output import AsJson, Force
from aaecli.errors import AaeError, did_you_mean
from aaecli.files.opening import is_file, is_folder
from aaecli.files.outputs import Outputs
from aaecli.files.own_files import is_picture, is_report
from aaecli.runs.paths import RUNS, check_run_folder
from aaecli.suggestions import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aaecli.cli.exhibit import Exhibit
    from aaecli.figures.curves import Curve

_Made = TypeVar("_Made")
_ENDINGS = (".png", ".svg", ".html")
app = typer.Typer(add_completion=False)

FIGURES = (
    "curves",
    "distributions",
    "reconstructions",
    "samples",
    "latent",
    "features",
    "confusion",
    "mistakes",
    "all",
)


def figure(name: str) -> str:
    """Read the name of a figure.

    Raises:
        typer.BadParameter: There is none of that name.
    """
    if name not in FIGURES:
        raise typer.BadParameter(f"There is no figure '{name}'. {did_you_mean(name, FIGURES)}")
    return name


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli plot                                   all figures of the newest run\n\n"
        "  aaecli plot samples                           one of them\n\n"
        "  aaecli plot all semisupervised-1000-001       a report to open in a browser\n\n"
        "  aaecli plot curves runs/*-1000-*              mean and range by name\n\n"
        "[bold]Figures[/bold]\n\n"
        "  curves           losses and accuracy; of several runs their accuracy\n\n"
        "  distributions    label y and style z against their priors\n\n"
        "  reconstructions  images and their reconstructions\n\n"
        "  samples          a style in each row, a class in each column\n\n"
        "  latent           a map of the style, and images generated across it\n\n"
        "  features         weights of first-layer units\n\n"
        "  confusion        which classes are confused\n\n"
        "  mistakes         the worst errors\n\n"
        "  all              all of them in report.html, one file without a network"
    )
)
def plot(
    what: Annotated[
        str,
        # As a choice, its names would be folded anywhere.
        typer.Argument(
            metavar="[WHAT]",
            parser=figure,
            autocompletion=lambda: list(FIGURES),
            help="The figure, one of those below.",
        ),
    ] = "all",
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN]...", show_default="the newest", help="Run folders, or their names in runs/."),
    ] = None,
    data: TrainingData = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default="figures/ in the run; curves of several, here",
            rich_help_panel=OUTPUT,
            help="Folder for the figures.",
        ),
    ] = None,
    form: Annotated[
        Literal["png", "svg"],
        typer.Option("--format", rich_help_panel=OUTPUT, help="PNG, or SVG, which can be enlarged."),
    ] = "png",
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Plot figures of runs: how they trained and what they learnt.

    Prints the path of each file that it wrote. Figures show test images, which
    are not trained on.
    """
    from aaecli.cli.exhibit import Exhibit
    from aaecli.terminal import console

    folders = list(dict.fromkeys(_of_each(runs, _find).values())) if runs else [_newest()]
    is_comparison = what == "curves" and len(runs or ()) > 1
    if out is not None and len(folders) > 1 and not is_comparison:
        raise AaeError("--out would give the figures of several runs the same names.", "Leave it out, or name one run.")
    if out is not None and out.suffix.lower() in _ENDINGS and not is_folder(out):
        raise AaeError(
            f"--out {out}: the figures get names of their own, in a folder.",
            f"Name the folder: `{suggest('--out', out.with_suffix(''))}`.",
        )
    target = _Target(out or (Path("figures") if is_comparison else None), what, form, force=force)
    for folder in folders:
        target.claim(folder)
    with console.status(f"Drawing {what}") as tell:
        metrics: dict[Path, dict[str, Any]] = {}
        if is_comparison:
            read = _of_each(folders, _curve)
            folders = list(read)
            target.write(folders[0], _accuracies(read.values(), form))
        else:
            metrics = _of_each(folders, lambda folder: _draw(target, Exhibit(folder, {}, data), tell))
            folders = list(metrics)
    written = list(dict.fromkeys(target.path(folder) for folder in folders))
    if as_json:
        report: dict[str, Any] = {
            "runs": [str(folder) for folder in folders],
            "figures": [str(path) for path in written],
        }
        named = {str(folder): measured for folder, measured in metrics.items()}
        console.print_json({**report, "metrics": named} if any(named.values()) else report)
        return
    for run, measured in metrics.items():
        for figures in measured.values():
            said = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in figures.items())
            console.say(f"{run}: {said}")
    for path in written:
        console.put(str(path))


class _Target:
    """Where the figure of each run goes.

    Args:
        target: A folder that the user named, or the one for figures of several runs; None: ``figures/`` in each run.
        what: The figure.
        form: Its format.
        force: Replace whatever is in ``target``.
    """

    def __init__(self, target: Path | None, what: str, form: Literal["png", "svg"], *, force: bool) -> None:
        self.what, self.form, self._target = what, form, target
        self._name = "report.html" if what == "all" else f"{what}.{form}"
        # The figures of a run bear names that are the program's own.
        self._outputs = Outputs(force=force or target is None)

    def path(self, folder: Path) -> Path:
        """Give the file for a run."""
        return (self._target or folder / "figures") / self._name

    def claim(self, folder: Path) -> None:
        """Check that the figure of a run can be written."""
        if self._target is None:
            check_run_folder(folder, ("figures",))
            self._outputs.check(self.path(folder), within=folder)
        else:
            self._outputs.check(self.path(folder), is_report if self.what == "all" else is_picture)

    def write(self, folder: Path, content: bytes | str) -> None:
        """Write the figure of a run."""
        self._outputs.claim(self.path(folder), is_report if self.what == "all" else is_picture)
        self._outputs.write(self.path(folder), content)


def _of_each(items: Sequence[Path], act: Callable[[Path], _Made]) -> dict[Path, _Made]:
    """Do something with each; of several, those that it fails for are told in a line and left out.

    Raises:
        AaeError: It failed for the only one, or for all.
    """
    from aaecli.terminal import console

    made = {}
    for item in items:
        try:
            made[item] = act(item)
        except AaeError as error:
            if len(items) == 1:
                raise
            console.say(f"left out: {error.message}")
    if not made:
        raise AaeError("None of these runs can be plotted.", "`aaecli runs` lists the runs that there are.")
    return made


def _find(named: Path) -> Path:
    for folder in (named, RUNS / named):
        if is_file(folder / "config.toml"):
            return folder
    raise AaeError(f"{named} is not the folder of a run.", "`aaecli runs` lists those that there are.")


def _newest() -> Path:
    from aaecli.runs.listing import list_runs

    found = list_runs(RUNS)
    if not found:
        raise AaeError("There are no runs here.", "Train one with `aaecli train --labels 1000`, or name its folder.")
    return found[-1].path


def _curve(folder: Path) -> tuple[str, Curve]:
    """Read the accuracies of a run, and under which name they are drawn."""
    from aaecli.runs.listing import read_metrics, read_run

    metrics, run = read_metrics(folder), read_run(folder)
    if "validation_accuracy" not in metrics:
        raise AaeError(f"{folder} measured no accuracy: {run.model} learns no classes.", "Leave it out.")
    name = f"{re.sub(r'-[0-9]+$', '', folder.absolute().name)}, {run.preset}"
    return name, (metrics["step"], metrics["validation_accuracy"])


def _accuracies(read: Iterable[tuple[str, Curve]], form: Literal["png", "svg"]) -> bytes:
    from aaecli.figures.curves import accuracy_figure
    from aaecli.figures.style import encode

    groups: dict[str, list[Curve]] = {}
    for name, curve in read:
        groups.setdefault(name, []).append(curve)
    return encode(accuracy_figure(groups), form)


def _draw(target: _Target, exhibit: Exhibit, tell: Callable[[str], None]) -> dict[str, Any]:
    """Draw the figure of one run, or all of them into one HTML file; give what was measured for it."""
    from aaecli.cli.gallery import GALLERY, draw, suited
    from aaecli.config.toml_file import MAX_TOML_BYTES
    from aaecli.evaluation.analysis import NothingToShowError
    from aaecli.figures.html_report import Plate, html_report
    from aaecli.figures.style import encode
    from aaecli.files.opening import read_text
    from aaecli.terminal.console import say

    folder = exhibit.folder
    if target.what != "all":
        target.write(folder, encode(draw(target.what, exhibit), target.form))
        return exhibit.metrics
    plates = []
    for name in suited(folder):
        tell(name)
        try:
            plates.append(Plate(name, GALLERY[name].caption, encode(draw(name, exhibit))))
        except NothingToShowError as error:
            say(f"{name} left out: {error.message}")
    settings = read_text(folder / "config.toml", MAX_TOML_BYTES)
    target.write(folder, html_report(exhibit.title, _summary_rows(exhibit), plates, settings))
    return exhibit.metrics


def _summary_rows(exhibit: Exhibit) -> dict[str, str]:
    from aaecli.runs.listing import read_run

    run = read_run(exhibit.folder)
    accuracy = None
    if run.test_accuracy is not None:
        accuracy = f"{run.test_accuracy:.2%}"
        if run.test_accuracy_interval is not None:
            low, high = run.test_accuracy_interval
            accuracy += f" (95 % interval {low:.2%} to {high:.2%})"
    report = {
        "model": run.model,
        "labels": run.labels,
        "preset": run.preset,
        "seed": run.seed,
        "steps": run.steps,
        "time": None if run.seconds is None else f"{run.seconds:.0f} s",
        "validation accuracy": None if run.validation_accuracy is None else f"{run.validation_accuracy:.2%}",
        "test accuracy": accuracy,
    }
    measured = {
        name.replace("_", " "): f"{value:.4f}"
        for metrics in exhibit.metrics.values()
        for name, value in metrics.items()
    }
    return {name: str(value) for name, value in report.items() if value is not None} | measured
