"""Pillow's warnings, kept quiet: it warns of much that it then reads all the same; what it cannot read it raises."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_lock = threading.Lock()
_active = 0
_restore = ExitStack()


@contextmanager
def without_pillow_warnings() -> Iterator[None]:
    """Ignore warnings within the block, in any number of threads at once.

    The filters of ``warnings`` are the whole process's. Of overlapping ``catch_warnings``, the one that ends last puts
    back what it found: the filters of another block. So the first to begin keeps them, and the last to end restores.
    """
    global _active
    with _lock:
        if _active == 0:
            _restore.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        _active += 1
    try:
        yield
    finally:
        with _lock:
            _active -= 1
            if _active == 0:
                _restore.close()
