"""Results on stdout, talk on stderr, and nothing that a stranger's file can do to the terminal."""

from __future__ import annotations

import io
import json
import sys

import pytest
from rich.table import Table

from aaecli.errors import AaeError
from aaecli.terminal import console


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_json_is_one_line_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name": "größe [bold]", "list": [1, 2.5, None], "control": "\x1b[31m"}
    console.print_json(value)
    streams = capsys.readouterr()
    assert streams.err == ""
    assert streams.out.count("\n") == 1
    assert "größe [bold]" in streams.out
    assert "\x1b" not in streams.out
    assert json.loads(streams.out) == value


@pytest.mark.parametrize(("encoding", "name"), [("ascii", "größe"), ("utf-8", "no text: \udc80"), ("cp1252", "数")])
def test_json_survives_names_that_the_stream_cannot_spell(
    monkeypatch: pytest.MonkeyPatch, encoding: str, name: str
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
    console.print_json({"name": name})
    sys.stdout.flush()
    assert json.loads(raw.getvalue().decode(encoding)) == {"name": name}


def test_no_line_of_a_table_in_a_pipe_ends_with_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name", "number", box=None)
    table.add_row("a  b", "1")
    table.add_row("x", "")
    console.out().print(table)
    console.out().print("  a  ", "b")
    assert capsys.readouterr().out.splitlines() == [" name  number", " a  b  1", " x", "  a   b"]


def test_talk_goes_to_stderr_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("Saved [bold]this[/bold] in a/b.")
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err == "Saved [bold]this[/bold] in a/b.\n"


def test_an_error_is_a_sentence_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    console.report(AaeError("There is no [file] " + "x" * 200 + ".", "Look elsewhere."))
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err == "error: There is no [file] " + "x" * 200 + ".\nhint: Look elsewhere.\n"


def test_an_error_without_a_hint_has_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.report(AaeError("It is gone."))
    assert capsys.readouterr().err == "error: It is gone.\n"


def test_an_error_on_a_terminal_wraps_at_words(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    # A dumb terminal has no colours, and 80 columns.
    monkeypatch.setenv("TERM", "dumb")
    console.report(AaeError("word " * 20))
    lines = terminal.getvalue().splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 80 for line in lines)
    assert {word for line in lines for word in line.split()} == {"error:", "word"}


@pytest.mark.parametrize("letter", ["\x1b", "\x07", "\r", "\x9b", "\u202e", "\udc80"])
def test_control_characters_of_strangers_are_shown_and_not_obeyed(
    capsys: pytest.CaptureFixture[str], letter: str
) -> None:
    console.say(f"a{letter}b")
    console.report(AaeError(f"a{letter}b", f"c{letter}d"))
    text = capsys.readouterr().err
    assert letter not in text
    assert text.count("\\") == 3


def test_a_table_is_whole_off_the_terminal_and_fits_on_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def table() -> Table:
        wide = Table()
        wide.add_row(*("x" * 50 for _ in range(4)))
        return wide

    monkeypatch.setenv("TERM", "dumb")
    console.out().print(table())
    assert capsys.readouterr().out.count("x" * 50) == 4

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    console.out.cache_clear()
    console.out().print(table())
    assert max(len(line) for line in terminal.getvalue().splitlines()) <= 80


def test_results_go_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    console.out().print("result")
    streams = capsys.readouterr()
    assert (streams.out, streams.err) == ("result\n", "")


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_what_does_not_fit_beside_its_title_goes_on_below_it(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)
    said = "accuracy   98.54%  (95 % interval 98.29% to 98.76%)"
    for stream, shown in (
        (Terminal(), "accuracy   98.54%  (95 % interval 98.29%\n           to 98.76%)\n"),
        (io.StringIO(), f"{said}\n"),
    ):
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setenv("COLUMNS", "40")
        console.out.cache_clear()
        console.put_fact(said, 11)
        assert stream.getvalue() == shown
    console.out.cache_clear()
