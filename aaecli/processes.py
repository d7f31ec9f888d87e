"""Whether a process is alive, and since when: a number alone is given to another process sooner or later."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

_PROC = Path("/proc")


def started_at(pid: int) -> float | None:
    """Give the moment at which a process of this machine began, in seconds since 1970; None where there is none."""
    if (_PROC / "stat").is_file():
        return _from_proc(pid)
    return _from_command(pid)


def _from_proc(pid: int) -> float | None:
    try:
        # The second field is the program's name in brackets and may hold anything, brackets included.
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        booted = next(line for line in (_PROC / "stat").read_text().splitlines() if line.startswith("btime "))
    except (OSError, StopIteration):
        return None
    state, ticks = fields[0], int(fields[19])
    # A process that has ended keeps its number until its parent has asked how.
    return None if state in "ZX" else int(booted.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")


def _from_command(pid: int) -> float | None:
    if sys.platform == "win32":
        script = f"[DateTimeOffset]::new((Get-Process -Id {pid} -ErrorAction Stop).StartTime).ToUnixTimeSeconds()"
        return _seconds(["powershell", "-NoProfile", "-Command", script], None)
    return _seconds(["ps", "-o", "lstart=", "-p", str(pid)], "%a %b %d %H:%M:%S %Y")


def _seconds(command: list[str], date_format: str | None) -> float | None:
    """Run a command that prints a date in local time, or seconds where no format is given."""
    try:
        answer = subprocess.run(  # noqa: S603 - the only variable part is a whole number
            command, capture_output=True, text=True, timeout=10, check=True, env={**os.environ, "LC_ALL": "C"}
        ).stdout.strip()
        return time.mktime(time.strptime(answer, date_format)) if date_format else float(answer)
    except (OSError, subprocess.SubprocessError, ValueError, OverflowError):
        return None
