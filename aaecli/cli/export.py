"""``aaecli export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aaecli.cli import options

if TYPE_CHECKING:
    from aaecli.config.schema import Config

app = typer.Typer(add_completion=False)

_DIGIT = Path("digit.png")
_WHAT = "What to write"
_WHERE = "Where to"


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "aaecli export --onnx                           the newest model, into exports/\n\n"
        "aaecli export --onnx model.pt --out deploy/\n\n"
        "aaecli export --onnx model.pt --out share/ --card\n\n"
        "What each file reads and gives stands in its metadata and in the README."
    )
)
def export(
    model: Annotated[
        Path | None,
        typer.Argument(metavar="[MODEL.pt]", show_default="the newest", help="A trained model, or its run folder."),
    ] = None,
    onnx: Annotated[
        bool,
        typer.Option(
            "--onnx", rich_help_panel=_WHAT, show_default=False, help="Write ONNX files: the one format there is."
        ),
    ] = True,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            envvar="AAECLI_EXPORTS",
            rich_help_panel=_WHERE,
            help="Folder for encoder.onnx and decoder.onnx.",
        ),
    ] = Path("exports"),
    card: Annotated[
        bool,
        typer.Option(
            "--card",
            rich_help_panel=_WHAT,
            help="Write a model card too, README.md: data, accuracy by class, limits, settings.",
        ),
    ] = False,
    force: Annotated[bool, options.force(_WHERE)] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result and errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Turn a model into two ONNX files that classify and draw without torch.

    Each file is compared with torch, on real and on random images, before it
    takes its name: where the largest difference exceeds 1e-5 or a class
    differs, nothing is written.
    """
    from aaecli.files.outputs import Outputs
    from aaecli.files.own_files import is_sealed, sealed
    from aaecli.runs.paths import CARD, find_model
    from aaecli.terminal import console

    path = find_model(model)
    outputs = Outputs(force=force, inputs=[path])
    if card:
        outputs.claim(out / CARD, is_sealed)
    with console.status(f"Exporting {path}", quiet=quiet) as tell:
        from aaecli.checkpoint.file import load_model
        from aaecli.export.onnx import export_onnx

        checkpoint = load_model(path)
        if checkpoint.unfinished:
            console.say(f"{path} is of a training that has not ended: {checkpoint.unfinished}.")
        report = export_onnx(checkpoint, out, tell, outputs)
        if card:
            from aaecli.export.model_card import describe

            tell("card: reading the test images")
            card_path = out / CARD
            outputs.write(card_path, sealed(describe(checkpoint, report)))
    if as_json:
        console.print_json({"model": str(path), "files": report} | ({"card": str(card_path)} if card else {}))
        return
    for part, facts in report.items():
        console.put(
            f"{part}  {facts['path']}  {facts['bytes'] / 1e6:.1f} MB, "
            f"differs from torch by at most {facts['difference']:.1e}"
        )
    if card:
        console.put(f"card     {card_path}")
    if not quiet:
        console.say(f"Next: {', then '.join(_next(checkpoint.config, out, draws='decoder' in report))}")


def _next(config: Config, out: Path, *, draws: bool) -> list[str]:
    """Suggest commands that use what was exported, on pictures of the kind that it learnt from."""
    from aaecli.config.models import FAMILY
    from aaecli.data.dataset import holds_pictures
    from aaecli.files.opening import exists
    from aaecli.runs.paths import EXPORTS
    from aaecli.suggestions import suggest_aaecli

    # Without --model these commands take exports/, and no other folder.
    where: list[str | Path] = [] if out.resolve() == EXPORTS.resolve() else ["--model", out]
    commands = []
    if FAMILY[config.model].encodes_label and holds_pictures(config.data):
        commands.append(suggest_aaecli("classify", *where, "--recursive", Path(config.data)))
    elif FAMILY[config.model].encodes_label:
        if not exists(_DIGIT):
            data: list[str | Path] = ["--data", Path(config.data)] if config.data else []
            commands.append(suggest_aaecli("data", "export", *data, "--index", "0", "--out", _DIGIT))
        commands.append(suggest_aaecli("classify", *where, _DIGIT))
    return commands + [suggest_aaecli("generate", *where)] * draws
