"""metrics.csv: a row an epoch, on disk as soon as it is known."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from aaecli.errors import AaeError
from aaecli.files import exists, read_bytes
from aaecli.paths import replacing

MAX_BYTES = 2**25
"""Largest metrics.csv that is read: a hundred thousand rows."""


def append_row(path: Path, row: dict[str, float]) -> None:
    """Add a row to a CSV file, with the names above the first one; it is on disk when this returns.

    Raises:
        AaeError: The file cannot be written.
    """
    try:
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow({name: _text(value) for name, value in row.items()})
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise AaeError(f"Cannot write {path}: {error.strerror}.", "Check the folder and the disk's space.") from error


def _text(value: float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def drop_rows_after(path: Path, number: int) -> None:
    """Take back the rows of steps that the checkpoint does not know: a crash fell between the row and the save.

    So is a row that was only begun, and everything where not even the names are whole.

    Raises:
        AaeError: The file cannot be read or written.
    """
    if not exists(path):
        return
    # What follows the last line break was cut off while it was written.
    text = read_bytes(path, MAX_BYTES).decode(errors="replace").rpartition("\n")[0]
    reader = csv.DictReader(io.StringIO(text))
    rows = [row for row in reader if None not in row.values() and _is_step(row.get("step"), number)]
    if not rows:
        path.unlink()
        return
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, reader.fieldnames or [], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _is_step(text: str | None, number: int) -> bool:
    return text is not None and text.isdecimal() and len(text) < 20 and int(text) <= number
