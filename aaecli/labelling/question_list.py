"""Questions as a list to fill in, and the answers of one that was: into the folder's labels.csv, slips excepted."""

from __future__ import annotations

import csv
import difflib
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from aaecli.data.readers.image_folder.classes import plain_name, suspects
from aaecli.errors import AaeError
from aaecli.suggestions import suggest_aaecli
from aaecli.text import for_csv

_MOST_SHOWN = 12


def encode_list(rows: Iterable[tuple[int, str, str]]) -> str:
    """Give the questions as a CSV file to fill in: ``number`` (that of the sheet), ``path``, ``label``, ``guess``."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("number", "path", "label", "guess"))
    writer.writerows((number, for_csv(name), "", for_csv(guess)) for number, name, guess in rows)
    return text.getvalue()


def encode_review(rows: Iterable[tuple[str, str, str, float]]) -> str:
    """Give labels that may be wrong as a CSV file to fill in, in the form of ``encode_list``.

    Args:
        rows: Of each picture its path, the class that it probably is, that of its label, and the probability of the
            former; the most suspicious first.

    Returns:
        Columns ``number``, ``path``, ``label`` (empty, to be filled in), ``guess``, ``labelled_as``, ``probability``.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("number", "path", "label", "guess", "labelled_as", "probability"))
    writer.writerows(
        (number, for_csv(name), "", for_csv(guess), for_csv(label), f"{probability:.4f}")
        for number, (name, guess, label, probability) in enumerate(rows, 1)
    )
    return text.getvalue()


def take_answers(folder: Path, answers: Path, added: Iterable[str]) -> Counter[str]:
    """Take the labels of a list that was filled in into the folder's labels.csv, all or none.

    Args:
        folder: The folder of pictures.
        answers: The list.
        added: Classes that there may be besides those that pictures are labelled as already.

    Returns:
        How often each label was given.

    Raises:
        AaeError: The list is of other pictures or empty, or a label in it is no class, by a slip perhaps.
    """
    from aaecli.data.readers.image_folder.folder import keep_labels, list_folder
    from aaecli.data.readers.image_folder.labels import read_labels, resembles

    listing = list_folder(folder)
    found = read_labels(answers, folder, listing.train)
    given = {name: label for name, label in found.label.items() if label}
    if found.missing:
        first = next((name for name in found.missing if name in found.resembling), found.missing[0])
        meant = found.resembling.get(first)
        raise AaeError(
            f"{answers} names {first}, which is no picture in {folder}.",
            resembles(first, meant) if meant else "Name the folder it was made for.",
        )
    if not given:
        raise AaeError(f"{answers} has no label in its column 'label'.", "Fill in the names of the classes first.")
    counts = Counter(given.values())
    classes = [*listing.classes, *added]
    _check_slips(folder, answers, counts, classes)
    keep_labels(folder, listing, given)
    return counts


def _check_slips(folder: Path, answers: Path, counts: Counter[str], classes: list[str]) -> None:
    """See that no label is a class by a slip; the first labels of a folder are new, and only odd ones among them are.

    Raises:
        AaeError: One may be.
    """
    if classes:
        strange = {name: "" for name in counts if name not in classes}
        for name in strange:
            same = [known for known in classes if plain_name(known) == plain_name(name)]
            alike = [] if name.isdecimal() else difflib.get_close_matches(name, classes, 1)
            strange[name] = next(iter(same or alike), "")
    else:
        strange = suspects(counts)
    if not strange:
        return
    name, near = min(strange.items())
    shown = ", ".join(sorted(classes or counts.keys() - strange.keys())[:_MOST_SHOWN])
    meant = f"did you mean '{near}'?" if near else f"the others are {shown}."
    new = ",".join(sorted(strange if classes else counts))
    again = suggest_aaecli("label", folder, "--answers", answers, "--classes", new)
    raise AaeError(
        f"{answers} has the label '{name}' {_times(counts[name])}, which is no class yet: {meant}",
        f"Correct the list, or add what is new to the classes: {again}",
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
