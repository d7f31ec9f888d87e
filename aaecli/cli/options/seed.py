"""The seed of whatever a command leaves to chance."""

from __future__ import annotations

from typing import Any

import typer


def seed(of_what: str, panel: str) -> Any:
    """Give ``--seed``: the same seed gives the same result.

    Args:
        of_what: What is random, as in "the batches".
        panel: The heading of the help that it stands under.
    """
    return typer.Option(
        "--seed",
        min=0,
        metavar="N",
        envvar="AAECLI_SEED",
        rich_help_panel=panel,
        show_default="0",
        help=f"Seed of {of_what}.",
    )
