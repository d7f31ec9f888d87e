"""The package's own source, read and parsed once for all tests that hold it to a rule."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import aaecli

ROOT = Path(aaecli.__file__).parent


@cache
def modules() -> dict[str, str]:
    """Give the text of each module by its path below the package: ``data/split.py``."""
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.py"))}


@cache
def nodes(text: str) -> tuple[ast.AST, ...]:
    """Give the nodes of a source's syntax tree as ``ast.walk`` does, the tree itself first."""
    return tuple(ast.walk(ast.parse(text)))
