"""A run folder has one training at a time, and a killed one leaves it free."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aaecli import runlock
from aaecli.errors import AaeError
from aaecli.runlock import is_locked, locked

HOLD = """
import sys; from pathlib import Path; from aaecli.runlock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


def test_a_second_training_is_refused_until_the_first_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runlock, "_PATIENCE_SECONDS", 0.0)
    assert not is_locked(tmp_path)
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        assert is_locked(tmp_path)
        with pytest.raises(AaeError, match="running already") as caught, locked(tmp_path):
            pytest.fail("two trainings in one folder")
        assert "aaecli runs" in caught.value.hint
        # Nothing tidies up after a process that is killed like this.
        first.send_signal(signal.SIGKILL)
        first.wait(timeout=10)
        assert not is_locked(tmp_path)
        with locked(tmp_path):
            assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not is_locked(tmp_path / "file")
    with pytest.raises(AaeError, match="Cannot write to"), locked(tmp_path / "file"):
        pytest.fail("there is no folder")
