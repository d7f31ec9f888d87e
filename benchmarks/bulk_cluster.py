"""What ``aaecli bulk --cluster`` costs beside two processes, and what it loses where something of it is killed.

    python benchmarks/bulk_cluster.py folder/ --model exports/

The folder is that of ``bulk.py``, whose first tar file gives the pictures. The cluster is a ``dask scheduler`` and two
``dask worker`` with a thread each, on this machine. Each answer is compared with that of two processes, to the bit:
without a kill, and after SIGKILL of a worker, of the command, and of the scheduler, where the same command continues.
The CPU time of a picture is what all 20,000 take longer than 2,000, so that starting and loading do not count; that of
the cluster is of its workers, the scheduler and the command together. ``--part`` does one of the two.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import measured
import psutil
from bulk import encoded, write_tar
from bulk_runs import begin, begun_in, command_of, compare_folders, end, parts_of, side_by_side, workers

PICTURES, FIRST, SHARD = 20_000, 2000, 1000
_PATIENCE_SECONDS = 120
_KILL_AFTER = 5
"""Shards."""


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[psutil.Process]]]:
    """Start a scheduler and two workers; gives its address and the processes, the scheduler first."""
    note = folder / "scheduler.json"
    note.unlink(missing_ok=True)
    named = ["--scheduler-file", str(note), "--no-dashboard", "--host", "127.0.0.1"]
    with ExitStack() as stack:
        started = [_dask(stack, "scheduler", *named, "--port", "0")]
        wait_for(lambda: note.exists() and note.stat().st_size > 0)
        started += [
            _dask(stack, "worker", *named, "--nthreads", "1", "--local-directory", str(folder / f"worker-{number}"))
            for number in (0, 1)
        ]
        wait_for(lambda: sum(len(workers(process)) for process in started) == 2)
        yield json.loads(note.read_text())["address"], started


def _dask(stack: ExitStack, *words: str) -> psutil.Process:
    command = [sys.executable, "-m", "dask", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    known = psutil.Process(process.pid)

    def stop() -> None:
        for each in (*known.children(recursive=True), known) if process.poll() is None else ():
            each.kill()
        process.wait()

    stack.callback(stop)
    return known


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("nothing happens any more")
        time.sleep(0.02)


def seconds_so_far(processes: list[psutil.Process]) -> float:
    """Give the CPU time of processes and of those that they have started."""
    everything = [each for process in processes for each in (process, *process.children(recursive=True))]
    return sum(sum(each.cpu_times()[:2]) for each in everything)


class Runs:
    """Runs of the same pictures into folders of their own.

    Args:
        folder: Where the pictures are.
        model: The exported model.
    """

    def __init__(self, folder: Path, model: Path) -> None:
        self._folder, self._model = folder, model

    def start(self, out: str, *words: object) -> subprocess.Popen[bytes]:
        """Start a run of all pictures into a folder."""
        return begin(self._folder, self._model, "few.tar", "--out", out, "--shard-size", SHARD, *words)

    def cost(self) -> dict[str, float]:
        """Give the CPU time of a picture by two processes and by the cluster, both at the same time."""
        with cluster(self._folder) as (address, started):
            self._spent("load", "first.tar", address, started)
            first = self._spent("first", "first.tar", address, started)
            whole = self._spent("few", "few.tar", address, started)
        compare_folders(self._folder / "few", self._folder / "few-cluster")
        spent = (1000 * (late - early) / (PICTURES - FIRST) for early, late in zip(first, whole, strict=True))
        return dict(zip(("processes", "cluster"), spent, strict=True))

    def _spent(self, out: str, source: str, address: str, started: list[psutil.Process]) -> tuple[float, float]:
        """Give the CPU time of a run of two processes, and of one of the cluster with all of its processes."""
        before = seconds_so_far(started)
        words = (source, "--shard-size", SHARD)
        processes, command = side_by_side(
            self._folder,
            command_of(self._model, *words, "--out", out, "--processes", 2),
            command_of(self._model, *words, "--out", f"{out}-cluster", "--cluster", address),
        )
        return processes, command + seconds_so_far(started) - before

    def killed(self, who: str) -> int:
        """Kill a worker, the command or the scheduler after some shards; gives how many were under way then."""
        out = f"few-{who}"
        with cluster(self._folder) as (address, started):
            command = self.start(out, "--cluster", address)
            wait_for(lambda: len(parts_of(self._folder / out)) >= _KILL_AFTER)
            done, under_way = parts_of(self._folder / out), begun_in(self._folder / out)
            if who == "worker":
                workers(started[1])[0].kill()
                end(command)
            elif who == "command":
                command.kill()
                command.communicate()
                end(self.start(out, "--cluster", address))
            else:
                started[0].kill()
                _, err = command.communicate()
                print(f"the command ends with {command.returncode}: {err.decode().strip().splitlines()[0]}")
        if who == "scheduler":
            with cluster(self._folder) as (address, _):
                end(self.start(out, "--cluster", address))
        rewritten = [name for name, written in done.items() if parts_of(self._folder / out)[name] != written]
        print(f"{who} killed after {len(done)} of {PICTURES // SHARD} shards, {len(under_way)} under way")
        if rewritten or begun_in(self._folder / out):
            raise SystemExit(f"written again: {rewritten}; left: {begun_in(self._folder / out)}")
        compare_folders(self._folder / "few", self._folder / out)
        return len(under_way)


def main() -> None:
    """Measure, kill, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--part", choices=("cost", "killed"))
    parser.add_argument("--keep", action="store_true", help="write the figures into results/bulk.json")
    options = parser.parse_args()
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    picture = encoded()[:PICTURES]
    write_tar(folder / "few.tar", picture, range(PICTURES))
    write_tar(folder / "first.tar", picture, range(FIRST))
    runs = Runs(folder, options.model.absolute())
    found: dict[str, float] = {}
    if options.part != "killed":
        found |= runs.cost()
    if options.part != "cost":
        found["redone"] = max(runs.killed(who) for who in ("worker", "command", "scheduler"))
    print(json.dumps({name: round(value, 3) for name, value in found.items()}), flush=True)
    if options.keep:
        note = f"{PICTURES:,} pictures, shards of {SHARD}; beyond the first {FIRST:,}."
        where = {"command": measured.command(), "note": note, **measured.here()}
        texts = {
            "processes": ("CPU time of a picture by `bulk --processes 2`", "ms", 3),
            "cluster": ("CPU time of a picture by `bulk --cluster`, two workers", "ms", 3),
            "redone": ("shards that were under way where a part of a cluster was killed, at most", "", 0),
        }
        entries = [
            measured.Measurement(
                f"bulk/few-{name}", texts[name][0], values=(value,), unit=texts[name][1], digits=texts[name][2], **where
            )
            for name, value in found.items()
        ]
        measured.write(entries)


if __name__ == "__main__":
    main()
