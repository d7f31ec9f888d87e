"""``aaecli eval``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aaecli.cli.options import is_typed
from aaecli.cli.options.data import EvaluationData
from aaecli.cli.options.device import Threads, TorchDevice
from aaecli.cli.options.output import AsJson
from aaecli.errors import AaeError
from aaecli.suggestions import suggest
from aaecli.text import for_rich, for_terminal

if TYPE_CHECKING:
    from rich.table import Table

    from aaecli.data.dataset import Dataset
    from aaecli.metrics.registry import Metric

app = typer.Typer(add_completion=False)

_RECONSTRUCTED = "reconstruction_error"
_IMAGES = {
    "test": "test images",
    "holdout": "labelled pictures kept back from the training",
    "labelled": "labelled pictures",
    "folds": "labelled images, each left out of one training",
}
_FEW = 500
_NAME_WIDTH = 30
_Device = Literal["auto", "cpu", "cuda", "mps"]


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "aaecli eval                           the newest model, 10,000 test images\n\n"
        "aaecli eval exports/encoder.onnx      the exported pair, without torch\n\n"
        "aaecli eval model.pt --json | jq .accuracy\n\n"
        "aaecli eval --folds 5                 your own few labels: cross-validation\n\n"
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
            help="Train N times anew, each time without an Nth of the labelled images, and judge by those.",
        ),
    ] = None,
    device: TorchDevice = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Judge a model on test images it has never seen.

    A folder of pictures without a test folder is judged by the labelled pictures
    that were kept back from the training, or with --folds by all of them.

    Prints accuracy with its 95 % interval (Wilson), precision, recall and F1 of
    each class, the confusion matrix, the expected calibration error and the
    reconstruction error.
    """
    from aaecli.runs.paths import find_model
    from aaecli.terminal import console

    path = find_model(model)
    if path.suffix == ".onnx" and is_typed(ctx, "threads"):
        raise AaeError(f"--threads has no effect on {path}, which needs no torch.", "Leave it out.")
    if path.suffix != ".onnx":
        from aaecli.models.devices import use_threads

        use_threads(threads or 0)
    if folds is not None:
        from aaecli.cli.cross_validation import cross_validated

        if path.suffix == ".onnx":
            raise AaeError(f"{path} does not tell how it was trained.", "Name the model.pt that it was exported from.")
        report = cross_validated(path, data, folds)
        if as_json:
            console.print_json(report)
        else:
            _render(report)
        return
    with console.status(f"Evaluating {path}"):
        read = _read_onnx if path.suffix == ".onnx" else _read_checkpoint
        dataset, report = read(path, data, device or "auto")
    if note := report.pop("note", ""):
        console.say(note)
    head = {"model": str(path), "dataset": dataset.name, "images": dataset.images_of}
    report = head | report | {"reconstruction_error": report.get(_RECONSTRUCTED)}
    if as_json:
        console.print_json(report)
    else:
        _render(report)


def _read_checkpoint(path: Path, data: str | None, device: _Device) -> tuple[Dataset, dict[str, Any]]:
    from aaecli.checkpoint.file import load_model
    from aaecli.data.dataset import all_labelled, kept_back, with_classes
    from aaecli.data.loading import load_dataset
    from aaecli.evaluation.predict import evaluate_predictions, predict_stored
    from aaecli.terminal.console import say

    checkpoint = load_model(path)
    if checkpoint.unfinished:
        say(f"{path} is of a training that has not ended: {checkpoint.unfinished}.")
    config = checkpoint.config
    dataset = load_dataset(checkpoint.data_folder(data, path), config.image)
    if not len(dataset.test_label):
        held = checkpoint.summary.get("holdout", ())
        # Of the folder that it was trained on, wherever that is now, only what was kept back tells anything.
        is_elsewhere = data is not None and (not config.data or Path(data).resolve() != Path(config.data).resolve())
        is_other = is_elsewhere and not (held and set(held) <= set(dataset.train_name))
        dataset = all_labelled(dataset) if is_other else kept_back(dataset, held, path)
    dataset = with_classes(dataset, checkpoint.classes)
    _check_fit(path, checkpoint.classes, checkpoint.image_shape, dataset)
    prediction = predict_stored(checkpoint, dataset.test_image, dataset.test_label, device)
    return dataset, evaluate_predictions(
        checkpoint, prediction, dataset.test_label, has_named=dataset.images_of == "holdout"
    )


def _read_onnx(path: Path, data: str | None, device: _Device) -> tuple[Dataset, dict[str, Any]]:
    from dataclasses import replace

    from aaecli.config.image import Image
    from aaecli.data.dataset import all_labelled, with_classes
    from aaecli.data.loading import load_dataset
    from aaecli.data.readers.image_folder.collection import image_of
    from aaecli.metrics.clusters import class_prob
    from aaecli.metrics.report import evaluate as class_report
    from aaecli.serve.novelty import evaluate_onnx
    from aaecli.serve.session import open_encoder
    from aaecli.terminal.console import say

    if device == "mps":
        raise AaeError("An .onnx file runs on cpu or cuda, not on mps.", "Use --device auto, or name the .pt file.")
    encoder = open_encoder(path, device)
    trained_on = encoder.metadata.data
    if trained_on and not data and not encoder.metadata.on_embedded:
        raise AaeError(
            f"{path} was trained on {for_terminal(trained_on)}, not on MNIST, and no data set is named.",
            f"Name its folder: {suggest('aaecli', 'eval', path, '--data', 'DIR')}",
        )
    image = image_of(encoder.metadata.recipe) or Image()
    dataset = load_dataset(data, replace(image, transpose=encoder.metadata.transpose))
    note = ""
    if trained_on != dataset.name or encoder.metadata.on_embedded != (not data):
        origin = f"was trained on {trained_on}" if trained_on else "does not say what it was trained on"
        note = f"note: {path} {origin}; it is evaluated on {dataset.name}."
    if not len(dataset.test_label):
        dataset = all_labelled(dataset)
        if not trained_on or trained_on == dataset.name:
            say(
                f"warning: {path} may have learnt from these pictures of {data}; if so, these figures say nothing. "
                f"For that folder, name the model.pt that it was exported from."
            )
    dataset = with_classes(dataset, tuple(dict.fromkeys(encoder.names)))
    # Of clusters a class may have several or none; a model without classes fits any.
    several = len(encoder.names) < len(encoder.classes) or not encoder.classes
    fits = several and set(encoder.names) <= set(dataset.classes)
    _check_fit(path, dataset.classes if fits else encoder.names, encoder.image_shape, dataset)
    label_prob, errors = evaluate_onnx(encoder, dataset.test_image, dataset.test_label, dataset.classes)
    report: dict[str, Any] = {"trained_on": trained_on or None, "note": note, "num_images": len(dataset.test_label)}
    if label_prob is not None:
        class_index = [dataset.classes.index(name) for name in encoder.classes]
        prob = class_prob(label_prob, class_index, len(dataset.classes))
        cluster_prob = label_prob if encoder.metadata.model == "clustering" else None
        report |= class_report(prob, dataset.test_label, dataset.classes, cluster_prob)
    return dataset, report | ({} if errors is None else {_RECONSTRUCTED: float(errors.mean())})


def _check_fit(path: Path, classes: tuple[str, ...], image_shape: tuple[int, int, int], dataset: Dataset) -> None:
    if tuple(classes) != dataset.classes:
        raise AaeError(
            f"{path} knows the classes {_listed(classes)}, but {dataset.name} has {_listed(dataset.classes)}.",
            "Name the data set that the model was trained on with --data.",
        )
    if tuple(image_shape) != dataset.image_shape:
        raise AaeError(
            f"{path} reads {_size(image_shape)}, but {dataset.name} has {_size(dataset.image_shape)}.",
            "Name the data set that the model was trained on with --data.",
        )


def _size(image_shape: tuple[int, int, int]) -> str:
    channels, height, width = image_shape
    return f"{'grey' if channels == 1 else 'colour'} images of {height} × {width} pixels"


def _listed(classes: tuple[str, ...]) -> str:
    shown = ", ".join(for_terminal(name, 40) for name in classes[:10])
    return shown if len(classes) <= 10 else f"{shown} and {len(classes) - 10} more"


def _render(report: dict[str, Any]) -> None:
    from aaecli.terminal import console

    out = console.out()
    evaluated_on = f"{report['num_images']:,} {_IMAGES[report['images']]} of {for_terminal(report['dataset'])}"
    if "accuracy" in report:
        _render_numbers(report, evaluated_on)
    if report[_RECONSTRUCTED] is not None:
        out.print(f"reconstruction error  {report[_RECONSTRUCTED]:.4f}  (mean squared, pixels in [0, 1])")
    if "accuracy" in report:
        _render_classes(report)
    else:
        console.say(f"The model knows no classes: it was judged by how it redraws {evaluated_on}.")


def _render_numbers(report: dict[str, Any], evaluated_on: str) -> None:
    """Print a line for each metric that is a number, the accuracy first."""
    from rich.text import Text

    from aaecli.metrics.report import shown_numbers
    from aaecli.terminal import console

    out = console.out()
    for name, metric in shown_numbers(report, "report"):
        notes = [metric.note] if metric.note else []
        if interval := report.get(f"{name}_interval"):
            low, high = interval
            notes.insert(0, f"95 % interval {metric.shown(low)} to {metric.shown(high)}")
        if name == "accuracy":
            notes.append(evaluated_on)
        title = f"{for_terminal(metric.title, 60):20}  "
        style = "bold" if name == "accuracy" else ""
        note = for_terminal(f"  ({', '.join(notes)})") if notes else ""
        out.print(Text.assemble(title, (metric.shown(report[name]), style), note))
        if name == "accuracy" and "folds" in report:
            out.print("by fold               " + "  ".join(f"{accuracy:.1%}" for accuracy in report["folds"]))
        if name == "accuracy" and report["num_images"] < _FEW:
            out.print(f"                      {report['num_images']} images tell no more than that interval.")


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
