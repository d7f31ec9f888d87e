"""Who does the work: processes, a cluster, or one of several commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from aaecli.scale.executors import Engine
    from aaecli.scale.share import Share

WORKERS = "Workers"
MAX_PROCESSES = 1024


def _file(name: str, what: str) -> Any:
    return typer.Option(f"--cluster-{name}", metavar="FILE.pem", help=f"{what}, for tls://.", rich_help_panel=WORKERS)


Processes = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MAX_PROCESSES,
        metavar="N",
        help="Processes on this machine.",
        show_default="one per core, at most 16",
        rich_help_panel=WORKERS,
    ),
]
Task = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        help="Do only part I of N, counted from 0; auto: as a Slurm array or Kubernetes Indexed Job numbers it.",
        rich_help_panel=WORKERS,
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Run on the workers of this Dask scheduler, tcp://HOST:PORT or tls://HOST:PORT. They need the same files "
        "under the same paths.",
        rich_help_panel=WORKERS,
    ),
]
ClusterCert = Annotated[Path | None, _file("cert", "Certificate of this client")]
ClusterKey = Annotated[Path | None, _file("key", "Its key")]
ClusterCa = Annotated[Path | None, _file("ca", "Certificates of the authority")]


def own_share(task: str | None, *, quiet: bool) -> Share | None:
    """Give which part of the work ``--task`` names, and say so; None for all of it.

    Raises:
        AaeError: There is no such part.
    """
    if task is None:
        return None
    from aaecli.scale.share import read_share
    from aaecli.terminal.console import say

    share = read_share(task)
    if not quiet:
        say(f"Part {share.index} of {share.count}, counted from 0 ({share.source}).")
    return share


@dataclass(frozen=True)
class Connection:
    """The options of a cluster."""

    url: str | None
    cert: Path | None
    key: Path | None
    ca: Path | None


def chosen_engine(
    num_tasks: int, processes: int | None, connection: Connection, *, threads: int | None = None, is_long: bool = False
) -> Engine:
    """Give who runs the tasks.

    Args:
        num_tasks: How many there are: no more processes than that are started.
        processes: ``--processes``.
        connection: ``--cluster`` and its certificates.
        threads: Threads of each process on this machine; where None, so many that they share the cores.
        is_long: Whether a task takes so long that each process is worth cores of its own.

    Raises:
        typer.BadParameter: Options that do not go together.
        AaeError: The cluster cannot be used.
    """
    from aaecli.data.workers import num_cores
    from aaecli.scale import executors
    from aaecli.terminal.console import say

    url, *files = connection.url, connection.cert, connection.key, connection.ca
    if url is None:
        if any(files):
            raise typer.BadParameter("--cluster-cert, --cluster-key and --cluster-ca go with --cluster.")
        count = min(processes or executors.default_processes(), num_tasks)
        if not is_long:
            return executors.local(count)
        return executors.slots(count, threads or max(1, num_cores() // count))
    if processes is not None:
        raise typer.BadParameter("Choose one of --processes and --cluster.")
    if executors.is_open_to_others(url):
        say(
            "warning: the traffic with this cluster is neither encrypted nor authenticated: anyone in its network can "
            "run code there. Use tls:// outside of a private network."
        )
    return executors.cluster(url, executors.Security(*files))
