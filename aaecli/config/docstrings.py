"""What the attributes of a dataclass mean, read off its docstring: written once, shown wherever settings are."""

from __future__ import annotations

import inspect
import re

_NAMED = re.compile(r"    (\w+): (.*)")


def attributes(section: type) -> dict[str, str]:
    """Give the text about each attribute in the ``Attributes:`` of a Google docstring, on one line, without marks."""
    found: dict[str, str] = {}
    name = ""
    _, _, listed = inspect.cleandoc(section.__doc__ or "").partition("\nAttributes:\n")
    for line in listed.split("\n"):
        if begins := _NAMED.fullmatch(line):
            name = begins[1]
            found[name] = begins[2]
        elif name and line.startswith(" " * 8):
            found[name] += f" {line.strip()}"
        elif line and not line.startswith(" "):
            break
    return {name: text.replace("``", "") for name, text in found.items()}
