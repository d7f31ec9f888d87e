"""Options that several commands have, with one help text."""

from __future__ import annotations

from typing import Any

import typer

from aaecli.config.schema import MAX_THREADS


def force(panel: str | None = None) -> Any:
    """Give ``--force``, as every command that writes to a named place has it.

    Args:
        panel: Under which heading of the help it stands.
    """
    return typer.Option(
        "--force", help="Replace a file that is there. Links and what is read stay.", rich_help_panel=panel
    )


def threads(panel: str | None = None) -> Any:
    """Give ``--threads``, as every command that computes with torch has it.

    Args:
        panel: Under which heading of the help it stands.
    """
    return typer.Option(
        min=1,
        max=MAX_THREADS,
        metavar="N",
        envvar="AAECLI_THREADS",
        rich_help_panel=panel,
        show_default="one a core",
        help="Threads of the processor.",
    )
