"""The one exception of the program: the command line turns it into a sentence and a hint, Python code catches it."""

from __future__ import annotations

from collections.abc import Iterable


class AaeError(Exception):
    """Something the user can put right.

    Args:
        message: One sentence that says what is wrong and names the file, flag or value.
        hint: What to do about it. May be empty.

    Examples:
        >>> import aaecli
        >>> try:
        ...     aaecli.Classifier("absent/")
        ... except aaecli.AaeError as error:
        ...     print(error.message)
        There is no model absent.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class MissingPackageError(AaeError, ImportError):
    """A package is not installed that only a part of the program needs."""


def missing_package(what: str, package: str, extra: str = "") -> MissingPackageError:
    """Say what needs a package that is not installed, and how to install it: by itself, or as an extra of aaecli."""
    install = f"'aaecli[{extra}]'" if extra else package
    return MissingPackageError(
        f"{what} needs {package}, which is not installed.", f"Install it: `python -m pip install {install}`."
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give a hint that names the nearest known word, or all of them where none is near."""
    import difflib  # only where something went wrong: most programs never need it

    names = sorted(known)
    # Of names of one letter or digit, none is nearer than another.
    near = difflib.get_close_matches(word, [name for name in names if len(name) > 1], n=1)
    return f"Did you mean '{near[0]}'?" if near else "Choose one of: " + ", ".join(names) + "."
