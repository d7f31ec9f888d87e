"""What ``bulk.py`` and ``bulk_cluster.py`` share: runs of ``aaecli bulk``, what they leave, and killing them."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow.parquet as pq

_POLL_SECONDS = 0.02
_PATIENCE_SECONDS = 60
_TEMPORARY = re.compile(r"\.part-\d+\.parquet\.\w{8}")
_OF_ONE_PROGRAM = ("label_prob", "style", "error")
"""Columns that ``classify --json`` does not print."""


def seconds_of(work: Callable[[], object]) -> float:
    """Give the CPU time of the processes that something starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def side_by_side(folder: Path, *commands: Sequence[str]) -> list[float]:
    """Run commands at the same time, so that what else the machine does slows all down alike; gives their CPU times."""
    processes = [subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) for command in commands]
    found = []
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"a command failed: {process.args}")
        found.append(usage.ru_utime + usage.ru_stime)
    return found


def command_of(model: Path, *words: object) -> list[str]:
    """Spell a command of ``aaecli bulk``."""
    return [sys.executable, "-m", "aaecli", "bulk", *map(str, words), "--model", str(model), "--top-k", "3"]


def begin(folder: Path, model: Path, *words: object) -> subprocess.Popen[bytes]:
    """Start ``aaecli bulk``."""
    return subprocess.Popen(command_of(model, *words), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a command, which has to end well."""
    _, err = process.communicate()
    if process.returncode:
        raise SystemExit(f"bulk failed: {err.decode()}")


def workers(process: psutil.Process) -> list[psutil.Process]:
    """Give the processes that classify, of those that a command has started."""
    try:
        return [child for child in process.children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]
    except psutil.Error:
        return []


def parts_of(folder: Path) -> dict[str, int]:
    """Give the parts that are done, and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in sorted(folder.glob("part-*.parquet"))}


def begun_in(folder: Path) -> set[str]:
    """Name the temporary files of shards that are under way, and of those that killed workers left."""
    return {path.name for path in folder.glob(".part-*") if _TEMPORARY.fullmatch(path.name)}


def rows_of(folder: Path) -> Iterator[dict[str, Any]]:
    """Read answers as ``classify --json`` prints them, in the order of the inputs."""
    for name in parts_of(folder):
        for row in pq.read_table(folder / name).to_pylist():
            row["image"] = row.pop("key")
            for column in ("probability", "reconstruction_error", "novelty"):
                row[column] = None if row[column] is None else round(row[column], 6)
            row["top"] = [entry | {"probability": round(entry["probability"], 6)} for entry in row["top"]]
            yield {column: value for column, value in row.items() if column not in _OF_ONE_PROGRAM}


def compare(folder: Path, expected: list[dict[str, Any]], count: int) -> None:
    """See that a folder has a row for each picture, in order, and that it is the one that ``classify`` printed.

    Args:
        folder: The answers; ``bulk.key_of`` has named the pictures.
        expected: The rows of the unique pictures.
        count: How many pictures there are.
    """
    number = same = 0
    for row in rows_of(folder):
        index = number % len(expected)
        is_next = row.pop("image") == f"{number // len(expected):03d}/{index:05d}.png"
        same += is_next and row == {name: value for name, value in expected[index].items() if name != "image"}
        number += 1
    print(f"{folder.name}: {number:,} rows, {same:,} of {count:,} as classify prints them", flush=True)
    if not same == number == count:
        raise SystemExit(1)


def compare_folders(first: Path, second: Path) -> None:
    """See that two folders have the same parts, equal in all columns, each number to the bit."""
    names = list(parts_of(first))
    same = sum(pq.read_table(first / name).equals(pq.read_table(second / name)) for name in names)
    print(f"{second.name}: {same} of {len(names)} parts equal those of {first.name}", flush=True)
    if names != list(parts_of(second)) or same != len(names):
        raise SystemExit(1)


class Killed:
    """A run that is killed again and again; what is known of it lies in a file, so that it can be continued.

    Args:
        start: Starts the command, or continues it.
        out: Its folder of answers.
        total: Shards in all.
        kills: How often it is killed.
    """

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]], out: Path, total: int, kills: int) -> None:
        self._start, self._out, self._total, self._kills = start, out, total, kills
        self._record = out.with_suffix(".json")
        self._rng = np.random.default_rng()
        known = json.loads(self._record.read_text()) if self._record.exists() else {}
        self.redone: list[int] = known.get("redone", [])
        """Of each kill, how many shards were under way."""
        self._lost = set[str](known.get("lost", []))
        self._done: dict[str, int] = known.get("done", {})

    def run(self, seconds: float) -> bool:
        """Go on for so long; gives whether all is done."""
        until, process = time.monotonic() + seconds, self._start()
        while len(self.redone) < self._kills:
            done = len(parts_of(self._out))
            wanted = done + max(1, (self._total - done) // (self._kills - len(self.redone) + 1))
            if not self._reaches(process, wanted, until):
                break
            time.sleep(self._rng.uniform(0, 2))
            process = self._kill(process)
        self._reaches(process, self._total + 1, until)
        is_done = process.poll() is not None
        if is_done:
            end(process)
        else:
            self._note()
            process.send_signal(signal.SIGINT)
            process.communicate()
        self._keep()
        return is_done

    def _reaches(self, process: subprocess.Popen[bytes], wanted: int, until: float) -> bool:
        """Wait until so many parts are done; gives whether the run goes on then."""
        while process.poll() is None and time.monotonic() < until:
            if len(parts_of(self._out)) >= wanted:
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _kill(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Kill a worker, or the command, which is then started again."""
        is_worker, victims = len(self.redone) % 2 == 0, workers(psutil.Process(process.pid))
        under_way = self._note()
        if is_worker:
            victims[int(self._rng.integers(len(victims)))].kill()
        else:
            process.kill()
            process.communicate()
            psutil.wait_procs(victims, _PATIENCE_SECONDS)
            process = self._start()
        self.redone.append(under_way)
        what = "a worker" if is_worker else "the command"
        print(f"kill {len(self.redone)}: {what}, {len(self._done)} of {self._total} shards done, {under_way} under way")
        self._keep()
        return process

    def _note(self) -> int:
        """Note what is done and what is under way; gives how many shards that is."""
        self._done |= parts_of(self._out)
        under_way = begun_in(self._out) - self._lost
        self._lost |= under_way
        return len(under_way)

    def _keep(self) -> None:
        self._record.write_text(json.dumps({"redone": self.redone, "lost": sorted(self._lost), "done": self._done}))

    def check(self) -> None:
        """See that no finished part was written again, and that each kill cost a shard a worker at most."""
        now = parts_of(self._out)
        rewritten = [name for name, written in self._done.items() if now.get(name) != written]
        print(f"{self._out.name}: {len(self.redone)} kills, at most {max(self.redone)} shards to do again each time")
        if rewritten or max(self.redone) > 2 or len(now) != self._total or begun_in(self._out):
            raise SystemExit(f"written again: {rewritten}; under way: {self.redone}; left: {begun_in(self._out)}")
