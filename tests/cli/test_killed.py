"""Trainings that are killed at random moments, while they save too, and go on as if nothing had been."""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from aaecli.checkpoint import file as checkpoint
from aaecli.checkpoint.container import describe
from tests import processes
from tests.cli.test_train import SMALL
from tests.conftest import WriteDataset

TIMES = ("seconds", "images_per_second")


@pytest.fixture
def here(tmp_path: Path, write_dataset: WriteDataset) -> Path:
    write_dataset("data", train=tuple(range(4)) * 9, test=tuple(range(4)) * 2)
    (tmp_path / "small.toml").write_text(SMALL)
    return tmp_path


def words(num_steps: int, save_every: str) -> list[str]:
    new = ["--data", "data", "--labels", "8", "--device", "cpu", "--config", "small.toml", "--steps", str(num_steps)]
    # Which type is faster is measured, and on a busy machine not the same twice.
    return ["train", *new, "--precision", "fp32", "--save-every", save_every, "--quiet"]


def assert_same(whole: Path, broken: Path) -> None:
    """See that weights, to the bit, and metrics, but for times, are the same."""
    first, second = (torch.load(run / "model.pt", weights_only=True)["weights"] for run in (whole, broken))
    assert first.keys() == second.keys()
    for part, weights in first.items():
        assert weights.keys() == second[part].keys()
        assert all(torch.equal(value, second[part][name]) for name, value in weights.items())
    rows = []
    for run in (whole, broken):
        with (run / "metrics.csv").open() as file:
            rows.append([{key: cell for key, cell in row.items() if key not in TIMES} for row in csv.DictReader(file)])
    assert rows[0] == rows[1]
    assert not [entry for entry in broken.iterdir() if entry.name.startswith(".") and entry.name != ".lock"]


def assert_readable(run: Path) -> bool:
    """See that every file with a name is whole; tells whether one was being written."""
    if (run / "last.pt").exists():
        checkpoint.read(run / "last.pt", "training", 2**30)
    if (run / "model.pt").exists():
        checkpoint.load_model(run / "model.pt")
    return any(entry.name.startswith(".") and entry.name != ".lock" for entry in run.iterdir())


def state_of(run: Path) -> int:
    """Give the identity of the last state: it is another file after each save."""
    return (run / "last.pt").stat().st_ino if (run / "last.pt").exists() else 0


def wait_for_a_save(run: Path, before: int) -> None:
    deadline = time.monotonic() + processes.PATIENCE
    while state_of(run) in (0, before):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_two_kills_and_nothing_is_lost(here: Path) -> None:
    assert processes.run(words(60, "1h"), here, here / "notes/whole").code == 0
    whole, broken = here / "runs/semisupervised-8-001", here / "runs/semisupervised-8-002"
    typed, chance = words(60, "1"), random.Random(0)
    for number in range(2):
        before = state_of(broken)
        started = processes.start(typed, here, here / f"notes/{number}")
        wait_for_a_save(broken, before)
        time.sleep(chance.uniform(0, 0.1))
        started.kill()
        started.process.join()
        assert not (broken / "summary.json").exists(), "it was not killed in time"
        assert_readable(broken)
        typed = ["train", "--resume", "--save-every", "1", "--quiet"]
    assert processes.run(typed, here, here / "notes/end").code == 0
    assert_same(whole, broken)


def test_a_kill_before_the_first_save_starts_from_the_beginning(here: Path) -> None:
    assert processes.run(words(30, "1h"), here, here / "notes/whole").code == 0
    whole, broken = here / "runs/semisupervised-8-001", here / "runs/semisupervised-8-002"
    broken.mkdir()
    for name in ("config.toml", "environment.json", "metrics.csv"):
        (broken / name).write_bytes((whole / name).read_bytes())
    # The last row was cut off while it was written, and one number in it would pass for a step.
    (broken / "metrics.csv").write_bytes((broken / "metrics.csv").read_bytes()[:-40])
    outcome = processes.run(["train", "--resume", str(broken), "--quiet"], here, here / "notes/end")
    assert outcome.code == 0, outcome.err
    assert_same(whole, broken)


@pytest.mark.slow
def test_twenty_kills_and_nothing_is_lost(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    num_steps, kills = 1500, int(os.environ.get("KILLS", "20"))
    command, chance = [sys.executable, "-m", "aaecli"], random.Random()
    subprocess.run([*command, *words(num_steps, "1h")], cwd=here, check=True, capture_output=True)
    whole, broken = here / "runs/semisupervised-8-001", here / "runs/semisupervised-8-002"
    typed = words(num_steps, "1")
    num_saving, reached = 0, []
    for number in range(kills):
        before = state_of(broken)
        with subprocess.Popen([*command, *typed], cwd=here, stdout=subprocess.DEVNULL) as process:
            if number % 4 == 3:
                # Any moment, be it before there is anything to save.
                time.sleep(chance.uniform(0, 4))
            else:
                wait_for_a_save(broken, before)
                time.sleep(chance.uniform(0, 0.5))
            process.kill()
        assert not (broken / "summary.json").exists(), "it was not killed in time"
        num_saving += assert_readable(broken)
        saved = (broken / "last.pt").exists()
        reached.append(describe(broken / "last.pt", "training")["number"] if saved else 0)
        typed = ["train", "--resume", "--save-every", "1", "--quiet"]
    subprocess.run([*command, "train", "--resume", "--quiet"], cwd=here, check=True, capture_output=True)
    assert_same(whole, broken)
    assert reached == sorted(reached)
    with capsys.disabled():
        print(f"\n{kills} kills, {num_saving} of them while a file was being written, after steps {reached}")  # noqa: T201
