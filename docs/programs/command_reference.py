"""The reference of the commands, out of the declarations that ``--help`` shows."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

import typer
from rich.text import Text

from aaecli.cli import COMMANDS

_TYPES = {"int": "integer", "integer": "integer", "float": "number", "str": "text"}


def commands() -> str:
    """Write a section for each command: what it does, its examples and one line an option."""
    parts = []
    for name in COMMANDS:
        command = typer.main.get_command(importlib.import_module(f"aaecli.cli.{name}").app)
        parts.append(_section(f"aaecli {name}", command))
        parts += [_section(f"aaecli {name} {word}", inner) for word, inner in getattr(command, "commands", {}).items()]
    return "\n\n".join(parts)


def _section(name: str, command: Any) -> str:
    parts = [f"## {name}", _plain(command.help)]
    epilog = _plain(command.epilog or "")
    examples = [line.strip() for line in epilog.splitlines() if re.match(r"\s*(\S.* \| )?aaecli ", line)]
    notes = [line for line in epilog.splitlines() if line.strip() and line.strip() not in (*examples, "Examples")]
    if examples:
        parts.append("```text\n" + "\n".join(examples) + "\n```")
    if any(line.startswith("  ") for line in notes):
        parts.append("```text\n" + "\n".join(notes) + "\n```")
    elif notes:
        parts.append("\n\n".join(notes))
    rows = [cells for parameter in command.params if (cells := _row(parameter))]
    head = ["| option | value | default | variable | meaning |", "|---|---|---|---|---|"]
    parts.append("\n".join([*head, *("| " + " | ".join(map(_cell, cells)) + " |" for cells in rows)]))
    return "\n\n".join(parts)


def _row(parameter: Any) -> tuple[str, ...] | None:
    if parameter.name == "help" or parameter.hidden:
        return None
    is_argument = parameter.param_type_name == "argument"
    names = [parameter.human_readable_name] if is_argument else [*parameter.opts, *parameter.secondary_opts]
    value = "" if is_argument or getattr(parameter, "is_flag", False) else _value(parameter)
    return (
        ", ".join(f"`{name}`" for name in names),
        value,
        _default(parameter),
        f"`{parameter.envvar}`" if parameter.envvar else "",
        _plain(parameter.help or ""),
    )


def _value(parameter: Any) -> str:
    """Name what an option takes, as ``--help`` does."""
    choices = getattr(parameter.type, "choices", None)
    if choices and not parameter.metavar:
        return ", ".join(f"`{choice}`" for choice in choices)
    if parameter.metavar:
        return f"`{parameter.metavar}`"
    kind = parameter.type.name.removesuffix(" range")
    return _TYPES.get(kind, kind)


def _default(parameter: Any) -> str:
    shown = getattr(parameter, "show_default", None)
    if isinstance(shown, str):
        return shown
    value = parameter.default
    if value is None or value is False or callable(value) or shown is False or value == []:
        return "required" if parameter.required else ""
    return "yes" if value is True else f"`{getattr(value, 'value', value)}`"


def _plain(text: str) -> str:
    return "\n".join(_unwrapped(Text.from_markup(text).plain.replace("\b", ""))).strip("\n")


def _unwrapped(text: str) -> Iterator[str]:
    """Join the lines of a paragraph, which a docstring breaks where the source does."""
    for paragraph in text.strip().split("\n\n"):
        lines = paragraph.strip("\n").split("\n")
        yield from lines if any(line.startswith("  ") for line in lines) else (" ".join(lines),)
        yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
