"""``aaecli classify``: read pictures of digits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from aaecli.console import print_json, report, say

app = typer.Typer(add_completion=False)


@app.command()
def classify(
    images: Annotated[
        list[str] | None, typer.Argument(metavar="IMAGE...", help="Pictures, folders, patterns, or -.")
    ] = None,
    model: Annotated[Path | None, typer.Option(envvar="AAECLI_MODEL", help="An encoder.onnx.")] = None,
    device: Annotated[str, typer.Option(envvar="AAECLI_DEVICE")] = "auto",
    top_k: Annotated[int, typer.Option(min=1)] = 1,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Read pictures."""
    from aaecli.data.pictures import find
    from aaecli.serve.classify import Failure, Reading
    from aaecli.serve.classify import classify as answers
    from aaecli.serve.discovery import decoder_beside, find_encoder
    from aaecli.serve.session import open_decoder, open_encoder

    path = find_encoder(model)
    encoder = open_encoder(path, device)  # type: ignore[arg-type]
    beside = decoder_beside(path)
    decoder = open_decoder(beside, device) if beside else None  # type: ignore[arg-type]
    failed = False
    for answer in answers(find(images or []), encoder, decoder, Reading(encoder.image_shape, top_k=top_k)):
        if isinstance(answer, Failure):
            failed = True
            report(answer.error)
        elif as_json:
            print_json({"image": answer.source, "label": answer.label, "probability": answer.probability})
        else:
            sys.stdout.write(f"{answer.source}  {answer.label}  {answer.probability:.3f}\n")
            for warning in answer.warnings:
                say(f"warning: {answer.source}: {warning}")
    if failed:
        raise typer.Exit(1)
