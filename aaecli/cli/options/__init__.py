"""Options that several commands have, each declared once: flag, help, variable, heading and metavar."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

DATA = "Data"
MODEL = "Model"
TRAINING = "Training"
DEVICE = "Device"
OUTPUT = "Output"
"""Headings of the help, the same in every command."""


def is_typed(context: typer.Context, name: str) -> bool:
    """Tell whether a parameter was given as a flag: a variable is set for every command, and concerns some of them."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
