"""A folder of pictures: which of them is of which class, and which have no label yet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aaecli.data.labels import NAME, read_labels
from aaecli.data.picture_names import SUFFIXES, is_hidden, suffix_of
from aaecli.errors import AaeError
from aaecli.files import is_file, is_folder

UNLABELLED = "unlabelled"
TEST = "test"
_SPELLINGS = (UNLABELLED, "unlabeled")


@dataclass(frozen=True)
class Listing:
    """What a folder of pictures holds; nothing has been decoded yet, nor has any file been looked at.

    Attributes:
        train: The pictures to learn from, by name: their paths from the folder, with slashes.
        train_class: Of each, the name of its class, or None without a label.
        test: The pictures under ``test/``, by name.
        test_class: Of each, the name of its class.
        missing: Names in labels.csv that no picture has.
    """

    train: list[str]
    train_class: list[str | None]
    test: list[str]
    test_class: list[str]
    missing: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that labelled pictures are of, in order: by number where all of them are numbers."""
        names = {name for name in self.train_class if name is not None}
        if all(name.isascii() and name.isdigit() for name in names):
            return tuple(sorted(names, key=lambda name: (int(name), name)))
        return tuple(sorted(names))


def list_folder(folder: Path) -> Listing:
    """List the pictures of a folder.

    A sub-folder is a class, save ``unlabelled`` and ``test``, which has a sub-folder a class; a labels.csv gives
    pictures a label or another one. Where there is a labels.csv and no ``unlabelled``, sub-folders are mere places and
    labels.csv alone tells the classes.

    Raises:
        AaeError: The folder or its labels.csv cannot be read, or pictures lie where their class cannot be told.
    """
    names = list(_pictures(folder))
    if not names:
        raise AaeError(
            f"{folder} holds neither pictures nor IDX files.",
            "Give a folder with a sub-folder of pictures for each class, or with pictures and a labels.csv.",
        )
    given = read_labels(folder / NAME) if is_file(folder / NAME) else {}
    test = [name for name in names if name.startswith(f"{TEST}/")]
    train = [name for name in names if not name.startswith(f"{TEST}/")]
    waiting = tuple(f"{spelling}/" for spelling in _SPELLINGS if is_folder(folder / spelling))
    by_folder = bool(waiting) or not is_file(folder / NAME)
    has_folders = any("/" in name for name in train)
    train_class: list[str | None] = []
    for name in train:
        top, slash, _ = name.partition("/")
        if name in given:
            train_class.append(given[name] or None)
        elif by_folder and slash and not name.startswith(waiting):
            train_class.append(top)
        elif by_folder and not slash and has_folders and not waiting:
            raise AaeError(
                f"{folder / name} lies beside the folders of the classes.",
                f"Move pictures without a label into {folder / UNLABELLED}.",
            )
        else:
            train_class.append(None)
    test_class = []
    for name in test:
        parts = name.split("/")
        if len(parts) < 3:
            raise AaeError(f"{folder / name} lies in no class.", f"{folder / TEST} has a sub-folder for each class.")
        test_class.append(parts[1])
    missing = tuple(sorted(given.keys() - set(train)))
    return Listing(train, train_class, test, test_class, missing)


def _pictures(folder: Path) -> Iterator[str]:
    """Give the pictures of a folder and of the folders in it, by name; hidden ones are left out."""
    pending = [""]
    while pending:
        prefix = pending.pop()
        found: list[str] = []
        inner: list[str] = []
        try:
            with os.scandir(folder / prefix) as entries:
                for entry in entries:
                    name = entry.name
                    if is_hidden(name):
                        continue
                    # Links to folders are not followed: they can lead in circles.
                    if entry.is_dir(follow_symlinks=False):
                        inner.append(f"{prefix}{name}/")
                    elif suffix_of(name) in SUFFIXES and entry.is_file():
                        found.append(prefix + name)
        except OSError as error:
            raise AaeError(f"Cannot read the folder {folder / prefix}: {error.strerror}.", "Check its name.") from error
        yield from sorted(found)
        pending += sorted(inner, reverse=True)
