"""`aaecli benchmark` in parts and in several processes: the results are those of one process, but for times."""

from __future__ import annotations

import csv
import json
import time
import tomllib
from contextlib import nullcontext
from pathlib import Path

import psutil
import pytest

from aaecli.config import resolve
from aaecli.scale import executors
from tests import processes
from tests.cli.test_train import SMALL as PRESET
from tests.scale.dask_cluster import cluster, workers

TIMES = {"seconds", "threads"}
WORDS = ("--model", "baseline", "--preset", "default", "--seeds", 4)


@pytest.fixture
def here(in_empty_folder, write_dataset):
    write_dataset("here/data", train=tuple(range(4)) * 9, test=tuple(range(4)) * 2)
    return in_empty_folder


@pytest.fixture
def benchmark(aaecli, here, no_figure_is_drawn, monkeypatch):
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


@pytest.fixture
def sixteen(benchmark, here):
    """The results of one process, of sixteen runs, and the words that begin them."""
    words = ("--model", "baseline", "--seeds", 8, "--labels", 12, "--data", here / "data")
    assert benchmark(*words, "--out", "sixteen").code == 0
    assert len(table("sixteen")) == 16
    return words, table("sixteen")


@pytest.mark.slow
@pytest.mark.parametrize("who", ["processes", "parts", "cluster"])
def test_sixteen_runs_are_the_same_whoever_does_them(benchmark, here, sixteen, who):
    words, expected = sixteen
    if who == "processes":
        outcomes = [benchmark(*words, "--processes", 2, "--threads", 1, "--out", "a")]
    elif who == "parts":
        outcomes = [benchmark(*words, "--task", f"{part}/2", "--out", "a") for part in (0, 1)]
        outcomes.append(benchmark(*words, "--gather", "a", "--out", "a"))
    else:
        with cluster(here) as (address, _):
            outcomes = [benchmark(*words, "--cluster", address, "--out", "a")]
    assert [outcome.code for outcome in outcomes] == [0] * len(outcomes), outcomes
    assert sorted(table("a"), key=str) == sorted(expected, key=str)


@pytest.fixture
def long(here, tmp_path):
    """Give a function that starts six runs of some seconds in a process of its own."""
    (here / "small.toml").write_text(PRESET.replace("steps = ", "steps = 150 # "))
    words = ["benchmark", "--config", "small.toml", "--device", "cpu", "--data", str(here / "data")]
    words += ["--labels", "8", "--seeds", "6"]
    return lambda out, *more: processes.start([*words, "--out", out, *more], here, tmp_path / out)


def wait_for(condition, started):
    deadline = time.monotonic() + processes.PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        assert started.process.exitcode is None, started.wait().err
        time.sleep(0.02)


def written(runs, name):
    """When the files of a name were written, by run."""
    return {path.parent.name: path.stat().st_mtime_ns for path in runs.glob(f"*/{name}")}


def under_way(children):
    """Give the runs that processes are at by their locks, each with its process."""
    files = ((Path(file.path), child) for child in children for file in child.open_files())
    return {path.parent.name: child for path, child in files if path.name == ".lock"}


def rows(runs):
    """Give what metrics.csv holds, by run: times as well, so that a row that is written anew is another one."""
    return {path.parent.name: path.read_text() for path in runs.glob("*/metrics.csv")}


@pytest.mark.slow
@pytest.mark.parametrize("who", ["processes", "cluster"])
def test_a_killed_worker_costs_its_run_alone(here, long, who):
    runs = here / "killed" / "runs"
    with cluster(here) if who == "cluster" else nullcontext(("", None)) as (address, process):
        words = ["--cluster", address] if address else ["--processes", "2", "--threads", "1"]
        started = long("killed", *words)
        parent = process or psutil.Process(started.process.pid)
        wait_for(lambda: len(rows(runs).keys() & under_way(workers(parent)).keys()) == 2, started)
        (lost, victim), _ = sorted(under_way(workers(parent)).items())
        victim.kill()
        victim.wait()
        before = rows(runs)
        outcome = started.wait()
    assert outcome.code == 0, outcome.err
    assert len(table(here / "killed")) == 6
    assert len(list(runs.iterdir())) == 6
    after = rows(runs)
    assert [name for name, text in before.items() if not after[name].startswith(text)] == [lost]


@pytest.mark.slow
def test_a_worker_that_is_killed_while_it_waits_holds_up_nobody(here, long):
    runs = here / "idle" / "runs"
    started = long("idle", "--processes", "2", "--threads", "1", "--seeds", "1")
    wait_for(lambda: written(runs, "environment.json"), started)
    children = workers(psutil.Process(started.process.pid))
    by_time = sorted(children, key=lambda child: sum(child.cpu_times()[:2]))
    by_time[0].kill()
    outcome = started.wait()
    assert outcome.code == 0, outcome.err
    assert len(table(here / "idle")) == 1
