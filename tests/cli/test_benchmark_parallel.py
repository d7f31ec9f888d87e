"""`aaecli benchmark` in parts and in several processes: the results are those of one process, but for times."""

from __future__ import annotations

import csv
import json
import signal
import time
import tomllib
from pathlib import Path

import psutil
import pytest

from aaecli.config import resolve
from aaecli.scale import executors
from tests import processes
from tests.cli.test_train import SMALL as PRESET

TIMES = {"seconds", "threads"}
WORDS = ("--model", "baseline", "--seeds", 4)


@pytest.fixture
def here(in_empty_folder, write_dataset):
    write_dataset("here/data", train=tuple(range(4)) * 9, test=tuple(range(4)) * 2)
    return in_empty_folder


@pytest.fixture
def benchmark(aaecli, here, monkeypatch):
    """Give a function that runs the command with presets shrunk to moments."""
    monkeypatch.setattr(resolve, "read_preset", lambda *_: tomllib.loads(PRESET))
    return lambda *words: aaecli("benchmark", "--device", "cpu", "--data", "data", "--labels", 8, *words)


def table(folder):
    """Give the rows of results.csv, without what a machine's load and cores change."""
    with Path(folder, "results.csv").open() as file:
        return [{name: cell for name, cell in row.items() if name not in TIMES} for row in csv.DictReader(file)]


@pytest.fixture
def whole(benchmark):
    """The results of one process."""
    assert benchmark(*WORDS, "--out", "whole").code == 0
    assert len(table("whole")) == 4
    return table("whole")


def test_parts_are_summed_up(benchmark, here, whole):
    for part, folder in (("0/2", "a"), ("1/2", "a"), ("0/2", "b"), ("1/2", "c")):
        outcome = benchmark(*WORDS, "--task", part, "--out", folder)
        assert outcome.code == 0, outcome.err
        assert f"Part {part[0]} of 2" in outcome.err
    assert not (here / "a" / "results.json").exists()
    done = [len(list((here / folder / "runs").iterdir())) for folder in ("a", "b", "c")]
    assert done[0] == 4 == done[1] + done[2]
    # In one folder, or with a folder for each machine.
    assert benchmark(*WORDS, "--gather", "a", "--out", "a").code == 0
    assert benchmark(*WORDS, "--gather", "b", "--gather", "c", "--out", "d").code == 0
    assert table("a") == table("d") == whole
    nothing = benchmark(*WORDS, "--gather", "data", "--out", "e")
    assert nothing.code == 1
    assert "no benchmark in data" in nothing.err


def test_each_run_is_a_task_of_its_own(benchmark, here, whole, monkeypatch):
    monkeypatch.setattr(executors, "slots", lambda count, threads: executors.in_process())
    assert benchmark(*WORDS, "--processes", 2, "--out", "a").code == 0
    assert table("a") == whole
    again = benchmark(*WORDS, "--processes", 2, "--out", "a", "--json")
    assert len(json.loads(again.out)["results"]) == 4
    assert len(list((here / "a" / "runs").iterdir())) == 4


def test_workers_elsewhere_need_the_whole_path_of_the_data(benchmark, here):
    outcome = benchmark(*WORDS, "--cluster", "tcp://127.0.0.1:1")
    assert outcome.code == 1
    assert f"--data {here}/data" in outcome.err.replace("\n", "")


@pytest.mark.slow
def test_processes_train_at_the_same_time(benchmark, here, whole):
    outcome = benchmark(*WORDS, "--processes", 2, "--threads", 1, "--out", "a")
    assert outcome.code == 0, outcome.err
    assert table("a") == whole


@pytest.mark.slow
def test_a_killed_worker_costs_its_run_alone(here, tmp_path):
    (here / "small.toml").write_text(PRESET.replace("steps = ", "steps = 300 # "))
    words = [
        "benchmark",
        "--config",
        "small.toml",
        "--device",
        "cpu",
        "--data",
        "data",
        "--labels",
        "8",
        "--seeds",
        "4",
    ]
    started = processes.start([*words, "--processes", "2", "--threads", "1"], here, tmp_path / "notes")
    runs = here / "benchmark" / "runs"
    deadline = time.monotonic() + processes.PATIENCE
    while not list(runs.glob("*/environment.json")):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    children = [
        child for child in psutil.Process(started.process.pid).children() if "spawn_main" in str(child.cmdline())
    ]
    children[0].send_signal(signal.SIGKILL)
    outcome = started.wait()
    assert outcome.code == 0, outcome.err
    assert len(table("benchmark")) == 4
