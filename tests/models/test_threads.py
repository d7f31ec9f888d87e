"""How many threads: the user's word, the cores, a container's limit, whichever is least."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aaecli.models import threads


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Give a function that makes a machine of eight cores with such control groups."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(threads, "_core_of", str)

    def make(groups: str, **files: str) -> None:
        write(tmp_path, {"proc/self/cgroup": groups} | {f"sys/{name}": text for name, text in files.items()})
        quota = threads.cpu_quota
        monkeypatch.setattr(threads, "cpu_quota", lambda: quota(tmp_path / "proc", tmp_path / "sys"))

    return make


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/", {"cpu.max": "max 100000"}, 8),
        ("0::/", {"cpu.max": "100000 100000"}, 1),
        ("0::/", {"cpu.max": "50000 100000"}, 1),
        ("0::/", {"cpu.max": "350000 100000"}, 3),
        ("0::/", {"cpu.max": "9900000 100000"}, 8),
        # The limit may be that of a group further out.
        ("0::/pods/one", {"pods/cpu.max": "200000 100000", "pods/one/cpu.max": "max 100000"}, 2),
        # From inside a container the path is often that outside.
        ("0::/../elsewhere", {"cpu.max": "100000 100000"}, 1),
        ("4:cpu,cpuacct:/x", {"cpu,cpuacct/cpu.cfs_quota_us": "200000", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, 2),
        ("4:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ("4:cpuset:/\n1:cpu:/a", {"cpu/a/cpu.cfs_quota_us": "100000", "cpu/a/cpu.cfs_period_us": "100000"}, 1),
        ("", {}, 8),
        ("nonsense", {"cpu.max": "many"}, 8),
    ],
)  # fmt: skip
def test_no_more_threads_than_a_container_has_time_for(machine, groups, files, expected):
    machine(groups, **files)
    assert threads.choose_threads() == expected


@pytest.mark.parametrize(("said", "expected"), [("3", 3), ("2,4", 2), ("", 8), ("many", 8), ("0", 8)])
def test_the_users_own_number_goes_before(machine, monkeypatch, said, expected):
    machine("0::/", **{"cpu.max": "max 100000"})
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert threads.choose_threads() == expected


def test_a_process_that_may_use_one_core_has_one_thread(machine, monkeypatch):
    machine("0::/")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {5}, raising=False)
    assert threads.choose_threads() == 1


def test_two_threads_of_a_core_count_once(machine, monkeypatch):
    machine("0::/")
    monkeypatch.setattr(threads, "_core_of", lambda processor: str(processor // 2))
    assert threads.choose_threads() == 4


@pytest.mark.parametrize(("said", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_sleep_while_they_wait_unless_the_user_says_otherwise(said, expected):
    program = (
        "import os, sys\n"
        "from aaecli.cli import main\n"
        "try: main(['train', '--print-config'])\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules\n"
        "sys.stderr.write(os.environ['OMP_WAIT_POLICY'])\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {} if said is None else {"OMP_WAIT_POLICY": said}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == expected
