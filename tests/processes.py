"""The command line in processes of its own, forked from one that has its libraries loaded: half a minute less a dozen.

Each is as real as one that was typed: it can be killed, limited and measured, and ends with an exit code.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import multiprocessing
import os
import resource
import signal
import sys
import traceback
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
        "aaecli.training.run",
        "aaecli.data.readers.image_folder.collection",
        "aaecli.cli.data",
        "aaecli.cli.label",
        "aaecli.serve.pipeline",
        "onnxruntime",
        "rich.console",
    ]
)
PATIENCE = 300
"""Seconds by the clock that anything may take before it counts as hanging: a busy machine is no fault."""


def forking() -> Any:
    """Give what starts processes of a test's own that have the libraries loaded."""
    return _CONTEXT


class Outcome(NamedTuple):
    """How a command ended: its exit code (negative: the signal), its streams, and what it took.

    ``seconds`` are those of the processors, its own children's among them: a busy machine makes none of them longer.
    """

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

    def wait(self, seconds: float = PATIENCE) -> Outcome:
        """Wait for the end.

        Raises:
            TimeoutError: It goes on; it has been killed.
        """
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            raise TimeoutError(f"still going on after {seconds} seconds: {self._text('err')}")
        _, *took = json.loads(self._text("took") or "[0, 0, 0]")
        return Outcome(self.process.exitcode, self._text("out"), self._text("err"), *took)

    def _text(self, name: str) -> str:
        path = self.notes / name
        return path.read_text(errors="replace") if path.exists() else ""


def start(
    words: list[str],
    cwd: Path,
    notes: Path,
    limits: Mapping[int, int] | None = None,
    *,
    obeys_permissions: bool = False,
    environment: Mapping[str, str] | None = None,
    terminal: str = "",
) -> Started:
    """Start ``aaecli WORDS…`` in a folder.

    Args:
        words: What is typed.
        cwd: The folder.
        notes: An empty or absent folder for the streams.
        limits: Limits of the operating system, by their number in ``resource``; memory as what may come on top.
        obeys_permissions: Even where the tests run as root, whom no permission stops.
        environment: Variables to set; of the program's own, there are no others but that no figures are drawn.
        terminal: Device that is all three streams, instead of files in ``notes``.
    """
    notes.mkdir(parents=True, exist_ok=True)
    settings = (dict(limits or {}), obeys_permissions, dict(environment or {}), terminal)
    process = _CONTEXT.Process(target=_main, args=(words, str(cwd), str(notes), *settings), daemon=True)
    process.start()
    return Started(process, notes)


def run_each(commands: Mapping[str, list[str]], cwd: Path, notes: Path) -> dict[str, Outcome]:
    """Run commands one after the other in one process, each in the folder of its name below ``cwd``.

    Their ``max_bytes`` is the most that the process has taken until then.
    """
    notes.mkdir(parents=True, exist_ok=True)
    # No daemon, which may not start the processes that read many pictures.
    process = _CONTEXT.Process(target=_main_each, args=(dict(commands), str(cwd), str(notes)))
    process.start()
    process.join(PATIENCE + 60 * len(commands))
    if process.exitcode is None:
        process.kill()
        process.join()
    found = {}
    for name in commands:
        texts = [path.read_text(errors="replace") if path.exists() else "" for path in _files(notes / name)]
        code, *took = json.loads(texts[2] or "[-1, 1e9, 1e99]")
        found[name] = Outcome(code, texts[0], texts[1], *took)
    return found


def run(
    words: list[str],
    cwd: Path,
    notes: Path,
    limits: Mapping[int, int] | None = None,
    *,
    obeys_permissions: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Run ``aaecli WORDS…`` to its end."""
    started = start(words, cwd, notes, limits, obeys_permissions=obeys_permissions, environment=environment)
    return started.wait()


def _main(
    words: list[str],
    cwd: str,
    notes: str,
    limits: dict[int, int],
    obeys_permissions: bool,
    environment: dict[str, str],
    terminal: str,
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Daemons may start no processes of their own; commands that read many pictures do.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    if obeys_permissions and os.geteuid() == 0:
        _give_up_power()
    for number, most in limits.items():
        extra = _virtual_bytes() if number == resource.RLIMIT_AS else 0
        resource.setrlimit(number, (most + extra, most + extra))
    sys.exit(_command(words, Path(cwd), Path(notes), environment, terminal, is_last=True))


def _main_each(commands: dict[str, list[str]], cwd: str, notes: str) -> None:
    for name, words in commands.items():
        _command(words, Path(cwd, name), Path(notes, name))


def _command(
    words: list[str],
    cwd: Path,
    notes: Path,
    environment: Mapping[str, str] | None = None,
    terminal: str = "",
    *,
    is_last: bool = False,
) -> int:
    os.chdir(cwd)
    for name in [name for name in os.environ if name.startswith("AAECLI_")]:
        del os.environ[name]
    os.environ["COLUMNS"] = "100"
    os.environ["AAECLI_CACHE"] = str(notes.parent / "cache")
    os.environ["AAECLI_FIGURES"] = "0"
    os.environ |= environment or {}
    notes.mkdir(parents=True, exist_ok=True)
    out, err, took = _files(notes)
    streams = ((0, terminal), (1, terminal), (2, terminal)) if terminal else ((1, out), (2, err))
    for descriptor, path in streams:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
        os.close(file)
    if terminal:  # which, unlike the files of before, cannot be sought in
        sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
    from aaecli.cli import main

    began, code = _cpu_seconds(), -1
    try:
        main(words)
    except SystemExit as ended:
        code = int(ended.code or 0)
    except Exception:  # noqa: BLE001 - whatever it is, the test is to see it
        sys.stderr.write(traceback.format_exc())
    sys.stderr.flush()
    if is_last:
        # Ends the processes that it has started, which count from then on.
        atexit._run_exitfuncs()
    # Its own or that of the largest of its children.
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    most = max(usage.ru_maxrss for usage in usages) * 1024
    took.write_text(json.dumps([code, _cpu_seconds() - began, most]))
    return code


def _cpu_seconds() -> float:
    """Give the processors' time of this process and of those of its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _files(notes: Path) -> list[Path]:
    return [notes / name for name in ("out", "err", "took")]


def _give_up_power() -> None:
    """Have root obey the permissions of files: without its capabilities to read, search and write all of them."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # the third version of the interface, this process
    sets = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None).capset(header, sets) != 0:
        raise OSError("capset failed")


def _virtual_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
