"""Suggested commands are typed as they stand: a shell reads the very words, and no hint names what is not there."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from aaecli.cli import COMMANDS
from aaecli.suggestions import suggest, suggest_aaecli
from tests.source import modules, nodes

WORDS = ["a", "my clothes", "it's", "$(rm -rf x)", "`x`", "a\\b", "größe", "!x", "~", "*", "", "#a", "a;b"]
PLACEHOLDERS = {"RUN": "x", "N": "7"}


@pytest.mark.skipif(sys.platform == "win32", reason="the shell of POSIX")
@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=8) | st.sampled_from(WORDS), min_size=1))
@settings(max_examples=25)
def test_a_shell_reads_the_same_words(words: list[str]) -> None:
    try:
        expected = [word.encode() for word in words]
    except UnicodeEncodeError:
        return
    line = suggest("printf", r"%s\0", *words)
    assert line.isprintable()
    given = subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout
    assert given.split(b"\0")[:-1] == expected


def test_what_needs_no_quotes_has_none() -> None:
    assert suggest("aaecli", "train", "--data", Path("a/b-c.d_e"), "--labels", "7") == (
        "aaecli train --data a/b-c.d_e --labels 7"
    )


def test_a_path_is_no_option() -> None:
    assert suggest_aaecli("train", "--data", Path("-x")) == "`aaecli train --data ./-x`"


def test_bytes_that_are_no_text_are_kept() -> None:
    assert suggest("a", Path("\udcff b\x1b'")) == r"a $'\xff b\x1b\''"


def test_windows_has_quotes_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.name", "nt")
    assert suggest("aaecli", "eval", "my model.pt") == 'aaecli eval "my model.pt"'


def parse(command: str) -> None:
    """Let the program's own parser read a command; nothing is run."""
    words = shlex.split(command, comments=True)
    assert words[0] == "aaecli", command
    if words[1] == "--plugin":  # goes before any command
        del words[1:3]
    if words[1:] == ["COMMAND"]:
        return
    assert words[1] in COMMANDS, command
    parser = typer.main.get_command(importlib.import_module(f"aaecli.cli.{words[1]}").app)
    rest = words[2:]
    inner = getattr(parser, "commands", {})
    if place := next((place for place, word in enumerate(rest, 1) if word in inner), 0):
        # What stands before the inner command is the outer one's.
        known = {name for parameter in parser.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in rest[: place - 1] if word.startswith("--")} <= known, command
        parser, rest = inner[rest[place - 1]], rest[place:]
    # A hint may name a command to be completed by the reader: what is required may be missing, nothing may be unknown.
    parser.make_context(words[1], rest, resilient_parsing=True)
    known = {name for parameter in parser.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.partition("=")[0] for word in rest if re.match("--[a-z]", word)} <= known | {"--help"}, command


def texts(source: str) -> list[str]:
    """Give every string of a module, with ``x`` in the place of what is filled in, and joined where it is in parts."""
    found = []
    for node in nodes(source):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values]
            found.append("".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return found


def suggested() -> list[str]:
    commands = set()
    for source in modules().values():
        for text in texts(source):
            if "``" not in text:  # a docstring
                commands |= set(re.findall(r"`(aaecli [^`]+)`", text))
                # The examples of the help.
                commands |= {found.strip() for found in re.findall(r"^ *(aaecli [^\n]+)$", text, re.MULTILINE)}
    return sorted(commands - {"aaecli x"})  # what ``--version`` prints


def test_every_command_in_a_message_is_one() -> None:
    commands = suggested()
    assert len(commands) > 50
    for command in commands:
        for part in re.split(r"\s*(?:\||&&|>)\s*", re.sub(r"\s{2,}.*", "", command)):
            if part.startswith("aaecli"):
                parse(part)


def test_commands_that_name_something_are_built_by_suggest() -> None:
    """A name that is only put between backticks is not quoted."""
    wrong = [
        f"{name}:{node.lineno}"
        for name, source in modules().items()
        for node in nodes(source)
        if isinstance(node, ast.JoinedStr)
        and any(
            isinstance(part, ast.Constant) and re.search(r"`aaecli [^`]*$|: aaecli [^.]*$", str(part.value))
            for part in node.values[:-1]
        )
    ]
    assert wrong == []


def test_no_hint_promises_an_index() -> None:
    """aaecli is on no index: whoever installs it has it from its folder or a file."""
    for name, source in modules().items():
        for text in texts(source):
            assert not re.search(r"pip install [^`]*(\"?aaecli)\b", text), (name, text)
