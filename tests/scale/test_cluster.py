"""A real Dask cluster of two workers on this machine: its answers, and what a killed worker or scheduler costs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pyarrow.parquet as pq
import pytest

from tests.scale.dask_cluster import cluster, workers
from tests.scale.pictures import png, write_tar
from tests.serve.pair import shared_pair

pytestmark = pytest.mark.slow

_SECONDS = 600


@pytest.fixture
def tars(tmp_path, mnist):
    """Twelve tars of 100 digits."""
    body = [png(mnist.test_image[number]) for number in range(100)]
    for tar in range(12):
        write_tar(tmp_path / f"{tar:02d}.tar", {f"{tar}-{number}.png": data for number, data in enumerate(body)})
    return tmp_path


@pytest.fixture
def bulk(tars, tmp_path_factory, mnist):
    """Give a function that starts the command in a process."""
    model = shared_pair(tmp_path_factory, mnist)

    def start(out, *words):
        command = [sys.executable, "-m", "aaecli", "bulk", "*.tar", "--out", out, "--model", str(model), *words]
        return subprocess.Popen(command, cwd=tars, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def ended(process, code=0):
    """Wait for the end of a command; gives its two streams."""
    out, err = process.communicate(timeout=_SECONDS)
    assert process.returncode == code, err
    return out, err


def wait_for(condition):
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def rows(folder):
    return pq.read_table(sorted(folder.glob("part-*.parquet"))).to_pylist()


def parts(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("part-*.parquet")}


def test_a_cluster_answers_as_one_process_does(tars, bulk):
    with cluster(tars) as (address, _):
        _, err = ended(bulk("many", "--cluster", address, "--style"))
        assert "neither encrypted" not in err  # it stays on this machine
    ended(bulk("one", "--processes", "1", "--style"))
    assert rows(tars / "many") == rows(tars / "one")
    assert len(rows(tars / "one")) == 1200


def test_a_killed_worker_costs_no_shard(tars, bulk):
    with cluster(tars) as (address, process):
        command = bulk("many", "--cluster", address, "--json")
        wait_for(lambda: parts(tars / "many"))
        workers(process)[-1].kill()
        out, _ = ended(command)
    assert json.loads(out)["pictures"] == 1200
    assert len(rows(tars / "many")) == 1200


def test_a_killed_scheduler_ends_the_command_which_then_continues(tars, bulk):
    with cluster(tars) as (address, process):
        command = bulk("many", "--cluster", address)
        wait_for(lambda: parts(tars / "many"))
        process.kill()
        _, err = ended(command, 1)
        assert "The connection to the cluster was lost." in err
        assert "distributed" not in err
    before = parts(tars / "many")
    assert 0 < len(before) < 12
    ended(bulk("many", "--processes", "1"))
    assert before.items() <= parts(tars / "many").items()
    assert len(rows(tars / "many")) == 1200


@pytest.mark.parametrize("who", ["driver", "worker"])
def test_killed_again_and_again_the_folder_is_the_same(tars, bulk, who):
    ended(bulk("whole", "--processes", "1"))
    kills = 0
    for _ in range(4):
        begun = len(parts(tars / "many"))
        command = bulk("many", "--processes", "2")
        wait_for(lambda: command.poll() is not None or len(parts(tars / "many")) > begun)  # noqa: B023
        if command.poll() is not None:
            break
        children = psutil.Process(command.pid).children(recursive=True)
        os.kill(command.pid if who == "driver" else children[-1].pid, signal.SIGKILL)
        kills += 1
        if who == "worker":
            ended(command)
            break
        command.communicate(timeout=_SECONDS)
        # Its workers end with it.
        wait_for(lambda: not any(each.is_running() and each.status() != "zombie" for each in children))  # noqa: B023
    assert kills
    before = parts(tars / "many")
    ended(bulk("many", "--processes", "2"))
    assert before.items() <= parts(tars / "many").items()
    assert rows(tars / "many") == rows(tars / "whole")
    assert not [path for path in (tars / "many").iterdir() if path.name.startswith(".")]
