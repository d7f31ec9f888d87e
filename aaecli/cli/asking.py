"""Asking for labels, on a page or in the terminal: each answer is in labels.csv before the next question."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aaecli.cli.labelling import Row, ask_and_count
from aaecli.terminal.console import put


def ask(
    folder: Path, rows: list[Row], known: list[str], choose_again: Callable[[], list[Row]] | None, port: int
) -> int:
    """Ask on a page where there is a way to choose again, else in the terminal; gives the number of labels."""
    from aaecli.data.readers.image_folder.folder import keep_labels, list_folder
    from aaecli.files.outputs import check_folder

    listing = list_folder(folder)
    sheet = folder / listing.sheet
    # An answer that cannot be kept is not to be asked for.
    check_folder(sheet)

    def keep(path: str, name: str) -> None:
        keep_labels(folder, listing, {path: name})

    if choose_again is None:
        return ask_and_count(rows, known, keep, sheet)
    from aaecli.cli.label_web import ask_on_page

    num_given = ask_on_page(folder, rows, choose_again, known, keep, port)
    # On the page there may have been more questions than these.
    put(f"{num_given} pictures labelled in {sheet}" if num_given else "No picture labelled.")
    return num_given
