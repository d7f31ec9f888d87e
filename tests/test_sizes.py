"""No module over 300 lines, no function over 60: each is read at one sitting, and holds one idea."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.source import modules, nodes

MAX_MODULE, MAX_FUNCTION = 300, 60

EXCEPTIONS = {
    "api/training.py::train": "its arguments are those of the command, one a line",
}
"""What is longer, and why."""


def too_long(name: str, source: str) -> Iterator[str]:
    """Name a module, and each of its functions, that is longer than it may be.

    The declarations of a command line's options and its help are no lines of a function: of it, the body counts.
    """
    if len(source.splitlines()) > MAX_MODULE:
        yield name
    for node in nodes(source):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            is_command = any(
                "command" in ast.unparse(each) or "callback" in ast.unparse(each) for each in node.decorator_list
            )
            first = node.body[1 if is_command and len(node.body) > 1 else 0].lineno if is_command else node.lineno
            if (node.end_lineno or 0) - first + 1 > MAX_FUNCTION:
                yield f"{name}::{node.name}"


def test_nothing_else_is_too_long_and_every_exception_is_needed() -> None:
    assert {name for module, text in modules().items() for name in too_long(module, text)} == set(EXCEPTIONS)


def test_what_is_too_long_is_found() -> None:
    body = "    pass\n" * 60
    assert list(too_long("m", "def f():\n" + body[:-9])) == []
    assert list(too_long("m", "def f():\n" + body)) == ["m::f"]
    assert list(too_long("m", "async def f():\n" + body)) == ["m::f"]
    assert list(too_long("m", '@app.command()\ndef f(\n    a,\n):\n    """Help."""\n' + body)) == []
    assert list(too_long("m", '@app.command()\ndef f():\n    """Help."""\n' + body + "    pass\n")) == ["m::f"]
    assert list(too_long("m", "x = 1\n" * 301)) == ["m"]
