"""TOML files of settings, which may be a stranger's."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from aaecli.errors import AaeError
from aaecli.files.opening import read_text

MAX_TOML_BYTES = 2**16
"""Largest file of settings that is read."""
_MAX_TOML_DOTS = 200
_HINT = "`aaecli train --print-config > my.toml` makes a valid one."


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        AaeError: The file cannot be read or is not TOML.
    """
    text = read_text(path, MAX_TOML_BYTES, hint=_HINT)
    try:
        # The time that tomllib takes for `a.a.a.a… = 1` grows with the square of its length, to minutes.
        if any(line.count(".") > _MAX_TOML_DOTS for line in text.splitlines()):
            raise AaeError(f"{path} nests its keys deeper than any settings.", _HINT)
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error).rstrip(".").replace("\n", " ")
        raise AaeError(f"{path} is not valid TOML: {reason}.", _HINT) from error
    except (ValueError, RecursionError) as error:
        reason = "it has a number of thousands of digits, or lists nested without end"
        raise AaeError(f"{path} is not valid TOML: {reason}.", _HINT) from error
