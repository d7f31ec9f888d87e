"""Ctrl-C is Ctrl-C, whatever a library makes of the exception that it raises."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

EXIT_CODE = 130
"""Of a command that was interrupted: 128 + SIGINT."""


@contextmanager
def interruptible() -> Iterator[None]:
    """End the process with ``EXIT_CODE`` where what is done in the block fails after a Ctrl-C.

    Compiled libraries turn a ``KeyboardInterrupt`` that comes while they work into errors of their own, and processes
    that were interrupted too may be missed before the exception is seen here. Whoever handles Ctrl-C otherwise, and
    a thread that is not the main one, is left alone.

    Raises:
        SystemExit: With ``EXIT_CODE``, in place of what the block failed with.
    """
    default = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not default:
        yield
        return
    is_interrupted = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal is_interrupted
        is_interrupted = True
        default(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    except SystemExit as ended:
        if is_interrupted and ended.code:
            sys.exit(EXIT_CODE)
        raise
    except BaseException:
        if is_interrupted:
            sys.exit(EXIT_CODE)
        raise
    finally:
        signal.signal(signal.SIGINT, default)
