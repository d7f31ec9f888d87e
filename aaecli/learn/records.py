"""metrics.csv: a row an epoch, on disk as soon as it is known."""

from __future__ import annotations

import csv
from pathlib import Path

from aaecli.errors import AaeError
from aaecli.paths import replacing


def append_row(path: Path, row: dict[str, float]) -> None:
    """Add a row to a CSV file, with the names above the first one; it is on disk when this returns."""
    try:
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow({name: _text(value) for name, value in row.items()})
    except OSError as error:
        raise AaeError(f"Cannot write {path}: {error.strerror}.", "Check the folder and the disk's space.") from error


def _text(value: float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def drop_rows_after(path: Path, number: int) -> None:
    """Take back the rows of steps that the checkpoint does not know: a crash fell between the row and the save."""
    if not path.is_file():
        return
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = [row for row in reader if (row["step"] or "").isdigit() and int(row["step"]) <= number]
        names = reader.fieldnames or []
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
