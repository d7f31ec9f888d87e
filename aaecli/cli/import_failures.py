"""Packages that a command needs and that are missing or broken: a sentence and a remedy in place of a traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from traceback import walk_tb
from types import TracebackType

from aaecli.errors import AaeError


def import_failure(error: Exception, words: Sequence[str]) -> AaeError | None:
    """Tell which package could not be imported; None where the error is of something else.

    Args:
        error: What ended the command.
        words: The words of the command line; the first of them that is no option names the command.
    """
    if isinstance(error, AaeError | MemoryError):
        return None
    package = _failed_import(error)
    if package is None or package == "aaecli":
        return None
    from aaecli.doctor.findings import distributions_of, missing_packages, pip_install, reinstall

    command = next((word for word in words if not word.startswith("-")), "aaecli")
    found = distributions_of(package)
    if not found:
        missing = missing_packages()
        if not missing:
            return None
        return AaeError(
            f"The command {command} needs {package}, which is not installed.",
            f"Install what is missing: `{pip_install(missing)}`.",
        )
    lines = str(error).splitlines()
    reason = lines[0].rstrip(". ") if lines else type(error).__name__
    return AaeError(
        f"The command {command} needs {package}, whose installation is broken: {reason}.",
        f"Install it again: `{reinstall(found)}`.",
    )


def _failed_import(error: Exception) -> str | None:
    """Name the outermost package, other than this one and Python's own, that was being imported when it happened."""
    for module in _being_imported(error.__traceback__):
        package = module.partition(".")[0]
        if package not in ("aaecli", "__main__") and package not in sys.stdlib_module_names:
            return package
    if isinstance(error, ImportError):
        package = (error.name or "").partition(".")[0]
        return package if package and package not in sys.stdlib_module_names else None
    return None


def _being_imported(trace: TracebackType | None) -> list[str]:
    return [
        str(frame.f_globals.get("__name__", "")) for frame, _ in walk_tb(trace) if frame.f_code.co_name == "<module>"
    ]
