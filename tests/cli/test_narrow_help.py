"""Help in a terminal of 60 columns: no name is cut, and every command to copy is whole."""

from __future__ import annotations

import importlib
import re

import pytest
import typer

from aaecli.cli import COMMANDS
from tests.cli.conftest import Run

INSIDE = [("data", "export"), ("data", "duplicates"), ("data", "pack"), ("bulk", "status")]


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS), *INSIDE])
def test_nothing_is_cut(aaecli: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    result = aaecli(*words, "--help")
    assert (result.code, result.err) == (0, "")
    assert "…" not in result.out
    assert "[bold]" not in result.out
    examples = re.split(r"^(?:Example.*|The way through.*)$", result.out, maxsplit=1, flags=re.MULTILINE)
    assert max(len(line) for line in examples[0].splitlines()) <= 60
    if not words:
        return
    command = typer.main.get_command(importlib.import_module(f"aaecli.cli.{words[0]}").app)
    for word in words[1:]:
        command = command.commands[word]
    flags = [flag for each in command.params for flag in (*each.opts, *each.secondary_opts) if flag.startswith("--")]
    for flag in [*flags, *(str(each.envvar) for each in command.params if each.envvar)]:
        assert re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", result.out), flag


def test_every_command_is_listed_with_all_of_its_summary(aaecli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    listed = " ".join(aaecli("--help").out.split())
    for name, summary in COMMANDS.items():
        assert f"{name} {summary}" in listed


def test_an_example_is_whole_and_its_note_stands_below(aaecli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = aaecli("bulk", "--help").out.splitlines()
    assert "  aaecli bulk 'in/*.parquet' --image image --key id --style --out answers/" in lines
    lines = aaecli("train", "--help").out.splitlines()
    assert lines[lines.index("  aaecli train --labels 100 --seed 1") + 1] == "      fewer labels, another seed"


def test_with_room_it_is_a_table(aaecli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert "╭─ Options" in aaecli("train", "--help").out
