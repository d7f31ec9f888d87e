"""A run folder has one training at a time, and a killed one leaves it free."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aaecli.errors import AaeError
from aaecli.runs import lock
from aaecli.runs.lock import is_locked, locked, locked_new_run

HOLD = """
import sys; from pathlib import Path; from aaecli.runs.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


def test_a_second_training_is_refused_until_the_first_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_PATIENCE_SECONDS", 0.0)
    assert not is_locked(tmp_path)
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        assert is_locked(tmp_path)
        with pytest.raises(AaeError, match="in progress already") as caught, locked(tmp_path):
            pytest.fail("two trainings in one folder")
        assert "aaecli runs" in caught.value.hint
        # Nothing tidies up after a process that is killed like this.
        first.send_signal(signal.SIGKILL)
        first.wait(timeout=300)
        assert not is_locked(tmp_path)
        with locked(tmp_path):
            assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not is_locked(tmp_path / "file")
    with pytest.raises(AaeError, match="Cannot write to"), locked(tmp_path / "file"):
        pytest.fail("there is no folder")


def test_a_new_run_is_locked_and_numbered_up(tmp_path: Path) -> None:
    for name in ("aae-100-001", "aae-100-002"):
        with locked_new_run(tmp_path, "aae-100") as run:
            assert run == tmp_path / name
            assert is_locked(run)
            (run / "config.toml").touch()
        assert not is_locked(run)


def test_a_folder_left_by_a_process_killed_at_once_is_taken_up(tmp_path: Path) -> None:
    begun, left = tmp_path / "aae-100-001", tmp_path / "aae-100-002"
    for folder in (begun, left):
        folder.mkdir()
        (folder / ".lock").touch()
    (begun / "config.toml").touch()
    (left / ".config.toml.a1b2c3d4").touch()
    with locked_new_run(tmp_path, "aae-100") as run:
        assert run == left
        assert [path.name for path in run.iterdir()] == [".lock"]
        # Held by this training, though it has not written its settings yet.
        with locked_new_run(tmp_path, "aae-100") as second:
            assert second == tmp_path / "aae-100-003"


def test_new_runs_that_start_together_get_a_folder_each(tmp_path: Path) -> None:
    def begin(_: int) -> str:
        with locked_new_run(tmp_path, "run") as run:
            assert not (run / "config.toml").exists()
            (run / "config.toml").touch()
            return run.name

    (tmp_path / "run-001").mkdir()
    with ThreadPoolExecutor(16) as pool:
        names = list(pool.map(begin, range(64)))
    assert len(set(names)) == 64
