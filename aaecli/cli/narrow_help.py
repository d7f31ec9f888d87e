"""Help for a terminal of fewer than 80 columns: each option on a line of its own, what it does below it.

The table that typer draws has no room there: it cuts names of options and variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from inspect import cleandoc
from typing import Any

ENOUGH = 80
"""Columns from which on the table holds every name whole."""
_BOLD = re.compile(r"\[/?bold\]")
_GAP = re.compile(r" {2,}")
_INDENT = 4


def make_readable(command: Any) -> None:
    """Let a command, and those inside it, write their help in a form that fits the terminal."""
    for each in (command, *getattr(command, "commands", {}).values()):
        each.format_help = partial(write_fitting, each, each.format_help)


def write_fitting(command: Any, wide: Callable[[Any, Any], None], ctx: Any, formatter: Any) -> None:
    """Write the help of a command: by ``wide`` where the terminal has room for the table, else in one column."""
    if is_narrow():
        write_narrow(command, ctx, formatter)
    else:
        wide(ctx, formatter)


def is_narrow() -> bool:
    """Return whether the terminal is too narrow for the table."""
    from rich.console import Console

    return Console().width < ENOUGH


def write_narrow(command: Any, ctx: Any, formatter: Any) -> None:
    """Write the help of a command in one column.

    Args:
        command: The command, or the group.
        ctx: Its context.
        formatter: What gathers the lines, as wide as the terminal.
    """
    command.format_usage(ctx, formatter)
    with formatter.indentation():
        formatter.write_paragraph()
        formatter.write_text(_BOLD.sub("", cleandoc(command.help or "")))
    panels: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            panel = "Arguments" if parameter.param_type_name == "argument" else "Options"
            panels.setdefault(getattr(parameter, "rich_help_panel", None) or panel, []).append(record)
    for title in sorted(panels, key=["Arguments", "Options"].__contains__, reverse=True):
        with formatter.section(title):
            formatter.write_dl(panels[title], col_max=_INDENT - 2)
    if hasattr(command, "list_commands"):
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, _summary(command.get_command(ctx, name))) for name in command.list_commands(ctx)]
            )
    for paragraph in _BOLD.sub("", command.epilog or "").split("\n\n"):
        _write_example(paragraph, formatter)


def _summary(command: Any) -> str:
    """Give the first paragraph of a command's help."""
    return " ".join(cleandoc(command.help or "").split("\n\n")[0].split())


def _write_example(paragraph: str, formatter: Any) -> None:
    """Write a heading, a sentence, or an example: the command, and below it what it does."""
    if not paragraph.startswith("  "):
        formatter.write_paragraph()
        formatter.write_text(paragraph)
        return
    line, _, note = _GAP.sub("\0", paragraph.strip()).partition("\0")
    # Whole, whatever the width: it is there to be copied.
    formatter.write(f"  {line}\n")
    if note:
        with formatter.indentation(), formatter.indentation(), formatter.indentation():
            formatter.write_text(note)
