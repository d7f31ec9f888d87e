"""Errors and warnings of work on many inputs: each of the first ones in full, then their number alone."""

from __future__ import annotations

from aaecli.errors import AaeError
from aaecli.terminal.console import report, say
from aaecli.text import number_of

_MOST = 200


class BatchMessages:
    """Says what is wrong with single inputs, and at the end of a ``with`` block how many more messages there were.

    Of inputs beyond number, such as a list of a million names in a folder that has moved, nobody reads each message.
    A hint that was given already is not repeated.
    """

    def __init__(self) -> None:
        self.num_errors = 0
        self._num_warnings = 0
        self._hints: set[str] = set()

    def error(self, error: AaeError) -> None:
        """Say or count why an input has no result."""
        self.num_errors += 1
        if self._has_room:
            hint = "" if error.hint in self._hints else error.hint
            self._hints.add(hint)
            report(AaeError(error.message, hint))

    def warning(self, text: object) -> None:
        """Say or count what is doubtful about an input that has a result."""
        self._num_warnings += 1
        if self._has_room:
            say(f"warning: {text}")

    @property
    def _has_room(self) -> bool:
        return self.num_errors + self._num_warnings <= _MOST

    def __enter__(self) -> BatchMessages:
        return self

    def __exit__(self, *raised: object) -> None:
        if not self._has_room:
            errors, warnings = number_of(self.num_errors, "error"), number_of(self._num_warnings, "warning")
            say(f"warning: {errors} and {warnings} in all; the first {_MOST} are above.")
