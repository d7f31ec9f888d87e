"""labels.csv: which class a picture is of. It grows by a row an answer, and the last row about a picture holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from aaecli.errors import AaeError
from aaecli.files import read_text
from aaecli.paths import appending

NAME = "labels.csv"
_HEADER = ("path", "label")
_MAX_BYTES = 2**28


def read_labels(path: Path) -> dict[str, str]:
    """Read a file of the columns ``path`` (relative to its folder) and ``label``; other columns are left alone.

    Returns:
        The label of each path, an empty one where it is not labelled (yet, or any more).

    Raises:
        AaeError: The file cannot be read, is no CSV in UTF-8, lacks a column, or names a place outside its folder.
    """
    hint = "It starts with the line `path,label`; then a picture a line, its path counted from this folder."
    labels: dict[str, str] = {}
    text = read_text(path, _MAX_BYTES, hint=hint)
    first = text.partition("\n")[0]
    # Spreadsheets write semicolons in much of the world.
    delimiter = ";" if ";" in first and "," not in first else ","
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        missing = [name for name in _HEADER if name not in (reader.fieldnames or ())]
        if missing:
            raise AaeError(f"{path} has no column '{missing[0]}'.", hint)
        for row in reader:
            if row["path"] and (name := _plain(row["path"], path, reader.line_num)):
                labels[name] = (row["label"] or "").strip()
    except csv.Error as error:
        raise AaeError(f"{path} is not a CSV file in UTF-8: {error}.", hint) from error
    return labels


def append_labels(path: Path, labels: Mapping[str, str]) -> None:
    """Add rows to a labels.csv, which is made where there is none; they are on the disk when this returns.

    Raises:
        AaeError: The file cannot be written, or is a link.
    """
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    with appending(path) as file:
        end = file.seek(0, io.SEEK_END)
        file.seek(max(0, end - 1))
        # What an editor left without a line break would run into the next row.
        if end and file.read(1) != b"\n":
            rows.write("\n")
        if end == 0:
            writer.writerow(_HEADER)
        writer.writerows(labels.items())
        file.write(rows.getvalue().encode())


def _plain(name: str, path: Path, line: int) -> str:
    """Bring a path as people write them to the form in which pictures are named: a/b.png."""
    parts = PurePosixPath(name.strip().replace("\\", "/")).parts
    if parts[:1] == ("/",) or ".." in parts:
        raise AaeError(
            f"{path}, line {line}: {name} is not inside this folder.", "Give paths that are counted from the folder."
        )
    return "/".join(parts)
