"""The files of measurements besides the benchmarks', and the programs that write them."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(path.name for path in (ROOT / "benchmarks").glob("*.py"))


@pytest.fixture
def module(monkeypatch):
    spec = importlib.util.spec_from_file_location("measured", ROOT / "benchmarks" / "measured.py")
    loaded = importlib.util.module_from_spec(spec)
    # Where its dataclass looks for the types of its fields.
    monkeypatch.setitem(sys.modules, "measured", loaded)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def measured(module, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    return module


def test_what_is_written_is_read_back_and_other_figures_stay(measured):
    first = measured.Measurement("some/a", "what", "do it", values=(1.25, 2.5), seeds=(10, 11), note="n")
    measured.write([first])
    measured.write([measured.Measurement("some/b", "what", "do it", stated="1 to 2 %")])
    again = measured.Measurement("some/b", "other", "do it", values=(3.0,))
    measured.write([again])
    assert measured.read("some") == [first, again]
    assert measured.read("other") == []


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"values": (98.0, 99.0, 100.0)}, "99.00 ± 1.00 %"),
        ({"values": (98.25,), "digits": 1}, "98.2 %"),
        ({"values": (0.0392,), "unit": "", "digits": 4}, "0.0392"),
        ({"values": (12.0, 90.0, 100.0), "unit": "s"}, "1 min 30 s"),
        ({"values": (7.5, 8.0, 9.0), "unit": "s", "digits": 0}, "8 s"),
        ({"values": (1234.5, 1235.5), "unit": "images/s", "digits": 0}, "1,235 ± 1 images/s"),
        ({"stated": "5.6 to 7.2 %"}, "5.6 to 7.2 %"),
    ],
)
def test_a_figure_as_text(measured, fields, text):
    assert measured.Measurement("some/a", "what", "do it", **fields).text == text


def test_each_figure_in_the_repository_says_where_it_is_from(module):
    entries = [entry for path in module.RESULTS.glob("*.json") for entry in module.read(path.stem)]
    assert entries
    for entry in entries:
        assert entry.text
        assert all((entry.what, entry.command, entry.machine, entry.versions)), entry.name
        assert not entry.values or not entry.seeds or len(entry.values) == len(entry.seeds), entry.name
        assert entry.values or entry.stated
    names = [entry.name for entry in entries]
    assert len(set(names)) == len(names)


def test_each_program_that_a_figure_names_is_there():
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks" / "results").glob("*.json"))
    named = set(re.findall(r"benchmarks/(\w+\.py)", text))
    assert named
    assert named <= set(PROGRAMS)


def test_no_program_needs_the_packages_of_the_suite_to_start():
    for name in PROGRAMS:
        head = ast.parse((ROOT / "benchmarks" / name).read_text(encoding="utf-8")).body
        imported = {part.module for part in head if isinstance(part, ast.ImportFrom)}
        imported |= {alias.name for part in head if isinstance(part, ast.Import) for alias in part.names}
        assert not imported & {"tasks", "render"}, name


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in PROGRAMS if name not in ("measured.py", "commands.py", "bulk_runs.py")]
)
def test_each_program_starts(name):
    done = subprocess.run(
        [sys.executable, f"benchmarks/{name}", "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout
