"""Who runs the tasks: this process, others of this machine, or a Dask cluster; each a ``concurrent.futures.Executor``.

Another engine is another function here: it gives an executor and says which errors mean that a worker, or all of it,
was lost.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from aaecli.data.workers import begin_worker, num_cores, start_pool
from aaecli.errors import AaeError, missing_package

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Errors = tuple[type[BaseException], ...]
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CONNECT_SECONDS = 30
_MOST_BY_DEFAULT = 16
_DEVICES = Path("/dev")
_NUM_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Engine:
    """A way to run tasks.

    Attributes:
        count: Tasks that run at the same time.
        ahead: Tasks that are handed over before the first is done; more than ``count``, so that none waits.
        start: Gives an executor with so many workers. Leaving its block ends them, at once where an error is raised.
        broken: What a future raises where a worker, and with it the executor, was lost.
        killed: What a future raises where its task has ended several workers.
        lost: What a future raises where the executor cannot be reached any more.
    """

    count: int
    ahead: int
    start: Callable[[int], Any]
    broken: _Errors = ()
    killed: _Errors = ()
    lost: _Errors = ()


class _Here(Executor):
    """Runs each task as it is handed over."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        future: Future[_T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except AaeError as error:
            future.set_exception(error)
        return future


def in_process() -> Engine:
    """Run the tasks in this process, one after the other."""

    @contextmanager
    def start(_: int) -> Iterator[Executor]:
        yield _Here()

    return Engine(1, 1, start)


def processes(count: int) -> Engine:
    """Run the tasks in processes of this machine, spawned, one thread each.

    Args:
        count: How many.
    """

    @contextmanager
    def start(number: int) -> Iterator[Executor]:
        # What a worker computes with is loaded in it, and reads these then.
        with _environment(dict.fromkeys(_NUM_THREADS, "1")):
            pool, _ = start_pool(number, may_fork=False)
            with _ended(pool):
                yield pool

    return Engine(count, 2 * count, start, broken=(BrokenProcessPool,))


def slots(count: int, threads: int) -> Engine:
    """Run long tasks in processes of this machine, each on cores and, where there are some, a GPU of its own.

    Two computations that share cores wait for each other many times a second: both take several times as long.

    Args:
        count: How many.
        threads: Threads, and so cores, of each.
    """

    @contextmanager
    def start(number: int) -> Iterator[Executor]:
        context = multiprocessing.get_context("spawn")
        free = context.SimpleQueue()
        for slot in range(number):
            free.put(slot)
        with _environment(dict.fromkeys(_NUM_THREADS, str(threads))):
            pool = ProcessPoolExecutor(number, context, initializer=_take_slot, initargs=(free, threads))
            with _ended(pool):
                yield pool

    return Engine(count, count, start, broken=(BrokenProcessPool,))


def _take_slot(free: Any, threads: int) -> None:
    begin_worker()
    slot = free.get()
    if hasattr(os, "sched_setaffinity") and (cores := cores_of(slot, threads, sorted(os.sched_getaffinity(0)))):
        os.sched_setaffinity(0, cores)
    if gpus := gpus_of(os.environ.get("CUDA_VISIBLE_DEVICES"), _DEVICES):
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]


def cores_of(slot: int, threads: int, cores: Sequence[int]) -> Sequence[int]:
    """Give the cores of a slot; none where there are too few for all of them."""
    found = cores[slot * threads : (slot + 1) * threads]
    return found if len(found) == threads else ()


def gpus_of(visible: str | None, devices: Path) -> list[str]:
    """Name the GPUs to share out: those that CUDA may see, else those that the system has."""
    if visible is not None:
        return [name for name in visible.split(",") if name]
    return sorted(path.name.removeprefix("nvidia") for path in devices.glob("nvidia[0-9]*"))


def local(count: int) -> Engine:
    """Run the tasks on this machine: in this process where one is enough."""
    return processes(count) if count > 1 else in_process()


def default_processes() -> int:
    """Give how many processes are started where nobody says: one for each core, and no more than a few."""
    return min(num_cores(), _MOST_BY_DEFAULT)


@contextmanager
def _ended(pool: ProcessPoolExecutor) -> Iterator[None]:
    """End the processes of a pool with the block; without waiting for what they do where it ends with an error."""
    try:
        yield
    except BaseException:
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ |= variables
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@dataclass(frozen=True)
class Security:
    """What a connection over TLS needs.

    Attributes:
        cert: The client's certificate.
        key: Its key.
        ca: Certificates that the scheduler's is checked against.
    """

    cert: Path | None = None
    key: Path | None = None
    ca: Path | None = None


def is_open_to_others(url: str) -> bool:
    """Tell whether the traffic with a scheduler, which is pickled code, crosses a network in the clear."""
    parts = urlsplit(url)
    return parts.scheme != "tls" and (parts.hostname or "") not in _LOOPBACK


def cluster(url: str, security: Security | None = None) -> Engine:
    """Run the tasks on the workers of a Dask scheduler.

    Args:
        url: Its address: ``tcp://head:8786``, or ``tls://…`` with certificates.
        security: For ``tls``.

    Raises:
        AaeError: Dask is not installed, the scheduler cannot be reached, or it has no workers.
    """
    if urlsplit(url).scheme not in ("tcp", "tls"):
        raise AaeError(f"--cluster takes the address of a Dask scheduler, not {url}.", "Such as tcp://head:8786.")
    try:
        import distributed
    except ImportError as error:
        raise missing_package("--cluster", "distributed", "cluster") from error

    # Of a lost scheduler it prints tracebacks, besides the error that is raised.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    client = _connected(distributed, url, security)
    count = sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())
    if not count:
        client.close()
        raise AaeError(
            f"The scheduler {url} has no workers.", f"Start some: `dask worker {url} --nworkers 4 --nthreads 1`."
        )

    @contextmanager
    def start(_: int) -> Iterator[Executor]:
        executor = client.get_executor(pure=False, retries=0)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)
            client.close()

    return Engine(
        count,
        2 * count,
        start,
        killed=(distributed.scheduler.KilledWorker,),
        lost=(
            distributed.CancelledError,
            distributed.client.FutureCancelledError,
            distributed.comm.core.CommClosedError,
        ),
    )


def _connected(distributed: Any, url: str, security: Security | None) -> Any:
    """Connect to a scheduler."""
    named = security or Security()
    secured = None
    if url.startswith("tls:"):
        missing = [f"--cluster-{name}" for name in ("cert", "key", "ca") if getattr(named, name) is None]
        if missing:
            raise AaeError(f"{url} needs {', '.join(missing)}.", "Name the files of its certificates.")
        secured = distributed.Security(
            tls_ca_file=str(named.ca),
            tls_client_cert=str(named.cert),
            tls_client_key=str(named.key),
            require_encryption=True,
        )
    try:
        return distributed.Client(url, timeout=_CONNECT_SECONDS, security=secured, set_as_default=False)
    except (OSError, TimeoutError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise AaeError(
            f"The scheduler {url} cannot be reached: {reason}.", "Check that `dask scheduler` runs there."
        ) from error
