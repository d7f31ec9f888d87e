"""metrics.csv: a row an epoch, on disk as soon as it is known."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from aaecli.files.opening import exists, read_bytes
from aaecli.files.writing import appending, replacing

MAX_BYTES = 2**25
"""Largest metrics.csv that is read: a hundred thousand rows."""


def append_row(path: Path, row: dict[str, float]) -> None:
    """Add a row to a CSV file, with the names above the first one; it is on disk when this returns.

    Raises:
        AaeError: The file cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row))
    with appending(path) as file:
        if file.seek(0, io.SEEK_END) == 0:
            writer.writeheader()
        writer.writerow({name: _text(value) for name, value in row.items()})
        file.write(text.getvalue().encode())


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
