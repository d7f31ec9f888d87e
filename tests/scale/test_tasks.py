"""Tasks on an engine: each is done once, and one that ends its worker is given up alone."""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import pytest

from aaecli.errors import AaeError
from aaecli.scale import executors
from aaecli.scale.executors import Engine
from aaecli.scale.tasks import run_all


class Fragile(Executor):
    """Breaks, as a pool of processes does, when a deadly task is worked on."""

    def __init__(self, deadly, log):
        self._deadly, self._log, self._is_broken = deadly, log, False

    def submit(self, fn, /, task):
        if self._is_broken:
            raise BrokenProcessPool
        self._log.append(task)
        future = Future()
        if self._deadly(task):
            self._is_broken = True
            future.set_exception(BrokenProcessPool())
        else:
            future.set_result(fn(task))
        return future


def engine(deadly, log):
    @contextmanager
    def start(_):
        yield Fragile(deadly, log)

    return Engine(2, 4, start, broken=(BrokenProcessPool,))


def outcomes(found):
    return {task: "given up" if isinstance(result, AaeError) else result for task, result in found}


def test_every_task_is_done_once():
    log = []
    assert dict(run_all(executors.in_process(), log.append, range(5))) == dict.fromkeys(range(5))
    assert log == [*range(5)]


def test_a_task_that_ends_its_worker_each_time_is_given_up_alone():
    log = []
    found = outcomes(run_all(engine(lambda task: task in (3, 11), log), lambda task: -task, range(20)))
    assert found == {task: "given up" if task in (3, 11) else -task for task in range(20)}
    # Twice beside others, twice alone.
    assert log.count(3) == log.count(11) == 4


def test_a_worker_that_is_ended_from_outside_costs_no_task():
    log, ended = [], iter([True])
    found = outcomes(run_all(engine(lambda task: task == 5 and next(ended, False), log), abs, range(20)))
    assert found == {task: task for task in range(20)}


def test_workers_that_never_start_end_it_all():
    with pytest.raises(AaeError, match="ended at once"):
        dict(run_all(engine(lambda task: True, []), abs, range(1000)))


def test_an_error_of_the_function_ends_it_all():
    def fails(task):
        raise AaeError("The disk is full.")

    with pytest.raises(AaeError, match="disk"):
        dict(run_all(executors.in_process(), fails, range(3)))


def work(task):
    """What a process does; at module level, so that it can be pickled."""
    if task == "die":
        os.kill(os.getpid(), 9)
    return os.environ["OMP_NUM_THREADS"], os.getpid()


def test_processes_of_this_machine():
    found = dict(run_all(executors.processes(2), work, ["a", "die", "b"]))
    assert isinstance(found.pop("die"), AaeError)
    assert {threads for threads, _ in found.values()} == {"1"}
    assert os.getpid() not in {process for _, process in found.values()}


def test_what_is_open_to_others():
    assert executors.is_open_to_others("tcp://head:8786")
    assert not executors.is_open_to_others("tcp://127.0.0.1:8786")
    assert not executors.is_open_to_others("tls://head:8786")


@pytest.mark.parametrize("url", ["head:8786", "http://head", ""])
def test_what_is_no_scheduler(url):
    with pytest.raises(AaeError, match="--cluster"):
        executors.cluster(url)


def test_tls_needs_certificates():
    with pytest.raises(AaeError, match="--cluster-cert, --cluster-key, --cluster-ca"):
        executors.cluster("tls://head:8786")
