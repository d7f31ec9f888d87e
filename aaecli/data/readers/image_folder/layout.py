"""What the folders in a folder of pictures stand for: classes, parts of a split, or pictures without a label."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from aaecli.errors import AaeError
from aaecli.text import as_text

Part = Literal["train", "validation", "test", "unlabelled"]
Folders = tuple[str, ...]
"""Folders in one another, the outermost first."""

_WORDS: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "trainset", "trainingset"), "train"),
    **dict.fromkeys(
        (
            *("val", "valid", "validation", "validate", "valset", "validset", "validationset"),
            *("dev", "devset", "eval", "evaluation"),
        ),
        "validation",
    ),
    **dict.fromkeys(("test", "testing", "tests", "testset", "testingset"), "test"),
    **dict.fromkeys(
        (
            *("unlabelled", "unlabeled", "nolabel", "nolabels", "notlabelled", "notlabeled", "withoutlabel"),
            *("withoutlabels", "unannotated", "untagged"),
        ),
        "unlabelled",
    ),
    # Beside the pictures without a label.
    **dict.fromkeys(("labelled", "labeled", "annotated"), "train"),
}
_LABELLED = frozenset({"labelled", "labeled", "annotated"})
_FILLING = frozenset({"set", "data", "dataset", "split", "images", "image", "imgs", "img", "pictures", "samples"})
_FOLDS = frozenset({"fold", "folds", "kfold", "cv", "split", "partition"})


@dataclass(frozen=True)
class Layout:
    """How a folder is laid out.

    Attributes:
        prefix: The folder within it that all pictures lie in, with a slash at its end; empty where there is none.
        parts: What the folders right below ``prefix`` are, by name; classes are not among them.
        depth: In how many folders within a part all of its classes lie, by its folder's name.
    """

    prefix: str
    parts: dict[str, Part]
    depth: dict[str, int]

    @property
    def has_split(self) -> bool:
        """Whether the pictures to learn from lie in a folder of their own, such as ``train/``."""
        return "train" in self.parts.values()

    def locate(self, name: str) -> tuple[Part, tuple[str, ...]]:
        """Give the part that a picture belongs to, and the folders that it lies in there, the outermost first."""
        *folders, _ = name[len(self.prefix) :].split("/")
        part = self.parts.get(folders[0]) if folders else None
        if part is None:
            return "train", tuple(folders)
        inner = tuple(folders[1 + self.depth.get(folders[0], 0) :])
        if part in ("train", "validation") and inner and part_of(inner[0]) == "unlabelled":
            return "unlabelled", inner[1:]
        return part, inner


@lru_cache(maxsize=4096)
def class_name(folder: str) -> str:
    """Give the class that a folder's name means: macOS writes é as two characters, and people leave spaces."""
    return as_text(unicodedata.normalize("NFC", folder).strip())


def part_of(folder: str) -> Part | None:
    """Give the part of a split that a folder's name alone says: ``Train``, ``test_set``, ``Un-labeled``."""
    words, rest = _words(folder)
    return words[0] if len(words) == 1 and not rest else None


def recognise(folder: Path, names: Iterable[str], has_labels: Iterable[str] = ()) -> Layout:
    """Tell what the folders are.

    A folder named like a part of a split is one where classes lie in it, or where there is nothing but such folders:
    ``train`` and ``valid`` are names of classes, too. ``test`` and ``unlabelled`` always are parts.

    Args:
        folder: The folder, for messages.
        names: Its pictures.
        has_labels: Prefixes of the folders in it that hold a labels.csv.

    Raises:
        AaeError: Parts of a split and classes lie beside each other, so that either may be meant.
    """
    # In order, so that of several faults the same one is always named.
    folders = sorted({tuple(name.split("/")[:-1]) for name in names})
    labels = {tuple(where.split("/")[:-1]) for where in has_labels}
    prefix = _wrapped(folders, labels)
    where = "".join(f"{part}/" for part in prefix)
    below: defaultdict[str, list[Folders]] = defaultdict(list)
    for path in folders:
        if len(path) > len(prefix):
            below[path[len(prefix)]].append(path[len(prefix) + 1 :])
    parts = _parts(folder / where, below)
    _refuse_parts_in_classes(folder / where, {top: paths for top, paths in below.items() if top not in parts})
    return Layout(where, parts, {top: _depth(top, below[top]) for top in parts})


def _refuse_parts_in_classes(folder: Path, classes: Mapping[str, list[Folders]]) -> None:
    """Refuse ``ring/test/`` and ``fold1/ring/``: test pictures would be learnt from, folds taken for classes.

    Args:
        folder: Where the folders of the classes lie, for messages.
        classes: The folders with pictures within each.
    """
    for top, below in classes.items():
        inner: dict[Part, str] = {}
        for path in below:
            inner |= {part: name for name in path if (part := part_of(name))}
        if len(inner) > 1 or {"test", "unlabelled"} & inner.keys():
            name = inner.get("test") or inner.get("unlabelled") or inner["validation"]
            raise AaeError(
                f"{folder / top} looks like a class, but holds {name}/, which looks like a part of a split.",
                f"Move its pictures to {folder / name / top}: the parts lie outside, the classes within them.",
            )
    within = [{path[0] for path in below if path} for below in classes.values()]
    if len(within) > 1 and within[0] and all(names == within[0] for names in within) and all(map(_is_fold, classes)):
        raise AaeError(
            f"{folder} holds {', '.join(f'{top}/' for top in list(classes)[:3])}, which look like parts of a data set, "
            f"each with {', '.join(f'{name}/' for name in sorted(within[0])[:3])} in it.",
            "Put the pictures of each class into one folder; `aaecli eval --folds 5` makes folds of its own.",
        )


def _is_fold(folder: str) -> bool:
    return any(word in _FOLDS for word in re.findall(r"[^\W\d_]+", folder.casefold()))


def _depth(top: str, below: list[Folders]) -> int:
    """Count the folders in a part, each the only one in the other, that its classes lie in."""
    inner = [path for path in below if not _waits(path)]
    # `seg_test/seg_test/forest/`: how many classes there are says nothing where it is the part's name again.
    repeats = bool(inner) and all(path[:1] == (top,) for path in inner)
    return len(_wrapped(inner, set())) or int(repeats)


def _wrapped(folders: list[Folders], labels: set[Folders]) -> Folders:
    """Give the folders, each the only one in the other, that all the classes or the labels lie in: they are no classes.

    Args:
        folders: The folders that pictures lie in.
        labels: Those that a labels.csv lies in.
    """
    common = folders[0] if folders else ()
    for path in folders:
        same = next((locate for locate, pair in enumerate(zip(common, path, strict=False)) if pair[0] != pair[1]), None)
        common = common[: min(len(common), len(path)) if same is None else same]
    for depth in range(len(common) + 1):
        if common[:depth] in labels or (depth < len(common) and part_of(common[depth])):
            return common[:depth]
    inner = {path[len(common)] if len(path) > len(common) else None for path in folders}
    return common if len(inner) > 1 and None not in inner else ()


def _waits(path: Folders) -> bool:
    return bool(path) and part_of(path[0]) == "unlabelled"


def _parts(folder: Path, below: Mapping[str, list[Folders]]) -> dict[str, Part]:
    found = {top: part for top in below if (part := part_of(top))} | _by_pairs(below)
    others = [top for top in below if top not in found]
    if not others:
        return found
    sure: dict[str, Part] = {top: part for top, part in found.items() if part in ("test", "unlabelled")}
    classes = {class_name(top).casefold() for top in others}
    flat = set()
    for top in found.keys() - sure.keys():
        inner = {class_name(path[0]).casefold() for path in below[top] if path and not _waits(path)}
        if not inner:
            flat.add(found[top])
        elif found[top] == "validation" and inner <= classes and () not in below[top]:
            sure[top] = "validation"
        else:
            raise _ambiguous(folder, top, others[0])
    if len(flat) > 1:
        raise _ambiguous(folder, next(top for top, part in found.items() if part in flat), others[0])
    return sure


def _ambiguous(folder: Path, top: str, other: str) -> AaeError:
    return AaeError(
        f"{folder} holds {top}/, which looks like a part of a split, beside {other}/, which looks like a class.",
        f"Move the classes to learn from into {folder / 'train'}, or rename {top}/ if it is a class.",
    )


def _by_pairs(tops: Iterable[str]) -> dict[str, Part]:
    """Find names that differ in the part alone, or in a number, such as ``signs_train`` and ``2_signs_test``."""
    groups: defaultdict[tuple[str, ...], dict[str, Part]] = defaultdict(dict)
    for top in tops:
        words, rest = _words(top)
        if len(words) == 1 and rest:
            groups[tuple(word for word in rest if not word.isdigit())][top] = words[0]
    return {top: part for group in groups.values() if len(set(group.values())) > 1 for top, part in group.items()}


def _words(folder: str) -> tuple[list[Part], tuple[str, ...]]:
    """Part a name into the parts of a split that it names, and what else it says."""
    plain = unicodedata.normalize("NFKC", folder).casefold()
    # `un-labelled` is one word, `test_set` two.
    if joined := _WORDS.get(re.sub(r"[\W_]", "", plain)):
        return [joined], ()
    words = [word for word in re.findall(r"[^\W\d_]+|\d+", plain) if word not in _FILLING]
    named = [word for word in words if word in _WORDS]
    if len(named) > 1:
        # `labelled_test`; and nobody learns the labels of `unlabelled_train`.
        named = [word for word in named if word not in _LABELLED]
        named = [word for word in named if _WORDS[word] == "unlabelled"] or named
    return [_WORDS[word] for word in named], tuple(word for word in words if word not in _WORDS)
