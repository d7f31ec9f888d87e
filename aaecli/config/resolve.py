"""Where settings come from: presets, files and flags, merged into one configuration.

Order of precedence: the defaults < ``--preset NAME`` < ``--config FILE.toml`` < ``AAECLI_*`` variables < flags.
"""

from __future__ import annotations

import copy
import re
import textwrap
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aaecli.config.automatic import AUTOMATIC, FINE_TUNE, PRESET
from aaecli.config.docstrings import attributes
from aaecli.config.effective import acting_table, refuse_inert
from aaecli.config.models import FAMILY
from aaecli.config.parsing import type_hints
from aaecli.config.preset import PRESETS, is_path, merge, preset_name, read_preset
from aaecli.config.schema import Config, from_table, to_table
from aaecli.config.toml_file import read_toml
from aaecli.errors import AaeError


def to_toml(config: Config, *, only_acting: bool = False) -> str:
    """Write the configuration as TOML that ``--config`` reads back to the same settings.

    Args:
        config: The settings.
        only_acting: Leave out those that have no effect beside the others.
    """
    import tomli_w

    return tomli_w.dumps(acting_table(config) if only_acting else to_table(config))


def explained(config: Config) -> str:
    """Write the settings that act with a comment above each key, which says what it does.

    Of a preset that is no registered one, those that do not act are written too: what is written then stands by itself,
    where the preset's file may be gone.
    """
    section: Any = config
    lines: list[str] = []
    for line in to_toml(config, only_acting=config.preset in PRESETS).splitlines():
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
    hint = type_hints(type(section)).get(name)
    choices = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
    text = _texts(section)[name]
    return "" if all(str(choice) in text for choice in choices) else f" One of {', '.join(map(str, choices))}."


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def resolve(
    *,
    preset: str | None = None,
    config_file: Path | Mapping[str, Any] | None = None,
    flags: Mapping[str, Any] | None = None,
    adapted: Mapping[str, Any] | None = None,
    start: Mapping[str, Any] | None = None,
) -> Config:
    """Merge preset, file and flags into one configuration, later ones first.

    Args:
        preset: Name of a preset, or the path of its file. Where None: that of the file, else the one that suits the
            model, as for ``auto``. In a file, a path begins at the file's folder.
        config_file: A TOML file with any of the settings, or the tables that it would hold. One that holds all of
            them stands by itself: its preset need not be at hand.
        flags: Nested tables of what the command line set.
        adapted: Nested tables of what the looks of a folder's pictures ask for, above the preset for pictures; with
            them ``auto`` is that preset.
        start: Nested tables of what the model that is started from needs, above the preset; with them ``auto`` is the
            preset for that.

    Raises:
        AaeError: The preset, a key or a value is wrong, the file cannot be read, or what it or a flag sets has no
            effect beside the other settings. Of a preset, which is for every model, such settings are let be.
    """
    from_file = read_toml(config_file) if isinstance(config_file, Path) else copy.deepcopy(dict(config_file or {}))
    flags = flags or {}
    model = flags.get("model", from_file.get("model"))
    named = preset or from_file.get("preset")
    name = str(named or AUTOMATIC)
    if name == AUTOMATIC:
        default = "tutorial" if model == "baseline" else Config.preset
        name = FINE_TUNE if start else default if adapted is None else PRESET
    is_of_file = bool(config_file) and not preset
    folder = config_file.parent if is_of_file and isinstance(config_file, Path) else None
    if is_of_file and not is_path(name) and name not in PRESETS and (whole := _standing_alone(from_file, flags)):
        return whole
    table = read_preset(name, folder)
    # The model is checked further down, with everything else.
    model = str(model or table.get("model", Config.model))
    overrides = table.pop("for", {}).get(model, {})
    own = {"labels": FAMILY[model].default_labels} if model in FAMILY else {}
    below: dict[str, Any] = {}
    for layer in (own, table, overrides, adapted or {}, start or {}):
        merge(below, layer)
    merged = copy.deepcopy(below)
    for layer in (from_file, flags, {"preset": preset_name(name)}):
        merge(merged, layer)
    config = from_table(merged)
    refuse_inert(config, _changes(from_file, to_table(_whole(below, config))))
    refuse_inert(config, flags)
    return config


def _standing_alone(from_file: Mapping[str, Any], flags: Mapping[str, Any]) -> Config | None:
    """Give the settings of a file, and flags, where the file holds all; None where a preset has to fill gaps."""
    merged = copy.deepcopy(dict(from_file))
    merge(merged, flags)
    try:
        whole, config = from_table(from_file), from_table(merged)
    except AaeError:
        return None
    if not _covers(from_file, to_table(whole)):
        return None
    refuse_inert(config, flags)
    return config


def _covers(table: Mapping[str, Any], needed: Mapping[str, Any]) -> bool:
    """Tell whether a table has all keys of another, in nested tables too."""
    return all(
        key in table and (not isinstance(value, Mapping) or not value or _covers(table[key], value))
        for key, value in needed.items()
    )


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
