"""The reference of the settings, out of the dataclasses of ``aaecli.config.schema`` and their docstrings."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from aaecli.config.docstrings import attributes
from aaecli.config.resolve import resolve
from aaecli.config.schema import Config

_TYPES = {int: "integer", float: "number", str: "text", bool: "true or false"}


def settings() -> str:
    """Write a table for each section of the configuration, one line a key."""
    config = resolve()
    parts = [_table("", config)]
    for name, section in _sections(config):
        text = attributes(type(config))[name]
        parts.append(f"### `[{name}]`\n\n{_cell(text)}\n\n{_table(f'{name}.', section)}")
    return "\n".join(parts)


def _sections(config: Config) -> Iterator[tuple[str, Any]]:
    for entry in dataclasses.fields(config):
        value = getattr(config, entry.name)
        if dataclasses.is_dataclass(value):
            yield entry.name, value


def _table(prefix: str, section: Any) -> str:
    texts, hints = attributes(type(section)), typing.get_type_hints(type(section))
    lines = ["| key | values | in `default` | meaning |", "|---|---|---|---|"]
    for entry in dataclasses.fields(section):
        value = getattr(section, entry.name)
        if not dataclasses.is_dataclass(value):
            cells = (f"`{prefix}{entry.name}`", _values(hints[entry.name]), f"`{_toml(value)}`", texts[entry.name])
            lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines) + "\n"


def _values(hint: Any) -> str:
    """Say in words what a type hint allows."""
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return ", ".join(f"`{choice}`" for choice in typing.get_args(hint))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_values(part) for part in typing.get_args(hint))
    if origin is tuple:
        return f"list of {_TYPES[typing.get_args(hint)[0]]}s"
    return _TYPES.get(hint, getattr(hint, "__name__", str(hint)))


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_toml, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
