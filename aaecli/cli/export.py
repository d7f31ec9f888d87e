"""``aaecli export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aaecli.cli.options import OUTPUT, is_typed
from aaecli.cli.options.data import TrainingData
from aaecli.cli.options.number import number
from aaecli.cli.options.output import AsJson, Force, Quiet
from aaecli.errors import AaeError

if TYPE_CHECKING:
    from aaecli.config.schema import Config

app = typer.Typer(add_completion=False)

_DIGIT = Path("digit.png")
_MAX_LOSS = 0.1
_Precision = Literal["fp32", "fp16", "int8"]


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli export --onnx                           the newest model, into exports/\n\n"
        "  aaecli export --onnx model.pt --out deploy/\n\n"
        "  aaecli export --onnx model.pt --out share/ --card\n\n"
        "  aaecli export --precision int8 --out small/    a quarter of the size\n\n"
        "  aaecli export small.pt --cascade large.pt      the speed of one, the accuracy of the other\n\n"
        "The inputs and outputs of each file are in its metadata and in docs/deployment.md."
    )
)
def export(
    ctx: typer.Context,
    model: Annotated[
        Path | None,
        typer.Argument(metavar="[MODEL.pt]", show_default="the newest", help="A trained model, or its run folder."),
    ] = None,
    onnx: Annotated[
        bool,
        typer.Option(
            "--onnx", rich_help_panel=OUTPUT, show_default=False, help="Write ONNX files: the one format there is."
        ),
    ] = True,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            envvar="AAECLI_EXPORTS",
            rich_help_panel=OUTPUT,
            help="Folder for encoder.onnx and decoder.onnx.",
        ),
    ] = Path("exports"),
    model_card: Annotated[
        bool,
        typer.Option(
            "--card",
            rich_help_panel=OUTPUT,
            help="Write a model card (README.md) too: data, accuracy by class, limits, settings.",
        ),
    ] = False,
    precision: Annotated[
        _Precision,
        typer.Option(
            metavar="TYPE",
            rich_help_panel=OUTPUT,
            help="Data type of the weights: fp32; fp16, half the size; or int8, a quarter, calibrated on training "
            "images.",
        ),
    ] = "fp32",
    max_loss: Annotated[
        float | None,
        typer.Option(
            metavar="POINTS",
            min=0,
            max=100,
            callback=number,
            rich_help_panel=OUTPUT,
            show_default="0.1",
            help="Largest loss of accuracy against float32, in percentage points; with more, nothing is written.",
        ),
    ] = None,
    second: Annotated[
        Path | None,
        typer.Option(
            "--cascade",
            metavar="LARGE.pt",
            rich_help_panel=OUTPUT,
            show_default=False,
            help="A larger model of the same data, which classifies again the images that MODEL is not sure of. Its "
            "encoder becomes part of encoder.onnx.",
        ),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(
            "--cascade-confidence",
            metavar="P",
            min=0,
            max=1,
            callback=number,
            rich_help_panel=OUTPUT,
            show_default="0.95",
            help="With --cascade: images whose largest probability is at most this are classified again.",
        ),
    ] = None,
    data: TrainingData = None,
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Export a model as two ONNX files that classify and generate without torch.

    Each file is compared with torch on real and on random images. If the
    outputs differ by more than 1e-5, or a class changes, nothing is written.
    """
    from aaecli.files.outputs import Outputs
    from aaecli.files.own_files import is_sealed, sealed
    from aaecli.runs.paths import MODEL_CARD, find_model
    from aaecli.terminal import console

    path = find_model(model)
    if is_typed(ctx, "data") and not model_card and precision == "fp32":
        raise AaeError("--data has no effect without --card or --precision.", "Add one of them, or leave it out.")
    if max_loss is not None and precision == "fp32":
        raise AaeError("--max-loss has no effect with --precision fp32.", "Add --precision int8, or leave it out.")
    if confidence is not None and second is None:
        raise AaeError("--cascade-confidence has no effect without --cascade.", "Add --cascade LARGE.pt.")
    larger = None if second is None else find_model(second)
    outputs = Outputs(force=force, inputs=[path] if larger is None else [path, larger])
    if model_card:
        outputs.claim(out / MODEL_CARD, is_sealed)
    with console.status(f"Exporting {path}", quiet=quiet) as tell:
        from aaecli.export.cascade import load
        from aaecli.export.onnx import export_onnx
        from aaecli.export.reduced_precision import requested

        checkpoint = load(path, larger, confidence)
        if model_card or precision != "fp32":
            # Before the export: where the images are unknown, nothing is written.
            checkpoint.data_folder(data, path)
        if checkpoint.unfinished:
            console.say(f"{path} is of a run that has not ended: {checkpoint.unfinished}.")
        if precision != "fp32":
            tell("reading the training images")
        reduced = requested(precision, _MAX_LOSS if max_loss is None else max_loss, checkpoint, path, data)
        report = export_onnx(checkpoint, out, tell, outputs, reduced)
        if model_card:
            from aaecli.export.model_card import describe

            tell("model card: evaluating the test images")
            model_card_path = out / MODEL_CARD
            outputs.write(model_card_path, sealed(describe(checkpoint, report, path, data)))
    if as_json:
        console.print_json(
            {"model": str(path), "files": report}
            | ({"cascade": str(larger)} if larger else {})
            | ({"model_card": str(model_card_path)} if model_card else {})
        )
        return
    _put_files(report)
    if model_card:
        console.put(f"model card  {model_card_path}")
    if not quiet:
        try:
            learnt_from = checkpoint.data_folder(data, path)
        except AaeError:
            learnt_from = None
        if commands := _next(checkpoint.config, learnt_from, out, draws="decoder" in report):
            console.say(f"Next: {', then '.join(commands)}")


def _put_files(report: dict[str, Any]) -> None:
    """Print a line for each file, and what reduced precision costs."""
    from aaecli.export.reduced_precision import describe_cost
    from aaecli.terminal import console

    for part, entry in report.items():
        console.put(
            f"{part}  {entry['path']}  {entry['bytes'] / 1e6:.1f} MB, "
            f"differs from torch by at most {entry['difference']:.1e}"
        )
        if "cost" in entry:
            console.put(f"{'':9}{entry['precision']}: {describe_cost(entry['cost'])}")


def _next(config: Config, learnt_from: str | None, out: Path, *, draws: bool) -> list[str]:
    """Suggest commands that use what was exported, on pictures of the kind that it learnt from.

    Args:
        config: The settings of its training.
        learnt_from: The folder of its images, empty for the embedded ones; None where it is not known.
        out: Where the files are.
        draws: Whether a decoder is one of them.
    """
    from aaecli.config.models import FAMILY
    from aaecli.data.loading import holds_pictures
    from aaecli.files.opening import exists
    from aaecli.runs.paths import EXPORTS
    from aaecli.suggestions import suggest_aaecli

    # Without --model these commands take exports/, and no other folder.
    where: list[str | Path] = [] if out.resolve() == EXPORTS.resolve() else ["--model", out]
    commands = []
    if not FAMILY[config.model].encodes_label or learnt_from is None:
        pass
    elif holds_pictures(learnt_from):
        commands.append(suggest_aaecli("classify", *where, "--recursive", _near(learnt_from)))
    else:
        if not exists(_DIGIT):
            data: list[str | Path] = ["--data", _near(learnt_from)] if learnt_from else []
            commands.append(suggest_aaecli("data", "export", *data, "--index", "0", "--out", _DIGIT))
        commands.append(suggest_aaecli("classify", *where, _DIGIT))
    return commands + [suggest_aaecli("generate", *where)] * draws


def _near(folder: str) -> Path:
    """Give a folder as it is written from here, where it lies below."""
    path = Path(folder)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
