"""Asking for labels, on a page or in the terminal: each answer is in labels.csv before the next question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from aaecli.cli.labelling import Answers, Row, ask_all, ask_in_terminal
from aaecli.terminal.console import put

Keep = Callable[[str, str], None]
"""Is given what a question was about and its answer, empty to take it back, and returns when that is on the disk."""


class Where(NamedTuple):
    """Where the questions are asked.

    Attributes:
        web: On a page in the browser; otherwise in the terminal.
        port: Port of the page; 0 for any that is free.
    """

    web: bool
    port: int


def ask(
    folder: Path, rows: Sequence[Row], known: list[str], keep: Keep, again: Callable[[], Sequence[Row]], where: Where
) -> None:
    """Ask all questions, or as many as the user answers.

    Args:
        folder: The folder of pictures.
        rows: The questions.
        known: Names of the classes so far.
        keep: Keeps an answer.
        again: Gives the questions that a page shows next.
        where: Where to ask.
    """
    if where.web:
        from aaecli.cli.label_web import ask_on_page

        ask_on_page(folder, rows, again, known, keep, where.port)
    else:
        ask_all(rows, Answers(known), keep, ask_in_terminal)


def ask_about_pictures(
    folder: Path, rows: Sequence[Row], known: list[str], again: Callable[[], Sequence[Row]], where: Where
) -> int:
    """Ask for the labels of single pictures, and say how many were given, after Ctrl-C too; gives their number."""
    from aaecli.data.readers.image_folder.folder import keep_labels, list_folder
    from aaecli.files.outputs import check_folder

    listing = list_folder(folder)
    sheet = folder / listing.sheet
    # An answer that cannot be kept is not to be asked for.
    check_folder(sheet)
    given: dict[str, str] = {}

    def keep(path: str, name: str) -> None:
        keep_labels(folder, listing, {path: name})
        given[path] = name

    try:
        ask(folder, rows, known, keep, again, where)
    finally:
        # All answers are on the disk by then; an empty one was taken back.
        num_given = sum(map(bool, given.values()))
        # On a page there may have been more questions than these.
        pictures = f"of {len(rows)} pictures" if not where.web else "picture" if num_given == 1 else "pictures"
        put(f"{num_given} {pictures} labelled" + (f" in {sheet}" if num_given else ""))
    return num_given
