"""The command line in processes of its own, forked from one that has its libraries loaded: half a minute less a dozen.

Each is as real as one that was typed: it can be killed, limited and measured, and ends with an exit code.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    # The first step of any optimiser imports torch._dynamo.
    [
        "torch._dynamo",
        "aaecli.cli.train",
        "aaecli.cli.eval",
        "aaecli.cli.classify",
        "aaecli.learn.training",
        "onnxruntime",
        "rich.console",
    ]
)
_SECONDS = 60


class Outcome(NamedTuple):
    """How a command ended: its exit code (negative: the signal), its streams, and what it took."""

    code: int
    out: str
    err: str
    seconds: float
    max_bytes: int


@dataclass
class Started:
    """A command under way.

    Attributes:
        process: It.
        notes: Folder that its streams go to.
    """

    process: Any
    notes: Path

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal."""
        os.kill(self.process.pid, number)

    def wait(self, seconds: float = _SECONDS) -> Outcome:
        """Wait for the end.

        Raises:
            TimeoutError: It goes on; it has been killed.
        """
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            raise TimeoutError(f"still going on after {seconds} seconds: {self._text('err')}")
        took = json.loads(self._text("took") or "[0, 0]")
        return Outcome(self.process.exitcode, self._text("out"), self._text("err"), *took)

    def _text(self, name: str) -> str:
        path = self.notes / name
        return path.read_text(errors="replace") if path.exists() else ""


def start(words: list[str], cwd: Path, notes: Path, limits: Mapping[int, int] | None = None) -> Started:
    """Start ``aaecli WORDS…`` in a folder.

    Args:
        words: What is typed.
        cwd: The folder.
        notes: An empty or absent folder for the streams.
        limits: Limits of the operating system, by their number in ``resource``; memory as what may come on top.
    """
    notes.mkdir(parents=True, exist_ok=True)
    process = _CONTEXT.Process(target=_main, args=(words, str(cwd), str(notes), dict(limits or {})), daemon=True)
    process.start()
    return Started(process, notes)


def run(words: list[str], cwd: Path, notes: Path, limits: Mapping[int, int] | None = None) -> Outcome:
    """Run ``aaecli WORDS…`` to its end."""
    return start(words, cwd, notes, limits).wait()


def _main(words: list[str], cwd: str, notes: str, limits: dict[int, int]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    for name in [name for name in os.environ if name.startswith("AAECLI_")]:
        del os.environ[name]
    os.environ["COLUMNS"] = "100"
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(Path(notes, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    for number, most in limits.items():
        extra = _virtual_bytes() if number == resource.RLIMIT_AS else 0
        resource.setrlimit(number, (most + extra, most + extra))
    from aaecli.cli import main

    began = time.monotonic()
    try:
        main(words)
    finally:
        sys.stderr.flush()
        took = [time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]
        Path(notes, "took").write_text(json.dumps(took))


def _virtual_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
