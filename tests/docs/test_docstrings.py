"""Docstrings and comments use the field's standard words, as the documentation does, in the rooms listed here."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import aaecli
from tests.docs.test_words import found_in

ROOT = Path(aaecli.__file__).parent
ROOMS = ("checkpoint", "figures", "files", "runs", "terminal", "text.py", "data/split.py", "data/picture_cache.py")
MODULES = [path for room in ROOMS for path in sorted(ROOT.glob(room if room.endswith(".py") else f"{room}/*.py"))]


def texts(source: str) -> Iterator[str]:
    """Give the docstrings and comments of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_use_standard_words(path: Path) -> None:
    # What is between backticks, and the name of an attribute before its text, is code.
    prose = re.sub(r"`[^`\n]+`|^ +\w+: ", "…", "\n".join(texts(path.read_text(encoding="utf-8"))), flags=re.MULTILINE)
    assert found_in(" ".join(prose.split())) == []


def test_docstrings_and_comments_are_found() -> None:
    assert list(texts('"""One."""\nx = 1  # two\ny = 2\n"""Three."""\n')) == ["One.", "Three.", "# two"]
