"""Presets: packaged TOML files, those that plug-ins register by name, and the user's own by path.

A preset holds only what it does differently from the one that it ``extends``, by name or by a path from its own
folder::

    extends = "quick"

    [optimiser]
    lr = 0.002

    [for.baseline.optimiser]      # only for this model
    lr = 0.001

A plug-in registers a preset in one line: ``PRESETS.add("mine", Path(__file__).with_name("mine.toml"))``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aaecli.config.augmentation import Augmentation
from aaecli.config.models import FAMILY
from aaecli.config.network import Network
from aaecli.config.parsing import shortly
from aaecli.config.toml_file import read_toml
from aaecli.errors import AaeError, did_you_mean
from aaecli.files.opening import is_file, shown
from aaecli.plugins import Entry, Registry

_FOLDER = Path(__file__).parent / "presets"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", re.ASCII)
_MOST_EXTENDED = 20


def _check(name: str, entry: Entry[Path]) -> None:
    if not isinstance(entry.value, Path) or entry.value.suffix != ".toml":
        raise ValueError("it is no Path of a .toml file")


PRESETS: Registry[Path] = Registry(
    "preset", "aaecli.presets", {path.stem: __name__ for path in sorted(_FOLDER.glob("*.toml"))}, _check
)
"""The packaged presets by name, then those of plug-ins."""
for _path in sorted(_FOLDER.glob("*.toml")):
    PRESETS.add(_path.stem, _path, module=__name__)


def preset_names() -> list[str]:
    """Name the packaged presets."""
    return sorted(PRESETS.packaged)


def is_path(preset: str) -> bool:
    """Tell whether a preset is named by the path of its file, not by the name of a registered one."""
    return preset.endswith(".toml") or "/" in preset or "\\" in preset


def preset_name(preset: str) -> str:
    """Give the name that results, cards and tables call a preset by: of a file its own, without the ending.

    Raises:
        AaeError: The file is called like a packaged preset, or like nothing that can name a run.
    """
    if not is_path(preset):
        return preset
    name = Path(preset).stem
    if name in PRESETS:
        raise AaeError(
            f"{shown(preset)} is called like the preset '{name}', so results would not tell which it was.",
            "Rename the file.",
        )
    if not _NAME.fullmatch(name):
        raise AaeError(
            f"The name of {shown(preset)} cannot name a run.", "Rename it: letters, digits, '_', '.' and '-'."
        )
    return name


def read_preset(preset: str, folder: Path | None = None) -> dict[str, Any]:
    """Read a preset and all that it extends.

    Args:
        preset: Name of a registered one, or the path of a file.
        folder: Where a path begins; the working folder where None.

    Returns:
        The settings, and under ``for`` those of single models.

    Raises:
        AaeError: There is no such preset, a file cannot be read, or presets extend each other in a circle.
    """
    return _read(_find(preset, folder), ())


def _find(preset: str, folder: Path | None) -> Path:
    if is_path(preset):
        return (folder or Path()) / preset
    try:
        return PRESETS[preset]
    except AaeError as error:
        beside = (folder or Path()) / f"{preset}.toml"
        if preset not in PRESETS and _NAME.fullmatch(preset) and is_file(beside):
            raise AaeError(error.message, f"Did you mean the file? Name it by its path: {beside.name}") from error
        raise


def _read(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    resolved = path.resolve()
    if resolved in above or len(above) >= _MOST_EXTENDED:
        chain = " → ".join(shown(step.name) for step in (*above, resolved)[-_MOST_EXTENDED:])
        raise AaeError(f"Presets extend each other in a circle: {chain}.", "Let one of them extend none.")
    table = read_toml(path)
    own = table.get("for", {})
    if not isinstance(own, Mapping) or not all(isinstance(part, Mapping) for part in own.values()):
        raise AaeError(f"{path}: 'for' holds no tables.", "Write [for.MODEL], and the settings of that model below it.")
    for model in own:
        if model not in FAMILY:
            raise AaeError(f"{path} has settings for '{shown(model)}', which is no model.", did_you_mean(model, FAMILY))
    if "extends" not in table:
        return table
    extended = table.pop("extends")
    if not isinstance(extended, str):
        raise AaeError(f"{path}: extends cannot be {shortly(extended)}.", "It is the name or the path of a preset.")
    whole = _read(_find(extended, path.parent), (*above, resolved))
    merge(whole, table)
    return whole


def merge(into: dict[str, Any], layer: Mapping[str, Any], section: str = "") -> None:
    """Put a layer of settings over another: nested tables key by key.

    The name of an augmentation stands for the whole table, which a layer above may change.
    A number of steps replaces a number of epochs that a lower layer set, and the other way round. A layer that sets
    both contradicts itself: both stay, and are refused where they are used.
    """
    for part in ("encoder", "decoder"):
        # What a lower layer set of another kind of network says nothing of this one.
        if part in layer and layer[part] != into.get(part, getattr(Network, part)):
            into.pop(f"{part}_options", None)
    if isinstance(named := into.get("augmentation"), str):
        into["augmentation"] = Augmentation.of_set(named).to_table()
    for key, value in layer.items():
        if key == "augmentation" and isinstance(value, str):
            into[key] = Augmentation.of_set(value).to_table()
        elif isinstance(value, Mapping) and isinstance(into.get(key, {}), dict):
            merge(into.setdefault(key, {}), value, key)
        else:
            other = {"steps": "epochs", "epochs": "steps"}.get(key) if section == "schedule" else None
            if other and value and not layer.get(other):
                into |= {other: 0, "min_labelled_epochs": layer.get("min_labelled_epochs", 0)}
            into[key] = value
