"""Running the command line as the console script does, in this process."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from rich.console import Console

from aaecli.cli import main
from aaecli.terminal import console


@dataclass(frozen=True)
class Outcome:
    """How a command ended: exit code and what stood in the two streams."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def aaecli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a function that runs ``aaecli WORDS…`` and returns its outcome.

    The streams are those of the process, so that what a library prints past Python is seen too.
    """
    of_the_tests = ("AAECLI_CACHE", "AAECLI_FIGURES")
    for name in [name for name in os.environ if name.startswith("AAECLI_") and name not in of_the_tests]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TERM", "dumb")
    # What rich and typer draw without a terminal is otherwise as wide as the one that the tests run in.
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words: object) -> Outcome:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        streams = capfd.readouterr()
        return Outcome(int(ended.value.code or 0), streams.out, streams.err)

    return run


@pytest.fixture
def figures_are_coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw figures with few pixels and without a layout, which is most of what they take."""
    from aaecli.figures import style

    monkeypatch.setitem(style._STYLE, "savefig.dpi", 25)
    monkeypatch.setitem(style._STYLE, "figure.constrained_layout.use", False)


@pytest.fixture
def no_figure_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the figure of each benchmark, which takes longer than its runs."""
    monkeypatch.setattr("aaecli.figures.style.encode", lambda *_: b"a figure")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Make stderr a terminal for what rich draws on it, and give what is written there."""
    written = io.StringIO()
    # Whatever the tests themselves run in.
    environment = {"TERM": "xterm-256color"}
    screen = Console(file=written, force_terminal=True, width=100, highlight=False, _environ=environment)
    monkeypatch.setattr(console, "err", lambda: screen)
    return written
