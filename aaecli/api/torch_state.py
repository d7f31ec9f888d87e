"""What a training changes for the whole process, put back when it is over; and what says that torch is missing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aaecli.errors import missing_package

_PACKAGES = {"sklearn": "scikit-learn", "tomli_w": "tomli-w"}
"""Where a package is not called as its module is."""
_training = threading.RLock()


@contextmanager
def needing(what: str, extra: str = "") -> Iterator[None]:
    """Say what needs a package that is not installed.

    Raises:
        MissingPackageError: The block imports one.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module in ("", "aaecli", *sys.stdlib_module_names):
            raise
        raise missing_package(what, _PACKAGES.get(module, module), extra) from error


@contextmanager
def one_training_at_a_time() -> Iterator[None]:
    """Let one thread train; torch's random state, threads and precision are afterwards as they were.

    The random state is the process's: of two trainings at once, neither would come to the same weights again.
    """
    import torch

    with _training:
        random, threads = torch.get_rng_state(), torch.get_num_threads()
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
        precision, tf32 = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
        try:
            yield
        finally:
            torch.set_rng_state(random)
            torch.set_num_threads(threads)
            if cuda:
                torch.cuda.set_rng_state_all(cuda)
            torch.set_float32_matmul_precision(precision)
            torch.backends.cudnn.allow_tf32 = tf32
