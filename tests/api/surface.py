"""The public surface as text: names, signatures, attributes. Written anew by ``python -m tests.api.surface``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import aaecli

FILE = Path(__file__).with_suffix(".txt")


def lines() -> Iterator[str]:
    """Give a line for each name, and for each public member of a class."""
    for name in sorted(aaecli.__all__):
        value = getattr(aaecli, name)
        if not isinstance(value, type):
            yield f"{name}{inspect.signature(value)}"
            continue
        bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        # How Python spells the types of a tuple's fields differs from version to version.
        yield f"class {name}({bases}): {'' if hasattr(value, '_fields') else signature(value)}".rstrip()
        fields = getattr(value, "_fields", None) or getattr(value, "__dataclass_fields__", {})
        yield from (f"    {name}.{field}" for field in fields if not field.startswith("_"))
        for member, inner in sorted(vars(value).items()):
            # `set_score_request` and its like are made by scikit-learn.
            is_made = member.startswith("set_") and member.endswith("_request")
            if member in fields or is_made or (member.startswith("_") and member != "__call__"):
                continue
            yield f"    {name}.{member}{signature(inner) if callable(inner) else ''}"


def signature(value: object) -> str:
    """Give a signature as the source spells it."""
    try:
        return str(inspect.signature(value))  # type: ignore[arg-type]
    except ValueError:
        return "(...)"


def text() -> str:
    """Give the whole surface."""
    return "\n".join(lines()) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
