"""Which exported model answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from aaecli.cli.options import MODEL


def _model(what: str, otherwise: str) -> Any:
    return typer.Option(
        "--model",
        metavar="PATH",
        envvar="AAECLI_MODEL",
        rich_help_panel=MODEL,
        show_default=f"exports/, else {otherwise}",
        help=what,
    )


Encoder = Annotated[Path | None, _model("An encoder.onnx, or its folder.", "the released model")]
EncoderOrDecoder = Annotated[
    Path | None, _model("An encoder.onnx, a decoder.onnx, or their folder.", "the released pair")
]
