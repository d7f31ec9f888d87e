"""Files of labels as people keep them: with or without a header, parted by commas, semicolons, tabs or spaces."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aaecli.data.naming.picture_names import SUFFIXES, suffix_of
from aaecli.errors import AaeError
from aaecli.files.opening import read_bytes
from aaecli.text import from_csv

HEADER = ("path", "label")
HINT = "It starts with the line `path,label`; then a picture a line, its path counted from this folder."
_MAX_BYTES = 2**25
_MAX_ROWS = 1_000_001
"""A million pictures and the names of the columns."""
_MAX_COLUMNS = 10_000
_SAMPLE = 200
"""Rows by which the delimiter and the columns are told."""
_SEPARATOR = re.compile(r"\"?sep=([,;\t|])\"?\r?\n", re.IGNORECASE)
_PARTS = ("split", "set", "subset", "partition", "usage", "phase")
# Of several, the first that there is holds.
_PATHS = (
    *("path", "filepath", "imagepath", "imgpath", "relativepath", "file", "filename", "filenames", "imagefile"),
    *("imagefilename", "image", "images", "img", "imagename", "imgname", "picture", "photo", "fname", "name"),
    *("imageid", "imgid", "pictureid", "id"),
)
_LABELS = (
    *("label", "labels", "class", "classname", "classlabel", "labelname", "category", "categoryname", "target"),
    *("groundtruth", "classes", "tag", "y", "species", "breed", "classid", "labelid", "categoryid"),
)


@dataclass
class LabelFile:
    """A file of labels, with all that is needed to write it back as it was.

    Attributes:
        encoding: How its text is encoded.
        delimiter: What parts the columns; a space for a list whose last word is the label.
        header: Whether the first row names the columns.
        rows: All rows, the header included; blank ones are left out.
        lines: The line that each row ends at.
        path_column: Which column names the picture.
        label_column: Which column holds the label.
        part_column: Which column tells the part of a split (``train``, ``test``); None without one.
        first_line: The line ``sep=;`` that tells Excel the delimiter, before all rows; empty where there is none.
    """

    encoding: str
    delimiter: str
    header: bool
    rows: list[list[str]]
    lines: list[int]
    path_column: int = 0
    label_column: int = 1
    part_column: int | None = None
    first_line: str = ""

    def entries(self) -> list[tuple[int, str, str]]:
        """Give row number, picture and label of each row that names a picture."""
        found = []
        for number, row in enumerate(self.rows):
            path = row[self.path_column].strip() if self.path_column < len(row) else ""
            if path and not (self.header and number == 0):
                label = row[self.label_column].strip() if self.label_column < len(row) else ""
                found.append((number, path, from_csv(label)))
        return found

    def part(self, number: int) -> str:
        """Give what the column of parts says in a row; empty without one."""
        row = self.rows[number]
        return row[self.part_column].strip() if self.part_column is not None and self.part_column < len(row) else ""

    def encode(self) -> bytes:
        """Give the bytes of the file."""
        text = io.StringIO(newline="")
        text.write(self.first_line)
        if self.delimiter == " ":
            text.writelines(" ".join(row) + "\n" for row in self.rows)
        else:
            csv.writer(text, delimiter=self.delimiter, lineterminator="\n").writerows(self.rows)
        return text.getvalue().encode(self.encoding, "surrogateescape")


def new_label_file() -> LabelFile:
    """Give a file without any label yet."""
    return LabelFile("utf-8", ",", header=True, rows=[list(HEADER)], lines=[1])


def read_label_file(path: Path, is_picture: Callable[[str], bool]) -> LabelFile:
    """Read a file of labels.

    Args:
        path: The file.
        is_picture: Tells whether a cell names a picture: it decides where the columns' names do not.

    Raises:
        AaeError: The file cannot be read, is too large, is no CSV in UTF-8 or UTF-16, or its columns cannot be told.
    """
    text, encoding = _decode(path, read_bytes(path, _MAX_BYTES, hint=HINT))
    try:
        separator = _SEPARATOR.match(text)
        delimiter = separator[1] if separator else _delimiter(text)
        rows, lines = _rows(text[separator.end() :] if separator else text, delimiter, path)
    except csv.Error as error:
        raise AaeError(f"{path} is not a CSV file: {error}.", HINT) from error
    file = LabelFile(encoding, delimiter, header=True, rows=rows, lines=lines)
    if separator:
        file.first_line, file.lines = separator[0], [number + 1 for number in lines]
    if not rows:
        raise AaeError(f"{path} is empty.", HINT)
    _find_columns(file, path, is_picture)
    for number, name, label in file.entries():
        # Bytes that are no UTF-8 may name a picture on a disk from elsewhere, but never a class.
        if not (label.isascii() or _is_text(label)) or not (name.isascii() or _is_text(name) or is_picture(name)):
            raise AaeError(f"{path} is not a CSV file in UTF-8: see line {lines[number]}.", "Save it as CSV UTF-8.")
    return file


def _decode(path: Path, body: bytes) -> tuple[str, str]:
    """Decode text as its byte order mark says, or as its zero bytes do."""
    encoding = "utf-8"
    if body.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
    elif body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        head = body[:2000]
        for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
            if len(zeros) > 1 and zeros.count(0) > len(zeros) / 2:
                encoding = name
    try:
        return body.decode(encoding, "surrogateescape" if encoding.startswith("utf-8") else "strict"), encoding
    except UnicodeDecodeError as error:
        raise AaeError(f"{path} is not a CSV file in UTF-8: {error.reason}.", "Save it as CSV UTF-8.") from error


def _is_text(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def _delimiter(text: str) -> str:
    """Tell the delimiter: the one by which the header has both columns, else by which most rows are alike."""
    head = "\n".join(text[: 2**16].splitlines()[:_SAMPLE])
    best, most = ",", 0
    for delimiter in ",;\t|":
        rows = [row for row in csv.reader(io.StringIO(head), delimiter=delimiter, skipinitialspace=True) if any(row)]
        if rows and None not in _named(rows[0]):
            return delimiter
        widths = Counter(len(row) for row in rows if len(row) > 1)
        alike = max(widths.values(), default=0)
        if alike > most:
            best, most = delimiter, alike
    if most == 0 and all(len(line.split()) > 1 for line in head.splitlines() if line.strip()):
        return " "
    return best


def _rows(text: str, delimiter: str, path: Path) -> tuple[list[list[str]], list[int]]:
    rows: list[list[str]] = []
    lines: list[int] = []
    if delimiter == " ":
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                rows.append(line.strip().rsplit(None, 1))
                lines.append(number)
    else:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(reader.line_num)
            if len(rows) > _MAX_ROWS:
                break
    if len(rows) > _MAX_ROWS:
        raise AaeError(f"{path} has more than {_MAX_ROWS:,} rows.", "Keep a row a picture.")
    return rows, lines


def _named(row: list[str]) -> tuple[int | None, int | None]:
    """Find the columns of the picture and of the label by their names."""
    return _column(row, _PATHS), _column(row, _LABELS)


def _column(row: list[str], known: tuple[str, ...]) -> int | None:
    names = [re.sub(r"[\W_]", "", cell.casefold()) for cell in row]
    return next((names.index(name) for name in known if name in names), None)


def _find_columns(file: LabelFile, path: Path, is_picture: Callable[[str], bool]) -> None:
    first = file.rows[0]
    columns = range(max(len(row) for row in file.rows[:_SAMPLE]))
    if len(columns) > _MAX_COLUMNS:
        raise AaeError(f"{path} has {len(columns):,} columns; at most {_MAX_COLUMNS:,} are read.", HINT)
    by_name, label = _named(first)
    if by_name is not None or label is not None:
        file.part_column = _column(first, _PARTS)
    if by_name is not None and label is not None:
        file.path_column, file.label_column = by_name, label
        return
    sample = file.rows[: _SAMPLE * 5]
    hits = [sum(column < len(row) and is_picture(row[column]) for row in sample) for column in columns]
    column = by_name if by_name is not None else max(columns, key=lambda entry: hits[entry])
    if by_name is None and hits[column] == 0:
        # Nothing is recognised; the one column of names with a picture's ending still tells what does not match.
        column = next((entry for entry, cell in enumerate(first) if _ends_as_picture(cell)), -1)
        if column < 0:
            raise _unclear(path, "names pictures, such as 'path'", first)
    if by_name is None and label is None:
        cell = first[column] if column < len(first) else ""
        file.header = not (is_picture(cell) or _ends_as_picture(cell))
    others = [entry for entry in columns if entry not in (column, file.part_column)]
    if label is None and len(others) != 1:
        raise _unclear(path, "holds the label, such as 'label'", first)
    file.path_column, file.label_column = column, others[0] if label is None else label


def _ends_as_picture(cell: str) -> bool:
    return suffix_of(cell.strip()) in SUFFIXES


def _unclear(path: Path, what: str, row: list[str]) -> AaeError:
    shown = ", ".join(cell.strip()[:40] for cell in row[:6])
    return AaeError(f"{path} has no column that {what}; its first line is: {shown}.", HINT)
