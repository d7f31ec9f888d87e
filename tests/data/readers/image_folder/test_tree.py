"""The tree of a folder of pictures, and that of the names of its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from aaecli.data.readers.image_folder import tree
from aaecli.data.readers.image_folder.tree import Tree, check_number, walk, walk_names
from aaecli.errors import AaeError

NAMES = (
    "b.png",
    "a/z.png",
    "a/b/c.png",
    "a-b/x.jpg",
    "a.b/x.heic",
    "a/labels.csv",
    "note.md",
    "c/d/e/f.tif",
    "B/1.gif",
)


def test_names_make_the_tree_of_their_folder(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    walked, named = walk(tmp_path), walk_names(reversed(NAMES))
    for field in ("pictures", "unread", "sheets", "others"):
        assert getattr(named, field) == getattr(walked, field)
    assert sorted(named.folders) == sorted(walked.folders)


def test_more_pictures_than_are_learnt_from_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "_MAX_PICTURES", 2)
    check_number(Path("x"), Tree(pictures=["1", "2"]))
    with pytest.raises(AaeError, match="x holds more than 2 pictures"):
        check_number(Path("x"), Tree(pictures=["1", "2", "3"]))
