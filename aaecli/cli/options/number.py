"""Numbers on the command line."""

from __future__ import annotations

import math

import typer


def number(value: float | None) -> float | None:
    """Refuse ``nan``, for an option with a range: it compares with no limit, so that every range lets it pass.

    Raises:
        typer.BadParameter: It is one.
    """
    if value is not None and math.isnan(value):
        raise typer.BadParameter("nan is not a number.")
    return value
