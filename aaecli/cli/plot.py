"""``aaecli plot``: figures of runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aaecli.errors import AaeError
from aaecli.files import is_file
from aaecli.paths import RUNS

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from aaecli.cli.gallery import Exhibit
    from aaecli.figures.curves import Curve

app = typer.Typer(add_completion=False)

What = Literal[
    "curves",
    "distributions",
    "reconstructions",
    "samples",
    "latent",
    "features",
    "confusion",
    "mistakes",
    "all",
]


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli plot samples                           of the newest run\n\n"
        "  aaecli plot all semisupervised-1000-001       a report to open in a browser\n\n"
        "  aaecli plot curves runs/*-1000-*              mean and range by name\n\n"
        "[bold]What there is to draw[/bold]\n\n"
        "  curves           losses and accuracy; of several runs their accuracy\n\n"
        "  distributions    label y and style z against their priors\n\n"
        "  reconstructions  images, and what the decoder makes of them\n\n"
        "  samples          a style in each row, a class in each column\n\n"
        "  latent           a map of the style, and what is drawn across it\n\n"
        "  features         what first-layer units look for\n\n"
        "  confusion        which class is taken for which\n\n"
        "  mistakes         the worst errors\n\n"
        "  all              all of them in report.html, one file without a network"
    )
)
def plot(
    what: Annotated[What, typer.Argument(metavar="WHAT", help="The figure, one of those below.")],
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN]...", show_default="the newest", help="Run folders, or their names in runs/."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            envvar="AAECLI_DATA",
            show_default="those of the training, if it ran here",
            help="Folder of the images that the run was trained on.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default="figures/ in the run; curves of several, here",
            help="Folder for the figures.",
        ),
    ] = None,
    form: Annotated[
        Literal["png", "svg"], typer.Option("--format", help="PNG, or SVG, which can be enlarged.")
    ] = "png",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Draw figures of runs: how they learnt and what they learnt.

    Prints the path of each file that it wrote. Of the test images, which figures
    show, nothing is learnt.
    """
    folders = [_find(run) for run in runs] if runs else [_newest()]
    if out is not None and len(folders) > 1 and what != "curves":
        raise AaeError("--out would give the figures of several runs the same names.", "Leave it out, or name one run.")
    from aaecli import console
    from aaecli.figures.style import save

    written: list[Path] = []
    facts: dict[str, Any] = {}
    with console.status(f"Drawing {what}") as tell:
        if what == "curves" and len(folders) > 1:
            written.append((out or Path("figures")) / f"curves.{form}")
            save(_accuracies(folders), written[0])
        else:
            from aaecli.cli.gallery import Exhibit, draw

            for folder in folders:
                exhibit, target = Exhibit(folder, {}, data), out or folder / "figures"
                if what == "all":
                    written.append(_report(exhibit, target, tell))
                else:
                    written.append(target / f"{what}.{form}")
                    save(draw(what, exhibit), written[-1])
                facts[str(folder)] = exhibit.facts
    if as_json:
        told: dict[str, Any] = {"runs": [str(folder) for folder in folders], "figures": [str(path) for path in written]}
        console.print_json({**told, "facts": facts} if any(facts.values()) else told)
        return
    for run, measured in facts.items():
        for figures in measured.values():
            said = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in figures.items())
            console.say(f"{run}: {said}")
    for path in written:
        console.put(str(path))


def _find(named: Path) -> Path:
    for folder in (named, RUNS / named):
        if is_file(folder / "config.toml"):
            return folder
    raise AaeError(f"{named} is not the folder of a run.", "`aaecli runs` lists those that there are.")


def _newest() -> Path:
    from aaecli.runs import list_runs

    found = list_runs(RUNS)
    if not found:
        raise AaeError("There are no runs here.", "Train one with `aaecli train --labels 1000`, or name its folder.")
    return found[-1].path


def _accuracies(folders: list[Path]) -> Figure:
    from aaecli.figures.curves import accuracy_figure
    from aaecli.runs import read_metrics, read_run

    groups: dict[str, list[Curve]] = {}
    for folder in folders:
        metrics, run = read_metrics(folder), read_run(folder)
        if "validation_accuracy" not in metrics:
            raise AaeError(f"{folder} measured no accuracy: {run.model} learns no classes.", "Leave it out.")
        name = f"{re.sub(r'-[0-9]+$', '', folder.name)}, {run.preset}"
        groups.setdefault(name, []).append((metrics["step"], metrics["validation_accuracy"]))
    return accuracy_figure(groups)


def _report(exhibit: Exhibit, target: Path, tell: Callable[[str], None]) -> Path:
    """Draw everything that the run's model has to show into one HTML file."""
    from aaecli.cli.gallery import GALLERY, draw, suited
    from aaecli.figures.report import Plate, html_report
    from aaecli.figures.style import encode
    from aaecli.files import read_text
    from aaecli.paths import replacing
    from aaecli.settings import MAX_TOML_BYTES

    plates = []
    for name in suited(exhibit.folder):
        tell(name)
        plates.append(Plate(name, GALLERY[name].caption, encode(draw(name, exhibit))))
    settings = read_text(exhibit.folder / "config.toml", MAX_TOML_BYTES)
    page = html_report(exhibit.title, _facts(exhibit), plates, settings)
    path = target / "report.html"
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _facts(exhibit: Exhibit) -> dict[str, str]:
    from aaecli.runs import read_run

    run = read_run(exhibit.folder)
    accuracy = None
    if run.test_accuracy is not None:
        accuracy = f"{run.test_accuracy:.2%}"
        if run.test_accuracy_interval is not None:
            low, high = run.test_accuracy_interval
            accuracy += f" (95 % interval {low:.2%} to {high:.2%})"
    told = {
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
        name.replace("_", " "): f"{value:.4f}" for facts in exhibit.facts.values() for name, value in facts.items()
    }
    return {name: str(value) for name, value in told.items() if value is not None} | measured
