"""The model that a training starts from: where it is, and which settings its weights need. Without torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aaecli.checkpoint.container import describe
from aaecli.config.resolve import resolve
from aaecli.config.schema import Config
from aaecli.config.toml_file import read_toml
from aaecli.data.loading import find_reader
from aaecli.errors import AaeError
from aaecli.files.opening import exists, is_file, is_folder, open_regular
from aaecli.runs.paths import NEWEST_MODEL, STATE, released_folders

RELEASED = "released"
"""The name of the model that comes with the package."""
_HINT = f"--start takes '{RELEASED}', a model.pt, or the folder of a run."
_MAX_SIZE = 64
"""Largest side that pictures are brought to."""


def find_start(name: str) -> Path:
    """Find the file of a model by what ``start.model`` calls it.

    Raises:
        AaeError: There is none.
    """
    path = Path(name)
    if name == RELEASED:
        for folder in released_folders():
            if is_file(folder / NEWEST_MODEL.name):
                return folder / NEWEST_MODEL.name
        raise AaeError("This installation has no released model to start from.", "Install aaecli again.")
    if is_folder(path):
        for file in (NEWEST_MODEL.name, STATE):
            if is_file(path / file):
                return path / file
        raise AaeError(f"There is no model in {path}.", _HINT)
    if path.suffix == ".onnx" and exists(path):
        raise AaeError(f"{path} is an export, which cannot be trained.", "Name the model.pt that it was exported from.")
    if not exists(path):
        raise AaeError(f"There is no model {path}.", _HINT)
    return path


def file_sha256(path: Path) -> str:
    """Give the SHA-256 of a file, in hexadecimal.

    Raises:
        AaeError: It cannot be read.
    """
    with open_regular(path) as file:
        try:
            return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise AaeError(f"{path} cannot be read: {error.strerror}.", _HINT) from error


def settings_of_start(name: str, data: str) -> dict[str, Any]:
    """Give the settings that the weights of a model need, as nested tables: networks, style prior and image form.

    Args:
        name: As in ``start.model``.
        data: The data set that is learnt from: of its images, only what its format leaves open is set.

    Raises:
        AaeError: There is no such model, or its file is refused.
    """
    path = find_start(name)
    content = describe(path, "any")
    config, shape = content.get("config"), content.get("image_shape")
    found = [config.get(key) for key in ("network", "prior", "image")] if isinstance(config, Mapping) else []
    tables = [dict(table) for table in found if isinstance(table, Mapping)]
    if len(tables) < 3 or not isinstance(shape, list) or len(shape) not in (2, 3):
        raise AaeError(f"{path} is damaged: it has no settings.", "Copy or train it again.")
    network, prior, image = tables
    channels, height, width = (1, *shape)[-3:]
    wanted = {"channels": channels, "normalise": image.get("normalise", "auto")}
    if height == width and type(height) is int and height <= _MAX_SIZE:
        wanted["size"] = height
    reader = find_reader(data)
    open_settings = {"normalise"} | (reader[1].settings if reader is not None else set())
    return {
        "network": network,
        "prior": {key: prior[key] for key in ("style", "style_std") if key in prior},
        "image": {key: value for key, value in wanted.items() if key in open_settings},
        "start": {"sha256": file_sha256(path)},
    }


def resolve_with_start(
    *,
    preset: str | None,
    config_file: Path | Mapping[str, Any] | None,
    flags: Mapping[str, Any],
    adapted: Mapping[str, Any] | None = None,
) -> Config:
    """Resolve settings as ``aaecli.config.resolve.resolve`` does, with those that a start needs.

    Raises:
        AaeError: As from ``resolve`` and ``settings_of_start``.
    """
    file = read_toml(config_file) if isinstance(config_file, Path) else config_file or {}
    named, data = _named(flags, file, "start", "model"), _named(flags, file, "data")
    start = settings_of_start(named, data) if named else None
    if start and "start" in flags:
        # The file of settings may hold the SHA-256 of another one.
        flags = {**flags, "start": {**start["start"], **flags["start"]}}
    return resolve(preset=preset, config_file=config_file, flags=flags, adapted=adapted, start=start)


def _named(flags: Mapping[str, Any], file: Mapping[str, Any], *keys: str) -> str:
    """Give a text of the flags, else of the file of settings; empty where neither has it."""
    for table in (flags, file):
        value: Any = table
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, str):
            return value
    return ""
