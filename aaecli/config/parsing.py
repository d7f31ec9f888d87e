"""Dataclasses out of the nested tables that TOML files and checkpoints hold, with every key and type checked."""

from __future__ import annotations

import dataclasses
import functools
import math
import reprlib
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from aaecli.errors import AaeError, did_you_mean

_Section = TypeVar("_Section")
_HINT = "`aaecli train --print-config` shows every setting."
_TYPE_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def require(holds: bool, key: str, rule: str, value: object) -> None:
    """Refuse a value that breaks a rule.

    Raises:
        AaeError: ``holds`` is false.
    """
    if not holds:
        shown = shortly(value)
        raise AaeError(f"{key} must be {rule}, not {shown}.", _HINT)


def shortly(value: object) -> str:
    """Spell a value in a sentence, however large it is: Python spells no number of thousands of digits."""
    if type(value) is int and value.bit_length() > 10_000:
        return "a number of thousands of digits"
    try:
        return reprlib.repr(value)
    except ValueError:
        return f"a {type(value).__name__} with numbers of thousands of digits"


def table_of(section: Any) -> dict[str, Any]:
    """Give a section as nested plain tables, with lists in place of tuples: what TOML and a checkpoint hold."""
    if hasattr(section, "to_table"):
        table: dict[str, Any] = section.to_table()
        return table
    return {entry.name: plain(getattr(section, entry.name)) for entry in dataclasses.fields(section)}


def plain(value: Any) -> Any:
    """Turn nested tuples into lists and sections into tables."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if dataclasses.is_dataclass(value):
        return table_of(value)
    return list(value) if isinstance(value, tuple) else value


def build(section: type[_Section], table: Mapping[str, Any], prefix: str = "") -> _Section:
    """Build a dataclass, and those within it, out of nested tables.

    Args:
        section: The dataclass.
        table: Its fields; those left out keep their defaults.
        prefix: What stands before a key in messages: ``network.`` for the fields of that section.

    Raises:
        AaeError: It is no table, a key is unknown (the hint names the nearest one), or a value has the wrong type or
            range.
    """
    if (from_table := getattr(section, "from_table", None)) is not None:
        made: _Section = from_table(table, prefix)
        return made
    require_table(table, prefix)
    return section(**fields_of(section, table, prefix))


def type_hints(section: type) -> Mapping[str, Any]:
    """Give the types of a dataclass's fields, which Python would evaluate anew for each table."""
    return _evaluated(section)


@functools.cache
def _evaluated(section: type) -> Mapping[str, Any]:
    return types.MappingProxyType(typing.get_type_hints(section))


def fields_of(section: type, table: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Give the values of a dataclass's fields out of nested tables.

    Raises:
        AaeError: A key is unknown (the hint names the nearest one), or a value has the wrong type or range.
    """
    hints = type_hints(section)
    values = {}
    for key, value in table.items():
        if key not in hints:
            section_name = next((name for name, kind in hints.items() if key in _keys(kind)), None)
            hint = f"It stands under [{section_name}]." if section_name else did_you_mean(str(key), hints)
            raise AaeError(f"There is no setting '{prefix}{key}'.", hint)
        values[key] = convert(value, hints[key], prefix + key)
    return values


def _keys(kind: Any) -> Mapping[str, Any]:
    """Give the keys of a section; of what is none, nothing."""
    return type_hints(kind) if isinstance(kind, type) and dataclasses.is_dataclass(kind) else {}


def require_table(table: Any, prefix: str) -> None:
    """Refuse what is no table.

    Raises:
        AaeError: It is none.
    """
    require(isinstance(table, Mapping), prefix.rstrip(".") or "what settings stand in", "a table", table)


def build_options(options: type[_Section], table: Any, prefix: str) -> _Section:
    """Build the options of an entry of a registry, whose own checks know nothing of where they stand.

    Raises:
        AaeError: As from ``build``; what the options themselves refuse is told with ``prefix``.
    """
    require_table(table, prefix)
    hints = type_hints(options)
    for key in table:
        if key not in hints:
            raise AaeError(
                f"There is no setting '{prefix}{key}'.",
                did_you_mean(str(key), hints) if hints else "There are none: leave it out.",
            )
    values = {key: convert(value, hints[key], prefix + key) for key, value in table.items()}
    try:
        return options(**values)
    except AaeError as error:
        raise AaeError(prefix + error.message, error.hint) from error
    except ValueError as error:
        raise AaeError(f"{prefix.rstrip('.')}: {str(error).rstrip('.')}.", _HINT) from error


def is_convertible(hint: Any) -> bool:
    """Tell whether ``convert`` knows a type: a plain one, a literal, or a tuple of any length of one of them."""
    if typing.get_origin(hint) is tuple:
        entry, *rest = typing.get_args(hint)
        return rest == [...] and is_convertible(entry)
    return hint in _TYPE_NAMES or typing.get_origin(hint) is Literal


def convert(value: Any, hint: Any, key: str) -> Any:
    """Check a value against a type hint: a dataclass, a literal, a union, a tuple of integers or a plain type."""
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, key + ".")
    if origin is types.UnionType or origin is typing.Union:
        plain, literal = typing.get_args(hint)
        choices = typing.get_args(literal) or (None,)
        if plain is float and type(value) is int:
            value = float(value)
        require(type(value) is plain or value in choices, key, f"{_TYPE_NAMES[plain]} or '{choices[0]}'", value)
        return value
    if origin is Literal:
        choices = typing.get_args(hint)
        if value not in choices:
            raise AaeError(f"{key} cannot be {shortly(value)}.", did_you_mean(shortly(value), choices))
        return value
    if origin is tuple:
        require(isinstance(value, list | tuple), key, "a list", value)
        return tuple(convert(entry, typing.get_args(hint)[0], key) for entry in value)
    if hint is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    # TOML knows inf and nan, which would pass for a weight or a rate until a loss is no number any more.
    holds = type(value) is hint and (hint is not float or math.isfinite(value))
    require(holds, key, _TYPE_NAMES[hint], value)
    return value
