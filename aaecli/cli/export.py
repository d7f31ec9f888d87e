"""``aaecli export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


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
        bool, typer.Option("--onnx", show_default=False, help="Write ONNX files: the one format there is.")
    ] = True,
    out: Annotated[
        Path, typer.Option(metavar="DIR", envvar="AAECLI_EXPORTS", help="Folder for encoder.onnx and decoder.onnx.")
    ] = Path("exports"),
    card: Annotated[
        bool,
        typer.Option("--card", help="Write a model card too, README.md: data, accuracy by class, limits, settings."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result and errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Turn a model into two ONNX files that classify and draw without torch.

    Each file is compared with torch, on real and on random images, before it
    takes its name: where the largest difference exceeds 1e-5 or a class
    differs, nothing is written.
    """
    from aaecli import console
    from aaecli.family import FAMILY
    from aaecli.paths import find_model

    path = find_model(model)
    with console.status(f"Exporting {path}", quiet=quiet) as tell:
        from aaecli.learn.checkpoint import load_model
        from aaecli.learn.export import export_onnx

        checkpoint = load_model(path)
        report = export_onnx(checkpoint, out, tell)
        if card:
            from aaecli.learn.card import write_card

            tell("card: reading the test images")
            card_path = write_card(checkpoint, out, report)
    if as_json:
        console.print_json({"model": str(path), "files": report} | ({"card": str(card_path)} if card else {}))
        return
    for part, facts in report.items():
        console.out().print(
            f"{part}  {facts['path']}  {facts['bytes'] / 1e6:.1f} MB, "
            f"differs from torch by at most {facts['difference']:.1e}",
            markup=False,
        )
    if card:
        console.out().print(f"card     {card_path}", markup=False)
    if not quiet:
        reads = ["aaecli classify digit.png"] * FAMILY[checkpoint.config.model].encodes_label
        console.say("Next: " + ", ".join([*reads, *["aaecli generate"] * ("decoder" in report)]))
