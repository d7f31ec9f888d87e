"""``aaecli runs``."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.runs.test_listing import DONE, write_run, write_state


def test_no_runs_yet(aaecli: Run, in_empty_folder: Path) -> None:
    result = aaecli("runs")
    assert (result.code, result.out) == (0, "")
    assert "aaecli train --labels 1000" in result.err
    result = aaecli("runs", "--json")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == {"folder": "runs", "runs": []}
    assert list(in_empty_folder.iterdir()) == []


def test_a_row_for_each_run(aaecli: Run, in_empty_folder: Path) -> None:
    noon = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    write_run(Path("runs"), "semisupervised-1000-001", summary=DONE, started=noon)
    folder = write_run(Path("runs"), "a-name-that-is-longer-than-any-column-would-be-001")
    write_state(folder, number=500)
    result = aaecli("runs")
    assert (result.code, result.err) == (0, "")
    first, second = (line.split() for line in result.out.splitlines() if "001" in line)
    local = noon.astimezone().strftime("%Y-%m-%d %H:%M").split()
    assert first == [
        *("semisupervised-1000-001", "semisupervised", "1000", "default", "3", "3,000", "done"),
        *("95.50", "%", "98.50", "%", *local),
    ]
    assert second[0] == "a-name-that-is-longer-than-any-column-would-be-001"
    assert second[5:12] == ["500", "of", "3,000", "stopped", "95.50", "%", "–"]


@pytest.mark.parametrize("by_flag", [True, False])
def test_json_has_every_field(aaecli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_flag: bool) -> None:
    root = tmp_path / "elsewhere"
    folder = write_run(root, summary=DONE, started=datetime(2026, 1, 1, 12, 0, tzinfo=UTC))
    if not by_flag:
        monkeypatch.setenv("AAECLI_RUNS", str(root))
    result = aaecli("runs", "--json", *(["--out", root] if by_flag else []))
    assert json.loads(result.out) == {
        "folder": str(root),
        "runs": [
            {
                "name": folder.name,
                "path": str(folder),
                "state": "done",
                "model": "semisupervised",
                "labels": 1000,
                "preset": "default",
                "seed": 3,
                "steps": 3000,
                "num_steps": 3000,
                "validation_accuracy": 0.955,
                "test_accuracy": 0.985,
                "test_accuracy_interval": [0.98, 0.99],
                "started": "2026-01-01T12:00:00+00:00",
                "seconds": 81.5,
                "faults": [],
            }
        ],
    }


def test_a_damaged_run_is_told_of_and_the_others_are_listed(aaecli: Run, in_empty_folder: Path) -> None:
    write_run(Path("runs"), "good-001", summary=DONE)
    (write_run(Path("runs"), "bad-001", summary=DONE) / "summary.json").write_text('{"state": "do')
    result = aaecli("runs")
    assert result.code == 0
    assert result.err == "warning: runs/bad-001/summary.json is damaged: it is not one JSON object.\n"
    assert "good-001" in result.out
    assert "bad-001" in result.out


def test_names_do_not_steer_the_terminal(aaecli: Run, in_empty_folder: Path) -> None:
    write_run(Path("runs"), "red\x1b[31m[bold]-001", summary=DONE)
    result = aaecli("runs")
    assert "\x1b" not in result.out
    assert "red\\x1b[31m[bold]-001" in result.out


def test_a_file_in_the_place_of_the_folder(aaecli: Run, in_empty_folder: Path) -> None:
    (in_empty_folder / "runs").touch()
    result = aaecli("runs")
    assert (result.code, result.out) == (1, "")
    assert "error: Cannot read the folder runs" in result.err


class Terminal(io.StringIO):
    """A stdout that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("columns", "missing"), [(140, ()), (100, ("started", "preset")), (70, ("model", "validation"))]
)
def test_a_narrow_terminal_does_without_some_columns(
    aaecli: Run, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch, columns: int, missing: tuple[str, ...]
) -> None:
    write_run(Path("runs"), "semisupervised-1000-001", summary=DONE)
    terminal = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        patch.setenv("TERM", "xterm")
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", str(columns))
        assert aaecli("runs").code == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()).splitlines()
    assert max(len(line) for line in lines) <= columns
    (row,) = (line for line in lines if "semisupervised-1000-001" in line)
    assert "98.50 %" in row
    heading = next(line for line in lines if "run" in line).split()
    assert {"run", "labels", "steps", "state", "test"} <= set(heading)
    assert not set(missing) & set(heading)
    assert missing or len(heading) == 10
