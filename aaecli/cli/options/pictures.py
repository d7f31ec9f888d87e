"""Which pictures are read and how they are prepared, of the commands that classify them."""

from __future__ import annotations

from typing import Annotated

import typer

PICTURES = "Pictures"
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Search sub-folders too.", rich_help_panel=PICTURES)]
FilesFrom = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="File with one picture name per line; - for stdin.", rich_help_panel=PICTURES),
]
Invert = Annotated[
    bool | None,
    typer.Option(
        "--invert/--no-invert",
        help="The strokes are darker (--invert) or lighter (--no-invert) than the paper.",
        show_default="found for each picture",
        rich_help_panel=PICTURES,
    ),
]
OnlyResize = Annotated[
    bool,
    typer.Option(
        "--no-normalise",
        help="Only resize: the pictures are cropped and centred, light on black, as the training images are.",
        rich_help_panel=PICTURES,
    ),
]
