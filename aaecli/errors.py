"""The one exception that the command line turns into a sentence and a hint."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AaeError(Exception):
    """Something the user can put right.

    Args:
        message: One sentence that says what is wrong and names the file, flag or value.
        hint: What to do about it. May be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give a hint that names the nearest known word, or all of them where none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    return f"Did you mean '{near[0]}'?" if near else "Choose one of: " + ", ".join(names) + "."
