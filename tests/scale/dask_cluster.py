"""A real Dask cluster of two workers on this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Start a cluster; gives the address of its scheduler and the process that this runs in."""
    (folder / "cluster.py").write_text(_CLUSTER)
    command = [sys.executable, str(folder / "cluster.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield process.stdout.readline().decode().strip(), psutil.Process(process.pid)  # type: ignore[union-attr]
        finally:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()


def workers(process: psutil.Process) -> list[psutil.Process]:
    """Give the processes of a cluster, or of a pool, that do the work."""
    return [child for child in process.children() if "spawn_main" in " ".join(child.cmdline())]
