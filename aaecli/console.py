"""The two streams: results on stdout, everything else on stderr.

rich is imported when something is first drawn, so a command that prints one JSON line never pays for it.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from aaecli.errors import AaeError

_WIDE = 1000
# Made once: with ten thousand lines the making of an encoder would be half the time.
_JSON = json.JSONEncoder(ensure_ascii=False)


@cache
def out() -> Console:
    """The console that results go to."""
    from rich.console import Console

    # A terminal gets what it has room for, a file or another program every line and column whole.
    is_terminal = sys.stdout.isatty()
    return Console(highlight=False, soft_wrap=not is_terminal, width=None if is_terminal else _WIDE)


@cache
def err() -> Console:
    """The console that talk, progress and errors go to."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object on one line of stdout: stable keys, no colour."""
    line = _JSON.encode(value)
    if not line.isascii():
        try:
            line.encode(sys.stdout.encoding or "utf-8")
        except UnicodeEncodeError:
            # A name that is no text (Linux allows it), or a terminal that cannot show it.
            line = json.dumps(value)
    sys.stdout.write(line + "\n")


def printable(text: str) -> str:
    """Escape what a terminal would obey or cannot show, such as colour codes in the name of a stranger's file."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else letter.encode("unicode_escape").decode()
        for letter in text
    )


def say(message: str) -> None:
    """Tell the user something that is not the result. Rich markup is not read."""
    sys.stderr.write(printable(message) + "\n")
    sys.stderr.flush()


def report(error: AaeError) -> None:
    """Print an error as one sentence and, below it, its hint."""
    from rich.text import Text

    for word, style, text in (("error:", "bold red", error.message), ("hint:", "cyan", error.hint)):
        if text:
            err().print(Text.assemble((word, style), " ", printable(text)))


@contextmanager
def status(message: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show on stderr that something is going on, where stderr is a terminal; gives a function that says what."""
    if quiet or not err().is_terminal:
        yield lambda text: None
        return
    with err().status(printable(message)) as spinner:
        yield lambda text: spinner.update(printable(f"{message}, {text}"))
