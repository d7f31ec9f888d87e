"""Where settings come from: presets, files and flags, merged into one configuration.

Order of precedence: the defaults < ``--preset NAME`` < ``--config FILE.toml`` < ``AAECLI_*`` variables < flags.
"""

from __future__ import annotations

import copy
import re
import textwrap
import tomllib
import typing
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from aaecli.config.docstrings import attributes
from aaecli.config.effective import acting_table, refuse_inert
from aaecli.config.models import FAMILY
from aaecli.config.network import Network
from aaecli.config.schema import Config, from_table, to_table
from aaecli.errors import AaeError, did_you_mean
from aaecli.files.opening import read_text

MAX_TOML_BYTES = 2**16
"""Largest file of settings that is read."""
_MAX_TOML_DOTS = 200
_TOML_HINT = "`aaecli train --print-config > my.toml` makes a valid one."


def to_toml(config: Config, *, only_acting: bool = False) -> str:
    """Write the configuration as TOML that ``--config`` reads back to the same settings.

    Args:
        config: The settings.
        only_acting: Leave out those that have no effect beside the others.
    """
    import tomli_w

    return tomli_w.dumps(acting_table(config) if only_acting else to_table(config))


def explained(config: Config) -> str:
    """Write the settings that act with a comment above each key, which says what it does."""
    section: Any = config
    lines: list[str] = []
    for line in to_toml(config, only_acting=True).splitlines():
        if header := re.fullmatch(r"\[([\w.]+)\]", line):
            *above, last = header[1].split(".")
            section = _inner(config, above)
            lines += [*_comment(_texts(section)[last]), line]
            section = _inner(section, [last])
        else:
            if key := re.match(r"(\w+) = ", line):
                lines += _comment(_texts(section)[key[1]] + _choices(section, key[1]))
            lines.append(line)
    return "\n".join(lines) + "\n"


def _inner(section: Any, names: list[str]) -> Any:
    """Give the section within another that a path leads to."""
    for name in names:
        section = section.sections()[name] if hasattr(section, "sections") else getattr(section, name)
    return section


def _texts(section: Any) -> dict[str, str]:
    """Say what each key of a section means."""
    texts: dict[str, str] = section.texts() if hasattr(section, "texts") else attributes(type(section))
    return texts


def _choices(section: Any, name: str) -> str:
    """Name the choices of a setting, where its text does not."""
    hint = typing.get_type_hints(type(section)).get(name)
    choices = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
    text = _texts(section)[name]
    return "" if all(str(choice) in text for choice in choices) else f" One of {', '.join(map(str, choices))}."


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def preset_names() -> list[str]:
    """Name the presets that ship with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in _preset_files())


def resolve(
    *,
    preset: str | None = None,
    config_file: Path | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Config:
    """Merge preset, file and flags into one configuration, later ones first.

    Args:
        preset: Name of a preset. Where None: that of the file, else the one that suits the model.
        config_file: A TOML file with any of the settings.
        flags: Nested tables of what the command line set.

    Raises:
        AaeError: The preset, a key or a value is wrong, the file cannot be read, or what it or a flag sets has no
            effect beside the other settings. Of a preset, which is for every model, such settings are let be.
    """
    from_file = read_toml(config_file) if config_file else {}
    flags = flags or {}
    model = flags.get("model", from_file.get("model", Config.model))
    name = preset or from_file.get("preset") or ("tutorial" if model == "baseline" else Config.preset)
    table = _read_preset(str(name))
    # The model is checked further down, with everything else.
    overrides = table.pop("for", {}).get(str(model), {})
    own = {"labels": FAMILY[str(model)].default_labels} if str(model) in FAMILY else {}
    below: dict[str, Any] = {}
    for layer in (own, table, overrides):
        _merge(below, layer)
    merged = copy.deepcopy(below)
    for layer in (from_file, flags, {"preset": name}):
        _merge(merged, layer)
    config = from_table(merged)
    refuse_inert(config, _changes(from_file, to_table(_whole(below, config))))
    refuse_inert(config, flags)
    return config


def _whole(below: Mapping[str, Any], config: Config) -> Config:
    """Give what presets and defaults would come to without the user, as far as that is valid."""
    try:
        return from_table({**below, "model": config.model, "preset": config.preset})
    except AaeError:
        return Config(model=config.model, labels=config.labels)


def _changes(file: Mapping[str, Any], below: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings of a file that differ from what stands without it: a file may repeat its preset."""
    found: dict[str, Any] = {}
    for key, value in file.items():
        known = below.get(key)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            found |= {key: part} if (part := _changes(value, known)) else {}
        elif value != known:
            found[key] = value
    return found


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        AaeError: The file cannot be read or is not TOML.
    """
    text = read_text(path, MAX_TOML_BYTES, hint=_TOML_HINT)
    try:
        # The time that tomllib takes for `a.a.a.a… = 1` grows with the square of its length, to minutes.
        if any(line.count(".") > _MAX_TOML_DOTS for line in text.splitlines()):
            raise AaeError(f"{path} nests its keys deeper than any settings.", _TOML_HINT)
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Besides its own error, which is a ValueError, tomllib lets through those of
        # numbers with thousands of digits and of lists nested without end.
        reason = str(error).rstrip(".").replace("\n", " ")
        raise AaeError(f"{path} is not valid TOML: {reason}.", _TOML_HINT) from error


def _preset_files() -> Iterator[Any]:
    return (entry for entry in (resources.files("aaecli.config") / "presets").iterdir() if entry.name.endswith(".toml"))


def _read_preset(name: str) -> dict[str, Any]:
    """Read a preset; one that ``extends`` another holds only what it does differently."""
    for entry in _preset_files():
        if entry.name == f"{name}.toml":
            table = tomllib.loads(entry.read_text(encoding="utf-8"))
            if "extends" in table:
                whole = _read_preset(table.pop("extends"))
                _merge(whole, table)
                return whole
            return table
    raise AaeError(f"There is no preset '{name}'.", did_you_mean(name, preset_names()))


def _merge(into: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for part in ("encoder", "decoder"):
        # What a lower layer set of another kind of network says nothing of this one.
        if part in layer and layer[part] != into.get(part, getattr(Network, part)):
            into.pop(f"{part}_options", None)
    for key, value in layer.items():
        if isinstance(value, Mapping) and isinstance(into.get(key, {}), dict):
            _merge(into.setdefault(key, {}), value)
        else:
            # A number of steps replaces a number of epochs that a lower layer set, and the other way round. A layer
            # that sets both contradicts itself: both stay, for Schedule to refuse.
            other = {"steps": "epochs", "epochs": "steps"}.get(key)
            if other and value and not layer.get(other):
                into |= {other: 0, "min_labelled_epochs": layer.get("min_labelled_epochs", 0)}
            into[key] = value
