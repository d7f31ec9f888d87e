"""A folder of pictures: which of them is of which class, and which have no label yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aaecli.data.naming.picture_names import LEFT_OUT_HINT, MISNAMED_HINT
from aaecli.data.readers.image_folder.labels import NAME, Labels, read_labels, store_labels
from aaecli.data.readers.image_folder.layout import Layout, Part, class_name, part_of, recognise
from aaecli.data.readers.image_folder.tar import is_tar_file, walk_tar
from aaecli.data.readers.image_folder.tree import Tree, walk
from aaecli.errors import AaeError

UNLABELLED = "unlabelled"
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz")
_LISTS = re.compile(
    r"\.([ct]sv|xlsx?|ods|parquet)$|(label|annotation|class|target|train|test|val|split|metadata|ground.?truth)\w*"
    r"\.(json|jsonl|ndjson|xml|ya?ml|txt|pkl|mat|npy)$"
)
_MOST_NAMED = 5
_PURPOSE = {"validation": "validation", "test": "testing", "unlabelled": "pictures without a label"}


@dataclass(frozen=True)
class Listing:
    """What a folder of pictures holds; nothing has been decoded yet, nor has any file been looked at.

    Attributes:
        train: The pictures to learn from, by name: their paths from the folder, with slashes.
        train_class: Of each, the name of its class, or None without a label.
        is_validation: Of each, whether it lies in ``val/``: it is not learnt from, but validates.
        test: The pictures under ``test/``, by name.
        test_class: Of each, the name of its class.
        missing: Names in labels.csv that no picture has.
        resembling: The picture that may be meant by such a name, where there is one.
        left_out: Sentences on what the folder holds and is left out, and on how it was understood.
        sheet: The labels.csv that new labels belong into, there or not: its path from the folder.
        by_folder_alone: Whether every label is the name of a sub-folder, which a first labels.csv would put an end to.
    """

    train: list[str]
    train_class: list[str | None]
    is_validation: list[bool]
    test: list[str]
    test_class: list[str]
    missing: tuple[str, ...]
    resembling: Mapping[str, str]
    left_out: tuple[str, ...]
    sheet: str
    by_folder_alone: bool

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that there are labels of, in order: by number where all of them are numbers."""
        # A class whose only label is in val/ cannot be learnt, but it has to be named for that to be said.
        names = {name for name in self.train_class if name is not None}
        if all(name.isascii() and name.isdigit() for name in names):
            return tuple(sorted(names, key=lambda name: (int(name), name)))
        return tuple(sorted(names))


def list_folder(folder: Path) -> Listing:
    """List the pictures of a folder.

    A sub-folder is a class, save ``unlabelled``, and ``train``, ``val`` and ``test``, which have a sub-folder a class.
    A labels.csv gives pictures a label or another one. Where there is a labels.csv and no ``unlabelled``, sub-folders
    are mere places and labels.csv alone tells the classes. Without either, pictures right in the folder have no label.

    Args:
        folder: The folder, or a tar file that was made of one.

    Raises:
        AaeError: The folder or its labels.csv cannot be read, or pictures lie where their class cannot be split_part.
    """
    tree = walk_tar(folder) if is_tar_file(folder) else walk(folder)
    if not tree.pictures:
        raise _no_pictures(folder, tree)
    within = [sheet.rpartition("/")[0] for sheet in tree.sheets]
    layout = recognise(folder, tree.pictures, [f"{prefix}/" if prefix else "" for prefix in within])
    labels = _read_all(folder, layout, tree)
    split_part: Mapping[str, Part] = {} if labels is None else labels.part
    located = [
        (name, split_part.get(name, part), inside)
        for name, part, inside in ((name, *layout.locate(name)) for name in tree.pictures)
    ]
    waits = any(_is_unlabelled(layout, inner) for inner in tree.folders)
    by_folder = waits or labels is None
    given = {} if labels is None else labels.label
    has_folders = any(part == "train" and inside for _, part, inside in located)
    train: list[tuple[str, str | None, bool]] = []
    test: list[tuple[str, str]] = []
    for name, part, inside in located:
        label = given.get(name)
        own = class_name(inside[0]) if inside else None
        if part == "test":
            if not (label or own):
                raise _of_no_class(folder, name, layout)
            test.append((name, label or own or ""))
        elif label is not None or part == "unlabelled" or not by_folder:
            train.append((name, label or None, part == "validation"))
        elif own is None and part == "train" and has_folders and not waits:
            raise _beside_the_classes(folder / name)
        else:
            train.append((name, own, part == "validation"))
    return Listing(
        train=[name for name, _, _ in train],
        train_class=[label for _, label, _ in train],
        is_validation=[validates for _, _, validates in train],
        test=[name for name, _ in test],
        test_class=[label for _, label in test],
        missing=() if labels is None else labels.missing,
        resembling={} if labels is None else labels.resembling,
        left_out=(
            *_understood(layout),
            *(_nested(located, given) if by_folder else ()),
            *_left_out(layout, tree),
            *_lists(tree, labels),
        ),
        sheet=_sheet(layout, tree),
        by_folder_alone=labels is None and not waits and any(label is not None for _, label, _ in train),
    )


def _beside_the_classes(path: Path) -> AaeError:
    return AaeError(
        f"{path} lies beside the folders of the classes.",
        f"Move pictures without a label into {path.parent / UNLABELLED}.",
    )


def keep_labels(folder: Path, listing: Listing, given: Mapping[str, str]) -> None:
    """Write labels of pictures of a folder into its labels.csv; an empty one takes a label back.

    Where sub-folders alone told the classes, the first labels.csv gets the labels of all pictures: it tells them from
    then on.

    Raises:
        AaeError: The file cannot be read or written.
    """
    prefix = listing.sheet[: -len(NAME)]
    names = (name.removeprefix(prefix) for name in (*listing.train, *listing.test))
    if listing.by_folder_alone:
        given = {name: label or "" for name, label in zip(listing.train, listing.train_class, strict=True)} | dict(
            given
        )
    inner = {name.removeprefix(prefix): label for name, label in given.items()}
    store_labels(folder / listing.sheet, folder / prefix, inner, names)


def _sheet(layout: Layout, tree: Tree) -> str:
    there = [sheet for sheet in tree.sheets if sheet[: -len(NAME)] == layout.prefix]
    return there[-1] if there else f"{layout.prefix}{NAME}"


def _read_all(folder: Path, layout: Layout, tree: Tree) -> Labels | None:
    """Read every labels.csv that lies around all pictures, of which the outermost has the last word."""
    found: Labels | None = None
    for sheet in sorted(tree.sheets, key=lambda name: (-name.count("/"), name)):
        prefix = sheet.rpartition("/")[0]
        prefix = f"{prefix}/" if prefix else ""
        if not layout.prefix.startswith(prefix):
            continue
        names = [name.removeprefix(prefix) for name in tree.pictures]
        inner = read_labels(folder / sheet, folder / prefix, names)
        if inner.missing and not inner.label and not any(_is_unlabelled(layout, path) for path in tree.folders):
            raise inner.none_found(folder / sheet, names)
        found = inner.beside(found, prefix)
    return found


def _is_unlabelled(layout: Layout, folder: str) -> bool:
    """Whether a folder is one for pictures without a label; it may be empty."""
    inner = folder.removeprefix(layout.prefix).rstrip("/")
    if "/" not in inner:
        return part_of(inner) == "unlabelled"
    part, inside = layout.locate(folder)
    return part == "unlabelled" and not inside


def _understood(layout: Layout) -> Iterator[str]:
    if layout.prefix:
        yield f"The classes are the folders in {layout.prefix}."
    by_part = {part: f"{top}/" for top, part in layout.parts.items()}
    if "train" in by_part:
        others = [f"{by_part[part]} is for {what}" for part, what in _PURPOSE.items() if part in by_part]
        yield ", ".join((f"{by_part['train']} is learnt from", *others)) + "."
    elif "validation" in by_part:
        yield f"{by_part['validation']} is for validation."


def _nested(located: Iterable[tuple[str, Part, tuple[str, ...]]], given: Mapping[str, str]) -> Iterator[str]:
    """Say of which class pictures are that lie deeper than the folder of a class."""
    own = [inside for name, part, inside in located if part != "unlabelled" and name not in given]
    if deep := [f"{top}/" for top in sorted({inside[0] for inside in own if inside[1:]})]:
        yield f"A class is the outer folder: whatever lies deeper in {_some(deep)} is of that class."


def _left_out(layout: Layout, tree: Tree) -> Iterator[str]:
    if tree.unread:
        kinds = [f"{location} ({count:,})" for location, count in sorted(tree.unread.items())]
        yield f"Left out, since the format is not read: {_some(kinds)}. {LEFT_OUT_HINT}"
    if tree.misnamed:
        yield f"Left out, since their names do not end as a picture's: {_some(tree.misnamed)}. {MISNAMED_HINT}"
    if tree.linked:
        yield f"Left out, since links to folders are not followed: {_some(tree.linked)}. Copy what they lead to."
    around = {name[: index + 1] for name in tree.pictures for index, letter in enumerate(name) if letter == "/"}
    empty = [name for name in tree.folders if name not in around and len(layout.locate(name)[1]) == 1]
    if empty:
        yield f"No picture lies in: {_some(empty)}."


def _lists(tree: Tree, labels: Labels | None) -> Iterator[str]:
    lists = [name for name in tree.others if _LISTS.search(name.casefold())]
    if lists and labels is None:
        yield f"Not read: {_some(lists)}. A list of labels is called {NAME}."
    if labels is not None:
        yield from labels.remarks


def _of_no_class(folder: Path, name: str, layout: Layout) -> AaeError:
    path = folder / name
    return AaeError(
        f"{path} is for testing, and nothing tells its class.",
        f"Give {path.parent} a sub-folder for each class, or name its pictures in a {NAME}; "
        f"those whose class nobody knows belong into {folder / layout.prefix / UNLABELLED}.",
    )


def _some(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _no_pictures(folder: Path, tree: Tree) -> AaeError:
    """Say what there is instead, and what to do about it."""
    archives = [name for name in tree.others if name.lower().endswith(_ARCHIVES)]
    if tree.unread:
        hint = f"Convert {next(iter(sorted(tree.unread)))} to PNG or JPEG."
    elif tree.misnamed:
        hint = f"{tree.misnamed[0]} is a picture whose name does not end like one. {MISNAMED_HINT}"
    elif tree.linked:
        hint = f"{tree.linked[0]} is a link to a folder, which is not followed: copy the pictures, or name that folder."
    elif archives:
        hint = f"Unpack {archives[0]} first, and name the folder that comes out of it."
    else:
        hint = "Give a folder with a sub-folder of pictures for each class, or with pictures and a labels.csv."
    return AaeError(f"{folder} holds neither pictures nor another data set.", hint)
