"""What lies in a folder of pictures: the pictures by name, and what is left out."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from aaecli.data.naming.files import is_misnamed
from aaecli.data.naming.picture_names import SUFFIXES, UNREAD_SUFFIXES, is_hidden, suffix_of
from aaecli.errors import AaeError

_SHEET = "labels.csv"
_MAX_PICTURES = 5_000_000


@dataclass
class Tree:
    """What a walk through a folder has found; names are paths from it, with slashes.

    Attributes:
        pictures: The pictures, by name.
        folders: Every folder that was entered, with a slash at its end.
        unread: Number of files with pictures in a format that is not read, by folder and ending: ``ring/*.heic``.
        misnamed: Pictures whose names do not end like one's.
        linked: Links to folders, which are not followed: they can lead in circles, and out of the folder.
        sheets: Files of the name labels.csv, in any case, by name.
        others: Other files of the folder itself.
    """

    pictures: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)
    misnamed: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)
    sheets: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def walk(folder: Path) -> Tree:
    """Walk through a folder and those in it; hidden files and what systems leave behind are passed over.

    Raises:
        AaeError: A folder cannot be read, or there are more pictures than could ever be learnt from.
    """
    tree = Tree()
    pending = [""]
    while pending:
        prefix = pending.pop()
        found, inner = _scan(folder, prefix, tree)
        tree.pictures += sorted(found)
        tree.folders += sorted(inner)
        pending += sorted(inner, reverse=True)
        check_number(folder, tree)
    tree.misnamed.sort()
    tree.linked.sort()
    tree.others.sort()
    tree.sheets.sort()
    return tree


def check_number(folder: Path, tree: Tree) -> None:
    """See that there are no more pictures than could ever be learnt from.

    Raises:
        AaeError: There are.
    """
    if len(tree.pictures) > _MAX_PICTURES:
        raise AaeError(
            f"{folder} holds more than {_MAX_PICTURES:,} pictures.", "Name the folder that holds those to learn from."
        )


def walk_names(names: Iterable[str]) -> Tree:
    """Give the tree of files that lie in an archive, in the order of one that ``walk`` finds where it is unpacked.

    Args:
        names: Of all files, with slashes.
    """
    tree = Tree()
    inner: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        prefix, _, own = name.rpartition("/")
        inner[f"{prefix}/" if prefix else ""].append(own)
    for prefix in [*inner]:
        # A folder may hold nothing but folders.
        parts = prefix.split("/")[:-1]
        for depth in range(len(parts)):
            inner.setdefault("".join(f"{part}/" for part in parts[:depth]), [])
    for prefix in sorted(inner, key=lambda prefix: [f"{part}/" for part in prefix.split("/")[:-1]]):
        tree.folders += [prefix] if prefix else []
        for own in sorted(inner[prefix]):
            suffix = suffix_of(own)
            if suffix in SUFFIXES:
                tree.pictures.append(prefix + own)
            elif suffix in UNREAD_SUFFIXES:
                tree.unread[f"{prefix}*{suffix}"] += 1
            elif own.casefold() == _SHEET:
                tree.sheets.append(prefix + own)
            elif not prefix:
                tree.others.append(own)
    return tree


def _scan(folder: Path, prefix: str, tree: Tree) -> tuple[list[str], list[str]]:
    found: list[str] = []
    inner: list[str] = []
    try:
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                name = entry.name
                if is_hidden(name):
                    continue
                suffix = suffix_of(name)
                if entry.is_dir(follow_symlinks=False):
                    inner.append(f"{prefix}{name}/")
                elif entry.is_dir():
                    tree.linked.append(prefix + name)
                elif suffix in SUFFIXES and entry.is_file():
                    found.append(prefix + name)
                elif suffix in UNREAD_SUFFIXES:
                    tree.unread[f"{prefix}*{suffix}"] += 1
                elif is_misnamed(entry.path, suffix):
                    tree.misnamed.append(prefix + name)
                elif name.casefold() == _SHEET and entry.is_file():
                    tree.sheets.append(prefix + name)
                elif not prefix:
                    tree.others.append(name)
    except OSError as error:
        remedy = "permissions" if isinstance(error, PermissionError) else "name"
        raise AaeError(
            f"Cannot read the folder {folder / prefix}: {error.strerror}.", f"Check its {remedy}."
        ) from error
    return found, inner
