"""labels.csv: which class a picture is of. A picture has one row; of several written by hand the last holds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aaecli.data.naming.picture_names import SUFFIXES, UNREAD_SUFFIXES, suffix_of
from aaecli.data.readers.image_folder.label_file import new_label_file, read_label_file
from aaecli.data.readers.image_folder.layout import Part, part_of
from aaecli.data.readers.image_folder.matching import Matcher
from aaecli.errors import AaeError
from aaecli.files.opening import exists
from aaecli.files.writing import check_no_links, replacing

NAME = "labels.csv"
_EXAMPLES = 3
_NO_NAMES = frozenset({"nan", "na", "n/a", "<na>", "null", "none", "nil", "?", "unknown", "todo", "-"})
"""Labels that programs and people write where there is none, and that may be names of classes."""


@dataclass(frozen=True)
class Labels:
    """What a file of labels says.

    Attributes:
        label: The label of each picture that it names, an empty one where it is not labelled (yet, or any more).
        missing: What it names, as it is written there, that no picture of the folder is.
        resembling: The picture that may be meant by each of these, where there is one such picture.
        part: The part of a split that each picture belongs to by a column such as ``split``; none without one.
        remarks: Sentences on what may not be what is meant.
    """

    label: dict[str, str]
    missing: tuple[str, ...] = ()
    resembling: Mapping[str, str] = field(default_factory=dict)
    part: Mapping[str, Part] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def beside(self, other: Labels | None, prefix: str) -> Labels:
        """Join with what a file further inside says, which this one overrules; its names get this prefix."""
        label = {f"{prefix}{name}": value for name, value in self.label.items()}
        alike = {written: f"{prefix}{name}" for written, name in self.resembling.items()}
        part = {f"{prefix}{name}": value for name, value in self.part.items()}
        if other is None:
            return Labels(label, self.missing, alike, part, self.remarks)
        return Labels(
            other.label | label,
            (*other.missing, *self.missing),
            {**other.resembling, **alike},
            {**other.part, **part},
            (*other.remarks, *self.remarks),
        )

    def none_found(self, path: Path, names: Iterable[str]) -> AaeError:
        """Give the error for a file none of whose rows is about a picture of the folder."""
        written = ", ".join(self.missing[:_EXAMPLES])
        there = ", ".join(sorted(names)[:_EXAMPLES])
        meant = next(((name, self.resembling[name]) for name in self.missing if name in self.resembling), None)
        return AaeError(
            f"None of the {len(self.missing):,} pictures that {path} names is there: it names {written}; "
            f"the folder holds {there}.",
            resembles(*meant) if meant else "Write each path as it is counted from the folder of labels.csv.",
        )


def resembles(written: str, name: str) -> str:
    """Say which picture a name may mean that no picture has."""
    is_other = suffix_of(written) in SUFFIXES | UNREAD_SUFFIXES and suffix_of(written) != suffix_of(name)
    why = "its ending is another one" if is_other else "spreadsheets take away zeros in front of numbers"
    return f"If {name} is meant, write it so: {why}."


def read_labels(path: Path, folder: Path, names: Iterable[str]) -> Labels:
    """Read a file of labels: columns for the picture and for its label, others are left alone.

    A picture may be written as its path from the folder, with the folder's name or that of the whole disk in front, by
    its base name, without its ending, or in another case: whatever can only mean one picture.

    Args:
        path: The file.
        folder: The folder that the pictures are in.
        names: The pictures: paths from the folder, with slashes.

    Raises:
        AaeError: The file cannot be read, its columns cannot be told, or a row may mean several pictures or one outside
            the folder.
    """
    matcher = Matcher(folder, names)
    file = read_label_file(path, matcher.is_one)
    label: dict[str, str] = {}
    missing: dict[str, None] = {}
    several: dict[str, None] = {}
    row_number: dict[str, int] = {}
    entries = file.entries()
    without = _without_label(given for _, _, given in entries)
    for number, written, named in entries:
        given = "" if named in without else named
        found = matcher.find(written)
        if found is None:
            raise AaeError(
                f"{path}, line {file.lines[number]}: {written} is not inside this folder.",
                "Give paths that are counted from the folder.",
            )
        if len(found) > 1:
            raise AaeError(
                f"{path}, line {file.lines[number]}: {written} may mean {' or '.join(found[:_EXAMPLES])}.",
                f"Write the path of the one that is meant as it is counted from the folder: {found[0]}, for example.",
            )
        if found:
            if label.get(found[0], given) != given:
                several[found[0]] = None
            label[found[0]], row_number[found[0]] = given, number
        else:
            missing[written] = None
    alike = {written: name for written in missing if (name := matcher.resembling(written))}
    parts: dict[str, Part | None] = {
        name: part_of(file.part(number)) if file.part(number) else "train" for name, number in row_number.items()
    }
    # A column of that name may tell something else: folds by number.
    part: dict[str, Part] = (
        {name: where for name, where in parts.items() if where} if None not in parts.values() else {}
    )
    if set(part.values()) == {"train"}:
        part = {}
    return Labels(
        {name: "" if part.get(name) == "unlabelled" else given for name, given in label.items()},
        tuple(sorted(missing)),
        alike,
        part,
        tuple(_remarks(path, label, several, part)),
    )


def _without_label(given: Iterable[str]) -> set[str]:
    """Give the labels that mean none: words such as ``unlabelled``, and -1 where the others are numbers from 0."""
    labels = set(given)
    found = {label for label in labels if part_of(label) == "unlabelled"}
    numbers = labels - found - {"", "-1"}
    return found | ({"-1"} if numbers and all(re.fullmatch(r"\d+", label, re.ASCII) for label in numbers) else set())


def _remarks(path: Path, label: Mapping[str, str], several: Iterable[str], part: Mapping[str, Part]) -> Iterator[str]:
    if part:
        counts = sorted(Counter(part.values()).items())
        yield f"{path.name} tells the split: {', '.join(f'{where} {count:,}' for where, count in counts)}."
    if names := list(several):
        more = f" and {len(names) - _EXAMPLES:,} more" if len(names) > _EXAMPLES else ""
        yield f"{path.name} gives several labels to {', '.join(names[:_EXAMPLES])}{more}: the last one holds."
    for name in sorted({name for name in label.values() if name.casefold() in _NO_NAMES}):
        yield f"{path.name} has a class '{name}': where a picture has no label, its cell is left empty."


def store_labels(path: Path, folder: Path, given: Mapping[str, str], names: Iterable[str] = ()) -> None:
    """Write labels into a labels.csv: in the place of what it says of these pictures, the others' rows as they were.

    Args:
        path: The file, which is made where there is none.
        folder: The folder that the pictures are in.
        given: The label of each picture; an empty one takes a label back.
        names: All pictures of the folder, so that no row is taken for that of another picture.

    Raises:
        AaeError: The file cannot be read or written, or is a link that leads out of the folder. It is then as it was.
    """
    check_no_links(folder, path)
    matcher = Matcher(folder, {*given, *names})
    file = read_label_file(path, matcher.is_one) if exists(path) and path.stat().st_size else new_label_file()
    row_number: dict[str, int] = {}
    outdated = set()
    for number, written, _ in file.entries():
        found = matcher.find(written) or []
        # Rows of the other pictures stay, whatever they say.
        if len(found) == 1 and found[0] in given and row_number.setdefault(found[0], number) != number:
            outdated.add(number)
    width = max(file.path_column, file.label_column) + 1
    for name, label in given.items():
        if name in row_number:
            row = file.rows[row_number[name]]
            row.extend([""] * (width - len(row)))
            row[file.label_column] = label
        else:
            row = [""] * (len(file.rows[0]) if file.header else width)
            row[file.path_column], row[file.label_column] = name, label
            file.rows.append(row)
    file.rows = [row for number, row in enumerate(file.rows) if number not in outdated]
    with replacing(path) as temporary:
        temporary.write_bytes(file.encode())
