"""What a command prints and writes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aaecli.cli.options import OUTPUT
from aaecli.cli.options.number import number

Force = Annotated[
    bool,
    typer.Option(
        "--force",
        rich_help_panel=OUTPUT,
        help="Replace existing files; links and input files are never replaced.",
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", rich_help_panel=OUTPUT, help="Print the result and errors, nothing else.")
]
AsJson = Annotated[bool, typer.Option("--json", rich_help_panel=OUTPUT, help="Print the result as one JSON object.")]
TopK = Annotated[
    int,
    typer.Option(min=1, metavar="N", help="Number of classes to give, most probable first.", rich_help_panel=OUTPUT),
]
Threshold = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        callback=number,
        metavar="P",
        help="Answer 'unsure' below this probability.",
        rich_help_panel=OUTPUT,
    ),
]
Novelty = Annotated[
    bool,
    typer.Option(
        "--novelty",
        help="Give every picture its novelty score: above 1, it is unlike the training images.",
        rich_help_panel=OUTPUT,
    ),
]
Runs = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="DIR",
        envvar="AAECLI_RUNS",
        rich_help_panel=OUTPUT,
        help="Folder that the run folders are in.",
    ),
]
