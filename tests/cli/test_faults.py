"""What goes wrong around a training: each ends in a sentence, and what was saved stays whole."""

from __future__ import annotations

import csv
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aaecli.checkpoint.container import describe
from tests import processes
from tests.cli.test_killed import assert_same, state_of, wait_for_a_save, words
from tests.cli.test_train import SMALL
from tests.conftest import write_idx

LONG = 20_000


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write_idx(tmp_path / "data", range(4), 9, (28, 28))
    (tmp_path / "small.toml").write_text(SMALL)
    return tmp_path


def stopped_run(here: Path, num_steps: int) -> Path:
    """Begin a training and stop it once it has saved something."""
    started = processes.start(words(num_steps, "1"), here, here / "notes/begun")
    run = here / "runs/semisupervised-8-001"
    wait_for_a_save(run, 0)
    started.kill(signal.SIGTERM)
    assert started.wait().code == 143
    return run


def leftovers(run: Path) -> list[str]:
    return [entry.name for entry in run.iterdir() if entry.name.startswith(".") and entry.name != ".lock"]


def test_a_disk_that_is_full_leaves_the_state_before(here: Path) -> None:
    run = stopped_run(here, 60)
    before = (run / "last.pt").read_bytes()
    resumed = ["train", "--resume", "--save-every", "1", "--quiet"]
    # The system itself refuses to let a file grow beyond this, as it does on a full disk.
    outcome = processes.run(resumed, here, here / "notes/full", {resource.RLIMIT_FSIZE: len(before) // 2})
    said = " ".join(outcome.err.split())
    assert outcome.code == 1, said
    assert "Cannot write runs/semisupervised-8-001/last.pt: the disk is full or the file too large." in said
    assert "free space" in said
    assert "aaecli train --resume runs/semisupervised-8-001" in said
    assert (run / "last.pt").read_bytes() == before
    assert describe(run / "last.pt", "training")["number"] >= 1
    assert leftovers(run) == []
    assert processes.run(["train", "--resume", "--quiet"], here, here / "notes/room").code == 0
    assert processes.run(words(60, "1h"), here, here / "notes/whole").code == 0
    assert_same(here / "runs/semisupervised-8-002", run)


def test_a_run_folder_that_is_removed_ends_the_training_and_stays_removed(here: Path) -> None:
    started = processes.start(words(LONG, "20"), here, here / "notes/1")
    run = here / "runs/semisupervised-8-001"
    wait_for_a_save(run, 0)
    shutil.rmtree(run, ignore_errors=True)
    outcome = started.wait()
    assert outcome.code == 1
    assert "runs/semisupervised-8-001" in outcome.err
    assert "Traceback" not in outcome.err
    shutil.rmtree(run, ignore_errors=True)  # what was being written while it was removed
    assert not (run / "last.pt").exists()


def test_a_folder_that_may_not_be_written_is_named(here: Path) -> None:
    run = stopped_run(here, LONG)
    before = (run / "last.pt").read_bytes()
    for folder, command in ((run, ["train", "--resume"]), (here / "runs", words(6, "1"))):
        folder.chmod(0o555)
        try:
            outcome = processes.run(command, here, here / "notes/closed", obeys_permissions=True)
        finally:
            folder.chmod(0o755)
        assert outcome.code == 1
        assert "Permission denied" in outcome.err
        assert "Traceback" not in outcome.err
    assert (run / "last.pt").read_bytes() == before


@pytest.mark.slow
def test_memory_that_does_not_suffice_names_the_batch_that_fits(here: Path) -> None:
    limits = {resource.RLIMIT_AS: 2**30}
    typed = [*words(2, "1h"), "--batch-size", str(2**19)]
    outcome = processes.run(typed, here, here / "notes/1", limits)
    said = " ".join(outcome.err.split())
    assert outcome.code == 1, said
    assert "does not suffice for a batch of 524,288 images" in said
    found = re.search(r"--batch-size (\d+) fits", said)
    assert found, said
    outcome = processes.run([*words(2, "1h"), "--batch-size", found[1]], here, here / "notes/2", limits)
    assert outcome.code == 0, outcome.err


def test_networks_that_do_not_fit_are_the_networks_fault(here: Path) -> None:
    (here / "small.toml").write_text('[network]\nencoder = "mlp"\n[network.encoder_options]\nhidden = [7000, 7000]\n')
    outcome = processes.run(words(2, "1h"), here, here / "notes/1", {resource.RLIMIT_AS: 2**30})
    assert outcome.code == 1
    assert "memory of the device" in outcome.err
    assert "[network.encoder_options]" in outcome.err


def test_trainings_that_start_together_get_a_folder_each(here: Path) -> None:
    started = [processes.start(words(6, "1"), here, here / f"notes/{number}") for number in range(3)]
    outcomes = [each.wait() for each in started]
    assert [outcome.code for outcome in outcomes] == [0, 0, 0]
    runs = sorted(path.name for path in (here / "runs").iterdir())
    assert runs == [f"semisupervised-8-{number:03d}" for number in (1, 2, 3)]
    for name in runs[1:]:
        assert_same(here / "runs" / runs[0], here / "runs" / name)


def test_a_run_under_way_is_not_resumed(here: Path) -> None:
    started = processes.start(words(LONG, "1"), here, here / "notes/1")
    run = here / "runs/semisupervised-8-001"
    wait_for_a_save(run, 0)
    outcome = processes.run(["train", "--resume", str(run)], here, here / "notes/2")
    assert outcome.code == 1
    assert "is in progress already" in outcome.err
    assert processes.run(["train", "--resume"], here, here / "notes/3").code == 1
    started.kill()
    started.process.join()


def test_a_terminal_that_is_closed_stops_and_saves(here: Path) -> None:
    (here / "small.toml").write_text(SMALL + "validate_every = 20\n")
    started = processes.start(words(LONG, "1h"), here, here / "notes/1")
    run = here / "runs/semisupervised-8-001"
    deadline = time.monotonic() + processes.PATIENCE
    while not (run / "metrics.csv").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    started.kill(signal.SIGHUP)
    outcome = started.wait()
    assert outcome.code == 128 + signal.SIGHUP
    assert "To continue: `aaecli train --resume runs/semisupervised-8-001`" in outcome.err
    assert describe(run / "last.pt", "training")["number"] > 0


def start(here: Path, num_steps: int, stream: int, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    typed = [word for word in words(num_steps, "1") if word != "--quiet"]
    environment = os.environ | {"TERM": "xterm-256color"}
    command = [sys.executable, "-m", "aaecli", *typed]
    return subprocess.Popen(command, cwd=here, stdin=stream, stdout=stdout, stderr=stream, env=environment, text=True)


@pytest.mark.slow
def test_a_terminal_that_vanishes_stops_nothing(here: Path) -> None:
    leader, follower = pty.openpty()
    process = start(here, LONG, follower)
    os.close(follower)
    shown = bytearray()
    while b"validation accuracy" not in shown:
        shown += os.read(leader, 4096)
    run = here / "runs/semisupervised-8-001"
    before = state_of(run)
    os.close(leader)
    for _ in range(3):
        wait_for_a_save(run, before)
        before = state_of(run)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=processes.PATIENCE) == 130


@pytest.mark.slow
def test_a_reader_that_goes_away_stops_nothing(here: Path) -> None:
    reading, writing = os.pipe()
    process = start(here, 40, writing, subprocess.PIPE)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    out, _ = process.communicate(timeout=processes.PATIENCE)
    assert process.returncode == 0
    assert out.startswith("test accuracy")


def test_a_clock_that_jumps_changes_no_time(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aaecli.cli import main

    jumps = iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: 1e9 - 1e5 * next(jumps))
    monkeypatch.chdir(here)
    with pytest.raises(SystemExit) as ended:
        main(words(20, "1s"))
    assert not ended.value.code
    with (here / "runs/semisupervised-8-001/metrics.csv").open() as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    assert seconds == sorted(seconds)
    assert 0 < seconds[-1] < 60
