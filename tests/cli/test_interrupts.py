"""Ctrl-C ends a command with 130, whatever became of its exception, and reaches no worker."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from aaecli.cli.interrupts import interruptible
from aaecli.data import workers
from aaecli.errors import AaeError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")


@pytest.fixture(autouse=True)
def default_handler():
    """A test before this one may have left another handler."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def interrupt_as(error: BaseException) -> None:
    """Be interrupted in a library that makes another error of it."""
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        raise error from None


@pytest.mark.parametrize(
    "error",
    [AaeError("A process was ended.", ""), SystemError("unreported"), EOFError(), SystemExit(1), SystemExit(130)],
)
def test_what_an_interrupt_was_turned_into_ends_with_130(error):
    with pytest.raises(SystemExit) as ended, interruptible():
        interrupt_as(error)
    assert ended.value.code == 130


@pytest.mark.parametrize("error", [AaeError("No file.", ""), ValueError(), SystemExit(2)])
def test_without_one_an_error_stays(error):
    with pytest.raises(type(error)) as failed, interruptible():
        raise error
    assert failed.value is error


def test_what_was_done_all_the_same_stays_0():
    with pytest.raises(SystemExit) as ended, interruptible():
        interrupt_as(SystemExit(0))
    assert ended.value.code == 0


def test_another_handler_is_left_alone():
    def handler(*_):
        raise AssertionError

    signal.signal(signal.SIGINT, handler)
    with interruptible():
        assert signal.getsignal(signal.SIGINT) is handler
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupt_before_a_worker_is_ready_does_not_end_it(monkeypatch):
    """A forked process would have the parent's handler until it sets its own."""
    begin = workers.begin_worker

    def late() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        begin()

    monkeypatch.setattr(workers, "begin_worker", late)
    # Tests before this one may have left threads, beside which nothing is forked.
    monkeypatch.setattr("threading.active_count", lambda: 1)
    pool, _ = workers.start_pool(1)
    try:
        assert pool.submit(os.getpid).result(60) != os.getpid()
    finally:
        pool.shutdown()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())
