"""Names of classes: which of them are one class written in two ways, and what keeps the classes from being learnt."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from aaecli.config.models import MAX_CLASSES
from aaecli.files.opening import is_file
from aaecli.suggestions import suggest_aaecli

_NEAR = 0.8


def plain_name(name: str) -> str:
    """Give what is left of a name without case, spaces, signs between words and leading zeros."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    plain = re.sub(r"[\s_-]+", " ", plain).strip() or plain
    return plain.lstrip("0") or "0" if plain.isdecimal() else plain


def confusable_names(classes: Iterable[str]) -> list[tuple[str, ...]]:
    """Group names that are most likely one class: ``Cat`` and ``cat``, ``7`` and ``07``. ``A`` and ``a`` are two."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in classes:
        groups[plain_name(name)].append(name)
    return [tuple(sorted(group)) for group in groups.values() if len(group) > 1 and max(map(len, group)) > 1]


def suspects(counts: Mapping[str, int]) -> dict[str, str]:
    """Name the labels that look like slips among others, each with what may have been meant.

    Args:
        counts: How often each label was given.

    Returns:
        By label, the one that it resembles; an empty one where it is the one word among numbers.
    """
    found: dict[str, str] = {}
    for group in confusable_names(counts):
        *_, most = sorted(group, key=lambda name: counts[name])
        found |= {name: most for name in group if name != most}
    numbers = [name for name in counts if name.isdecimal()]
    words = [name for name in counts if not name.isdecimal()]
    if len(numbers) > len(words):
        found |= {name: "" for name in words if name not in found}
    for name in words:
        others = [other for other in words if counts[other] > counts[name] and len(other) > 3]
        near = difflib.get_close_matches(name, others, 1, _NEAR) if len(name) > 3 and counts[name] == 1 else []
        if near and name not in found:
            found[name] = near[0]
    return found


def _more_classes(folder: Path, classes: tuple[str, ...], unnamed: Path | None) -> str:
    """Say how a folder gets classes."""
    parent = folder.resolve().parent
    if not classes and is_file(parent / "labels.csv"):
        # Pictures beside their list are common, and whoever names their folder leaves the list out.
        there = folder.parent if folder.name not in ("", "..") else parent
        return (
            f"If {there / 'labels.csv'} names their classes, name the folder that it is in: "
            f"{suggest_aaecli('data', '--data', there)}."
        )
    if unnamed == folder:
        return (
            f"{suggest_aaecli('label', folder)} asks for labels; or give each class a sub-folder, "
            "and those without a label unlabelled/."
        )
    then = f"{suggest_aaecli('label', folder)} then asks for those"
    if unnamed is not None:
        then = f"if '{unnamed.name}' is no class, {suggest_aaecli('label', unnamed)} asks for labels"
    return f"Give each class a sub-folder, and pictures without a label unlabelled/; {then}."


def find_faults(
    folder: Path, classes: tuple[str, ...], learnt: set[str], untaught: set[str], unnamed: Path | None = None
) -> Iterator[tuple[str, str]]:
    """Tell what keeps the classes of a folder from being learnt, each with a remedy.

    Args:
        folder: The folder.
        classes: Names of its classes.
        learnt: Those of which a picture to learn from can be read.
        untaught: Classes of test pictures that are none of them.
        unnamed: Where pictures may lie whose class nobody has told: what ``aaecli label`` can ask about.
    """
    if len(classes) < 2:
        what = f"only the class '{classes[0]}'" if classes else "no labelled picture"
        yield f"{folder} holds {what}; two classes or more are needed.", _more_classes(folder, classes, unnamed)
    if len(classes) > MAX_CLASSES:
        yield (
            f"{folder} holds {len(classes):,} classes; at most {MAX_CLASSES:,} are learnt.",
            "Name the folder whose sub-folders are classes, or take fewer of them.",
        )
        return
    for group in confusable_names(classes):
        yield (
            f"{folder} holds the classes {' and '.join(group)}, which look like one class written in two ways.",
            "Put their pictures into one folder, or rename one of them.",
        )
    for name in classes:
        if name not in learnt:
            yield (
                f"No picture of the class '{name}' in {folder} can be learnt from.",
                f"{suggest_aaecli('data', '--data', folder)} tells what was left out, and why.",
            )
    for name in sorted(untaught):
        yield (
            f"The test pictures in {folder} have the class '{name}', which no picture to learn from is labelled as.",
            f"Known classes: {', '.join(classes)}." if classes else "Label some pictures of it first.",
        )
