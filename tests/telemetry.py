"""Processes that die when they open a socket of the internet, with a home and a temporary folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# The process, and all that it starts, dies when it opens a socket of the internet: no name can be looked up then, by
# whatever library. A filter of system calls: load the number, compare it with socket's, load the family, compare.
NO_SOCKETS = """
import ctypes, os, platform, runpy, struct, sys
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
number = {"x86_64": 41, "aarch64": 198}[platform.machine()]
steps = [(0x20, 0, 0, 0), (0x15, 0, 4, number), (0x20, 0, 0, 16),
         (0x15, 1, 0, 2), (0x15, 0, 1, 10), (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7FFF0000)]
code = b"".join(struct.pack("=HBBI", *step) for step in steps)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
program = Program(len(steps), code)
assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0, os.strerror(ctypes.get_errno())
"""
# One process for several commands, whose first words are parted by "+": what they import takes longer than they do.
COMMANDS = """
sys.argv = ["aaecli", *sys.argv[1:]]
from itertools import groupby
from aaecli.cli import main
for is_end, words in groupby(sys.argv[1:], "+".__eq__):
    if not is_end:
        try:
            main([*words])
        except SystemExit as end:
            if end.code:
                raise
"""


def run_alone(script: str, words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    kept = {"PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "PYTHONPATH", "COVERAGE_PROCESS_START"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    environment |= {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def left_behind(folder: Path) -> list[str]:
    """Name what a process that ran in a folder has left in its home and its temporary folder."""
    return [str(path) for name in ("home", "tmp") for path in (folder / name).rglob("*")]
