"""Running many tasks on an engine: a few handed over at a time, and one that ends its worker ends nothing else."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from itertools import islice
from typing import Generic, TypeVar

from aaecli.errors import AaeError
from aaecli.scale.executors import Engine

_LOSSES_TOGETHER = 2
"""So often a task may be under way beside others while a worker is lost; then it runs alone."""
_LOSSES_ALONE = 2
"""Workers that a task may end while it runs alone; then it is given up."""
_LOOK_SECONDS = 0.5
_GIVEN_UP = 3
"""So many tasks given up, and none done: the fault is not theirs."""
_T = TypeVar("_T")
_R = TypeVar("_R")


class _StoppedError(Exception):
    """Whoever watches wants an end: the workers are ended."""


def run_all(
    engine: Engine,
    function: Callable[[_T], _R],
    tasks: Iterable[_T],
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[_T, _R | AaeError]]:
    """Run a function over tasks, and give each with its result, in the order in which they end.

    Args:
        engine: Where.
        function: What to run; it and the tasks are pickled where the engine has other processes.
        tasks: Hashable. Taken a few at a time.
        stopping: Asked now and then. Once it is true, the workers are told to end, and nothing more comes.

    Yields:
        The task, and what the function returned; an error where the task ended its workers, as one does for which the
        memory does not suffice.

    Raises:
        AaeError: The engine was lost, or no worker starts; or the function raised it, and so the rest makes no sense
            either.
    """
    try:
        yield from _Run(engine, function, tasks, stopping).results()
    except _StoppedError:
        return


class _Run(Generic[_T, _R]):
    def __init__(
        self, engine: Engine, function: Callable[[_T], _R], tasks: Iterable[_T], stopping: Callable[[], bool]
    ) -> None:
        self._engine, self._function, self._stopping = engine, function, stopping
        self._pending, self._again = iter(tasks), deque[_T]()
        self._num_done = 0

    def results(self) -> Iterator[tuple[_T, _R | AaeError]]:
        losses: Counter[_T] = Counter()
        num_given_up = 0
        while True:
            with self._engine.start(self._engine.count) as executor:
                lost = yield from self._together(executor)
            if not lost:
                return
            # A worker was ended, and nobody knows by which task.
            losses.update(lost)
            self._again.extend(task for task in lost if losses[task] < _LOSSES_TOGETHER)
            for task in lost:
                if losses[task] >= _LOSSES_TOGETHER:
                    result = self._alone(task)
                    num_given_up += isinstance(result, AaeError)
                    if num_given_up == _GIVEN_UP and not self._num_done:
                        raise AaeError(
                            "Every process that is started to work is ended at once.",
                            "Perhaps the memory is full: use fewer processes.",
                        )
                    yield task, result

    def _together(self, executor: Executor) -> Generator[tuple[_T, _R | AaeError], None, list[_T]]:
        """Run tasks until there are no more, or until a worker is lost; gives those that were under way then."""
        running: dict[Future[_R], _T] = {}
        while True:
            for task in self._next(self._engine.ahead - len(running)):
                try:
                    running[executor.submit(self._function, task)] = task
                except self._engine.broken:
                    return [task, *running.values()]
            if not running:
                return []
            done, _ = wait(running, _LOOK_SECONDS, return_when=FIRST_COMPLETED)
            if self._stopping():
                raise _StoppedError
            for future in done:
                try:
                    result = self._result(future)
                except self._engine.broken:
                    return [*running.values()]
                yield running.pop(future), result

    def _next(self, count: int) -> Iterator[_T]:
        for _ in range(count):
            yield from [self._again.popleft()] if self._again else islice(self._pending, 1)

    def _result(self, future: Future[_R]) -> _R | AaeError:
        try:
            result = future.result()
        except self._engine.killed:
            return _ended_workers()
        except self._engine.lost as error:
            raise AaeError(
                "The connection to the cluster was lost.",
                "Start the same command again: it continues from what is done.",
            ) from error
        self._num_done += 1
        return result

    def _alone(self, task: _T) -> _R | AaeError:
        for _ in range(_LOSSES_ALONE):
            with self._engine.start(1) as executor:
                try:
                    return self._result(executor.submit(self._function, task))
                except self._engine.broken:
                    continue
        return _ended_workers()


def _ended_workers() -> AaeError:
    return AaeError(
        "The process that worked on it was ended from outside each time.",
        "Perhaps the memory ran out: use fewer processes, or smaller shards.",
    )
