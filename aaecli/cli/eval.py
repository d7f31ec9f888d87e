"""``aaecli eval``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aaecli.cli.options import is_typed
from aaecli.cli.options.data import EvaluationData
from aaecli.cli.options.device import TorchDevice
from aaecli.cli.options.output import AsJson
from aaecli.cli.options.threads import Threads
from aaecli.errors import AaeError
from aaecli.text import for_rich, for_terminal

if TYPE_CHECKING:
    from rich.table import Table

    from aaecli.data.dataset import Dataset
    from aaecli.metrics.registry import Metric

app = typer.Typer(add_completion=False)

_RECONSTRUCTED = "reconstruction_error"
_IMAGES = {
    "test": "test images",
    "holdout": "held-out labelled pictures",
    "labelled": "labelled pictures",
    "folds": "labelled images",
}
_FEW = 500
_TITLE_WIDTH = 22
_NAME_WIDTH = 30
_Device = Literal["auto", "cpu", "cuda", "mps"]


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli eval                           the newest model, 10,000 test images\n\n"
        "  aaecli eval exports/encoder.onnx      the exported pair, without torch\n\n"
        "  aaecli eval model.pt --json | jq .accuracy\n\n"
        "  aaecli eval --folds 5                 your own few labels: cross-validation\n\n"
        "  aaecli eval --folds 5 --review r.csv  and which of them are probably wrong\n\n"
        "The test images decide nothing: no epoch, no setting and no seed was chosen on them."
    )
)
def evaluate(
    ctx: typer.Context,
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="[MODEL]", show_default="the newest model.pt", help="A .pt or .onnx file, or the folder it is in."
        ),
    ] = None,
    data: EvaluationData = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="Cross-validate: train N times, each time without an Nth of the labelled images, and evaluate on "
            "those.",
        ),
    ] = None,
    review: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="With --folds: list the labels that are probably wrong, for `aaecli label --answers`; "
            "FILE.png shows the images.",
        ),
    ] = None,
    device: TorchDevice = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a model on test images that it has never seen.

    A folder of pictures without a test folder is evaluated on the labelled
    pictures that were held out from training, or with --folds on all of them.

    Prints accuracy with its 95 % interval (Wilson), precision, recall and F1 of
    each class, the confusion matrix, the expected calibration error (also what
    it was before the temperature that training fitted) and the reconstruction
    error.
    """
    from aaecli.runs.paths import find_model
    from aaecli.terminal import console

    if review is not None and folds is None:
        raise AaeError("--review has no effect without --folds.", "Add --folds 5.")
    path = find_model(model)
    if path.suffix == ".onnx" and is_typed(ctx, "threads"):
        raise AaeError(f"--threads has no effect on {path}, which needs no torch.", "Leave it out.")
    if path.suffix != ".onnx":
        from aaecli.models.devices import use_threads

        use_threads(threads or 0)
    if folds is not None:
        from aaecli.cli.cross_validation import cross_validated

        if path.suffix == ".onnx":
            raise AaeError(f"{path} does not say how it was trained.", "Name the model.pt that it was exported from.")
        report = cross_validated(path, data, folds, review)
        if as_json:
            console.print_json(report)
        else:
            _render(report)
        return
    dataset, report = _evaluated(path, data, device or "auto")
    head = {"model": str(path), "dataset": dataset.name, "images": dataset.images_of}
    report = head | report | {"reconstruction_error": report.get(_RECONSTRUCTED)}
    if as_json:
        console.print_json(report)
    else:
        _render(report)


def _evaluated(path: Path, data: str | None, device: _Device) -> tuple[Dataset, dict[str, Any]]:
    from aaecli.terminal import console

    with console.status(f"Evaluating {path}"):
        if path.suffix == ".onnx":
            from aaecli.serve.evaluation import evaluate_onnx

            dataset, report, notes = evaluate_onnx(path, data, device)
            for note in notes:
                console.say(note)
            return dataset, report
        from aaecli.checkpoint.file import load_model
        from aaecli.evaluation.checkpoint import evaluate_checkpoint

        checkpoint = load_model(path)
        if checkpoint.unfinished:
            console.say(f"{path} is of a run that has not ended: {checkpoint.unfinished}.")
        return evaluate_checkpoint(checkpoint, path, data, device)


def _render(report: dict[str, Any]) -> None:
    from aaecli.terminal import console

    evaluated_on = f"{report['num_images']:,} {_IMAGES[report['images']]} of {for_terminal(report['dataset'])}"
    if report["images"] == "folds":
        evaluated_on += ", each held out once"
    if "accuracy" in report:
        _render_numbers(report, evaluated_on)
    if report[_RECONSTRUCTED] is not None:
        error = f"{report[_RECONSTRUCTED]:.4f}  (mean squared, pixels in [0, 1])"
        console.put_fact(f"reconstruction error  {error}", _TITLE_WIDTH)
    if "accuracy" in report:
        _render_classes(report)
    else:
        console.say(f"The model has no classes: it was evaluated by its reconstruction of {evaluated_on}.")


def _render_numbers(report: dict[str, Any], evaluated_on: str) -> None:
    """Print a line for each metric that is a number, the accuracy first."""
    from rich.text import Text

    from aaecli.metrics.report import calibration_note, shown_numbers
    from aaecli.terminal import console

    for name, metric in shown_numbers(report, "report"):
        notes = [note for note in (metric.note, calibration_note(report, name)) if note]
        if interval := report.get(f"{name}_interval"):
            low, high = interval
            notes.insert(0, f"95 % interval {metric.shown(low)} to {metric.shown(high)}")
        if name == "accuracy":
            notes.append(evaluated_on)
        title = f"{for_terminal(metric.title, 60):{_TITLE_WIDTH - 2}}  "
        style = "bold" if name == "accuracy" else ""
        note = for_terminal(f"  ({', '.join(notes)})") if notes else ""
        console.put_fact(Text.assemble(title, (metric.shown(report[name]), style), note), len(title))
        if name == "accuracy" and "folds" in report:
            folds = "  ".join(f"{accuracy:.1%}" for accuracy in report["folds"])
            console.put_fact(f"{'by fold':{_TITLE_WIDTH}}{folds}", _TITLE_WIDTH)
        if name == "accuracy" and report["num_images"] < _FEW:
            console.put_fact(f"{'':{_TITLE_WIDTH}}{report['num_images']} images: the interval is wide.", _TITLE_WIDTH)


def _render_classes(report: dict[str, Any]) -> None:
    """Print the table by class, and each table of classes by classes."""
    from rich.table import Table

    from aaecli.metrics.report import columns, tables
    from aaecli.terminal import console

    out = console.out()
    table = Table(title="By class", title_justify="left", box=None, pad_edge=False)
    shown = columns(report)
    for heading in ("class", *(metric.title for _, metric in shown)):
        table.add_column(for_rich(heading), justify="right")
    for row in report["classes"]:
        figures = (metric.shown(row[name]) for name, metric in shown)
        table.add_row(for_rich(row["class"], limit=_NAME_WIDTH), *figures)
    out.print()
    out.print(table)
    names = [row["class"] for row in report["classes"]]
    for name, metric in tables(report):
        out.print()
        if len(names) > 20:
            out.print(f"The table '{name}' of {len(names)} classes is in the output of --json.")
        else:
            out.print(_matrix(metric, names, report[name]))


def _matrix(metric: Metric, names: list[str], rows: list[list[Any]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    matrix = Table(title=for_rich(metric.title), title_justify="left", box=None, pad_edge=False)
    matrix.add_column("", justify="right", style="bold")
    for name in names:
        matrix.add_column(for_rich(name, limit=_NAME_WIDTH), justify="right")
    for index, row in enumerate(rows):
        cells = (
            Text(metric.shown(value), "bold")
            if index == column
            else (Text(metric.shown(value)) if value else Text("·", "dim"))
            for column, value in enumerate(row)
        )
        matrix.add_row(for_rich(names[index], limit=_NAME_WIDTH), *cells)
    return matrix
