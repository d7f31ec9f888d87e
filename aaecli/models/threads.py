"""How many threads to compute with: as many as there are cores that this process may use, and no more."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")


def settle_waiting() -> None:
    """Have OpenMP's threads sleep while they wait for each other, unless the user has said how they are to wait.

    By default they spin. Where another program holds a core, the thread that is late is then kept late by those that
    wait for it, and a training becomes several times slower. OpenMP reads the variable as it is loaded: this is to be
    called before torch is imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def choose_threads() -> int:
    """Give the number of threads to compute with where nobody says another.

    ``OMP_NUM_THREADS`` if it is set; else the number of cores that the process may run on, each counted once however
    many threads the processor runs on it, and no more than its control group has time for (a container's limit).
    """
    limit = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if limit.isascii() and limit.isdigit() and int(limit) > 0:
        return int(limit)
    cores = num_cores()
    quota = cpu_quota()
    return cores if quota is None else max(1, min(cores, int(quota)))


def num_cores() -> int:
    """Count the cores that this process may run on."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    processors = os.sched_getaffinity(0)
    return len({_core_of(processor) for processor in processors}) or 1


def _core_of(processor: int) -> str:
    """Name the core of a processor, as the system numbers them: processors that are one core share its siblings."""
    path = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
    return _text(path) or str(processor)


def cpu_quota(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> float | None:
    """Give how many processors' time the control groups of this process allow, of either version; None for no limit.

    Args:
        proc: Where the system tells of processes.
        cgroups: Where it tells of control groups.
    """
    found = []
    for line in _text(proc / "self" / "cgroup").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers == "":
            found += [_quota_of_two(folder / "cpu.max") for folder in _upwards(cgroups, path)]
            found += [_quota_of_two(folder / "cpu.max") for folder in _upwards(cgroups / "unified", path)]
        elif "cpu" in controllers.split(","):
            for name in (controllers, "cpu", "cpu,cpuacct"):
                found += [_quota_of_one(folder) for folder in _upwards(cgroups / name, path)]
    return min((quota for quota in found if quota is not None), default=None)


def _upwards(root: Path, path: str) -> Iterable[Path]:
    """Give the folder of a control group and those that it is in: each may set a limit.

    In a container the group's path may be that outside, so the root is looked at in any case.
    """
    inner = [part for part in path.split("/") if part not in ("", ".", "..")]
    return [root.joinpath(*inner[:depth]) for depth in range(len(inner), -1, -1)]


def _quota_of_two(path: Path) -> float | None:
    quota, _, period = _text(path).partition(" ")
    return _ratio(quota, period)


def _quota_of_one(folder: Path) -> float | None:
    return _ratio(_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us"))


def _ratio(quota: str, period: str) -> float | None:
    """Give the share of time; None for ``max``, -1 or what is no number."""
    if not (quota.isascii() and quota.isdigit() and period.isascii() and period.isdigit()):
        return None
    return int(quota) / int(period) if int(quota) > 0 and int(period) > 0 else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def counted(number: int) -> str:
    """Say how many threads: ``1 thread``, ``2 threads``."""
    return f"{number} thread{'' if number == 1 else 's'}"
