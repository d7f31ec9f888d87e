"""The reference of the settings, out of the sections of the configuration and their docstrings."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from aaecli.config.docstrings import attributes
from aaecli.config.resolve import resolve

_TYPES = {int: "integer", float: "number", str: "text", bool: "true or false"}


def settings() -> str:
    """Write a table for each section of the configuration, one line a key."""
    return "\n".join(_section("", resolve(), ""))


def _section(name: str, section: Any, text: str) -> Iterator[str]:
    """Write a section and those within it."""
    inner, texts = _inner(section), _texts(section)
    prefix = f"{name}." if name else ""
    if name:
        yield f"## `[{name}]`\n\n{_cell(text)}\n"
    rows = [
        f"| `{prefix}{key}` | {_values(section, key, value)} | `{_toml(value)}` | {_cell(texts[key])} |"
        for key, value in _table(section).items()
        if key not in inner
    ]
    if rows:
        yield "\n".join(["| key | values | in `default` | meaning |", "|---|---|---|---|", *rows, ""])
    for key, value in inner.items():
        yield from _section(f"{prefix}{key}", value, texts[key])


def _inner(section: Any) -> dict[str, Any]:
    if hasattr(section, "sections"):
        return dict(section.sections())
    values = {entry.name: getattr(section, entry.name) for entry in dataclasses.fields(section)}
    return {name: value for name, value in values.items() if dataclasses.is_dataclass(value)}


def _texts(section: Any) -> dict[str, str]:
    return section.texts() if hasattr(section, "texts") else attributes(type(section))


def _table(section: Any) -> dict[str, Any]:
    return section.to_table() if hasattr(section, "to_table") else vars(section)


def _values(section: Any, key: str, value: Any) -> str:
    """Say in words what a setting may be."""
    return _kind(typing.get_type_hints(type(section)).get(key, type(value)))


def _kind(hint: Any) -> str:
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return ", ".join(f"`{choice}`" for choice in typing.get_args(hint))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_kind(part) for part in typing.get_args(hint))
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
