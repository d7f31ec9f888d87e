"""The two streams: results on stdout, everything else on stderr.

rich is imported at the first styled output, so a command that prints one JSON line does not load it. Neither
console reads markup: what stands in a name is shown.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from aaecli.text import for_json, for_lines, for_rich, for_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TextIO

    from rich.console import Console
    from rich.segment import Segment
    from rich.text import Text

    from aaecli.errors import AaeError

_WIDE = 1000
_DEFAULT_COLUMNS = 80
_NARROWEST = 20
_NO_BREAK = "\x00"
_SENTENCE = 2000
"""Most characters of a sentence on stderr; the names in it are shorter, each in its place."""
_COMMAND = 8000
"""Most characters of a hint: a command with long paths must be whole, or it does not work when typed."""


@cache
def out() -> Console:
    """The console for results."""
    # A terminal gets what it has room for, a file or another program every line and column whole.
    is_terminal = sys.stdout.isatty()
    return _screen()(highlight=False, soft_wrap=not is_terminal, width=None if is_terminal else _WIDE, **_plainly())


@cache
def err() -> Console:
    """The console for messages, progress and errors."""
    # FORCE_COLOR requests colours in a log. A log is no terminal all the same: frames cannot replace each other there.
    is_live = sys.stderr.isatty() and not _is_dumb()
    soft = not sys.stderr.isatty()
    return _screen()(stderr=True, highlight=False, soft_wrap=soft, force_interactive=is_live, **_plainly())


def _plainly() -> dict[str, Any]:
    # rich takes a dumb terminal for 80 columns, whatever COLUMNS says, unless it gets the height.
    return {"markup": False, "emoji": False, "height": 25 if _is_dumb() else None}


@cache
def _screen() -> type[Console]:
    """Make the class of both consoles, once rich is wanted."""
    from rich.console import Console

    class Screen(Console):
        def render_str(self, text: str, *args: Any, **options: Any) -> Text:
            # The last line of defence, for a string in a table that nobody has escaped.
            return super().render_str(for_lines(text), *args, **options)

        def render(self, *args: Any, **options: Any) -> Iterable[Segment]:
            found = super().render(*args, **options)
            return found if self.is_terminal else _without_trailing_spaces(found)

        def on_broken_pipe(self) -> None:
            # rich would end the program with 1. Work goes on without listeners; results without a reader do not: what
            # is being handled where this is called is raised again.
            if not self.stderr:
                raise
            self.quiet = True

    return Screen


def _without_trailing_spaces(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Leave out the spaces before the end of a line, with which rich fills the columns of a table."""
    spaces: list[Segment] = []
    for segment in segments:
        text = segment.text.rstrip(" ")
        if text:
            if not text.startswith("\n"):
                yield from spaces
            spaces.clear()
            yield segment._replace(text=text)
        if rest := segment.text[len(text) :]:
            spaces.append(segment._replace(text=rest))
    yield from spaces


def is_live() -> bool:
    """Return whether stderr is a terminal on which a frame can replace the previous one."""
    return err().is_terminal and err().is_interactive and not err().is_dumb_terminal


def has_colour(stream: TextIO) -> bool:
    """Return whether a stream supports colours: a terminal that is not dumb, unless NO_COLOR or FORCE_COLOR is set."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and not _is_dumb())


def has_blocks(stream: TextIO) -> bool:
    """Return whether the encoding of a stream has the block characters."""
    try:
        "▀▚█".encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_dumb() -> bool:
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")


def put(line: str) -> None:
    """Print one line of results, such as the path of a file that was written, whole."""
    sys.stdout.write(for_terminal(line, None) + "\n")


def put_fact(line: str | Text, indent: int) -> None:
    """Print a title and what belongs to it: on a terminal, what does not fit on the line goes on below its beginning.

    Args:
        line: The line, its names escaped.
        indent: Columns of the title, the space after it included.
    """
    from rich.text import Text

    line = Text(line) if isinstance(line, str) else line
    if sys.stdout.isatty():
        rest = line[indent:].wrap(out(), max(out().width - indent, _NARROWEST))
        for below in rest[1:]:
            below.rstrip()
        line = Text.assemble(line[:indent], Text("\n" + " " * indent).join(rest))
    out().print(line)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object on one line of stdout: stable keys, no colour, exact values that no terminal obeys."""
    line = for_json(value)
    if not line.isascii():
        try:
            line.encode(sys.stdout.encoding or "utf-8")
        except UnicodeEncodeError:
            line = for_json(value, ascii_only=True)
    sys.stdout.write(line + "\n")


def say(message: str) -> None:
    """Print a message on stderr: one line, or wrapped lines on a terminal.

    If stderr is closed, full, or has no reader, the message is dropped and the work continues.
    """
    with suppress(OSError):
        sys.stderr.write(_wrapped(for_terminal(message, _COMMAND)) + "\n")
        sys.stderr.flush()


def report(error: AaeError) -> None:
    """Print an error as one sentence and, below it, its hint."""
    from rich.text import Text

    with suppress(OSError):
        for word, style, text, limit in (
            ("error:", "bold red", error.message, _SENTENCE),
            ("hint:", "cyan", error.hint, _COMMAND),
        ):
            if text:
                said = _wrapped(f"{word} {for_terminal(text, limit)}")
                err().print(Text.assemble((word, style), said.removeprefix(word)), soft_wrap=True)


def _wrapped(text: str) -> str:
    """Break a sentence at words where stderr is a terminal.

    A command in backticks stays whole: what is wider than the terminal is folded there, and can still be copied.
    """
    if not sys.stderr.isatty():
        return text
    import re
    import textwrap

    # NUL, which no text holds any more, is no place for a break.
    kept = re.sub(r"`[^`]*`", lambda command: command[0].replace(" ", _NO_BREAK), text)
    lines = textwrap.wrap(kept, _columns(), break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(_NO_BREAK, " ")


def _columns() -> int:
    """Width of the terminal that stderr is."""
    named = os.environ.get("COLUMNS", "")
    if named.isdecimal() and int(named) > 0:
        return int(named)
    with suppress(OSError, ValueError):
        return os.get_terminal_size(sys.stderr.fileno()).columns or _DEFAULT_COLUMNS
    return _DEFAULT_COLUMNS


@contextmanager
def status(message: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show progress on stderr, if it is a terminal; yields a function that sets the text.

    What is printed meanwhile must go to stderr, by `say`: on a terminal it appears above.
    """
    if quiet or not is_live():
        yield lambda text: None
        return
    from rich.live import Live
    from rich.spinner import Spinner

    spinner = Spinner("dots", for_rich(message), style="status.spinner")
    # Results are no frames: they go to stdout, whatever is on stderr.
    with Live(spinner, console=err(), transient=True, refresh_per_second=12.5, redirect_stdout=False):
        yield lambda text: spinner.update(text=for_rich(f"{message}, {text}"))
