"""Names, folders, patterns and lists find their pictures; what cannot be read is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aaecli.data import files
from aaecli.data.files import find, names_from, read_bytes
from aaecli.errors import AaeError


def test_folder_lists_its_pictures_by_name(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt", "c.tiff"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "d.png").write_bytes(b"x")
    (tmp_path / "trap.png").mkdir()
    names = [os.path.relpath(path, tmp_path) for path in find([str(tmp_path)])]
    assert names == ["a.JPG", "b.png", "c.tiff"]
    names = [os.path.relpath(path, tmp_path) for path in find([str(tmp_path)], recursive=True)]
    assert sorted(names) == ["a.JPG", "b.png", "c.tiff", str(Path("inner", "d.png"))]


def test_folder_without_pictures_is_said(tmp_path):
    (tmp_path / "inner").mkdir()
    (found,) = find([str(tmp_path)])
    assert isinstance(found, AaeError)
    assert "holds no pictures" in found.message
    assert "--recursive" in found.hint
    (found,) = find([str(tmp_path)], recursive=True)
    assert isinstance(found, AaeError)


def test_pattern_is_expanded_unless_a_file_has_that_name(tmp_path):
    for name in ("1.png", "2.png", "[1].png"):
        (tmp_path / name).write_bytes(b"x")
    assert list(find([str(tmp_path / "?.png")])) == [str(tmp_path / "1.png"), str(tmp_path / "2.png")]
    assert list(find([str(tmp_path / "[1].png")])) == [str(tmp_path / "[1].png")]
    (found,) = find([str(tmp_path / "*.gif")])
    assert isinstance(found, AaeError)


def test_list_of_names_by_line_or_nul(tmp_path):
    listing = tmp_path / "list"
    listing.write_bytes(b"a b.png\r\nc.png\n\nd.png")
    assert list(names_from(str(listing))) == ["a b.png", "c.png", "d.png"]
    listing.write_bytes(b"a\nb.png\0c.png\0")
    assert "c.png" in list(names_from(str(listing)))


@pytest.mark.parametrize("make", ["missing", "empty", "folder", "pipe", "secret"])
def test_unreadable_files_are_said(tmp_path, make):
    path = tmp_path / "x.png"
    if make == "empty":
        path.touch()
    elif make == "folder":
        path.mkdir()
    elif make == "pipe":
        os.mkfifo(path)
    elif make == "secret":
        path.write_bytes(b"x")
        path.chmod(0)
        if os.access(path, os.R_OK):
            # Root reads everything; a name that leads through a file is refused to everybody.
            path = path / "deeper.png"
    with pytest.raises(AaeError, match=r"x\.png"):
        read_bytes(str(path))


def test_file_beyond_the_limit_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    (tmp_path / "big.png").write_bytes(b"\0" * 1001)
    with pytest.raises(AaeError, match="larger than"):
        read_bytes(str(tmp_path / "big.png"))
    (tmp_path / "fits.png").write_bytes(b"\0" * 1000)
    assert len(read_bytes(str(tmp_path / "fits.png"))) == 1000
