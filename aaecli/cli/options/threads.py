"""With how many threads to compute.

Apart from the other options of devices: it needs the settings of a training, which take a tenth of the time in which a
command that trains nothing has answered.
"""

from __future__ import annotations

from typing import Annotated

import typer

from aaecli.cli.options import DEVICE
from aaecli.config.schema import MAX_THREADS

Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MAX_THREADS,
        metavar="N",
        envvar="AAECLI_THREADS",
        rich_help_panel=DEVICE,
        show_default="one per core",
        help="CPU threads.",
    ),
]
