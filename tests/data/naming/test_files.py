"""Names, folders, patterns and lists find their pictures; what cannot be read is said."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from aaecli.data.naming import files
from aaecli.data.naming.files import find, read_bytes
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


def test_folders_of_folders_are_looked_into_but_not_links(tmp_path):
    names = ("a/b/c/deep.png", "a/two.dots.png", "z.png")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "a" / "empty").mkdir()
    (tmp_path / "a" / "circle").symlink_to(tmp_path, target_is_directory=True)
    expected = sorted(str(tmp_path / name) for name in names)
    assert list(find([str(tmp_path)], recursive=True)) == expected
    assert list(find([str(tmp_path / "**" / "*.png")]))[-1] == str(tmp_path / "z.png")
    assert str(tmp_path / "a/b/c/deep.png") in list(find([str(tmp_path / "**" / "*.png")]))


def test_what_no_user_put_there_is_left_out_unless_it_is_meant(tmp_path):
    kept = ("a.png", "album/b.png")
    hidden = ("._a.png", ".ipynb_checkpoints/a.png", "__MACOSX/a.png", "@eaDir/a.png", "album/.x/c.png", "Thumbs.db")
    for name in (*kept, *hidden):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    expected = [str(tmp_path / name) for name in kept]
    assert list(find([str(tmp_path)], recursive=True)) == expected
    assert list(find([str(tmp_path / "**" / "*")])) == expected
    assert list(find([str(tmp_path / "*" / "*.png")])) == expected[1:]
    assert list(find([str(tmp_path / "._*.png")])) == [str(tmp_path / "._a.png")]
    assert list(find([str(tmp_path / "@eaDir" / "*.png")])) == [str(tmp_path / "@eaDir" / "a.png")]
    assert list(find([str(tmp_path / "._a.png")])) == [str(tmp_path / "._a.png")]


def test_clutter_that_a_shell_names_is_left_out_unless_it_is_alone(tmp_path):
    names = [str(tmp_path / name) for name in ("~$a.png", "Thumbs.db", "__MACOSX", "a.png")]
    assert list(find(names)) == names[-1:]
    assert list(find(names[:1])) == names[:1]


def test_a_picture_whose_name_does_not_end_like_one_is_said(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "README").write_bytes(b"x")
    assert list(find([str(tmp_path)])) == [str(tmp_path / "a.png")]
    (tmp_path / "scan").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "b.jpg_large").write_bytes(b"\xff\xd8\xff\xe0")
    _, said = find([str(tmp_path)])
    assert said.message.startswith(f"{tmp_path / 'b.jpg_large'} and 1 more left out")


@pytest.mark.parametrize("recursive", [True, False])
def test_pictures_of_other_formats_are_counted_and_named(tmp_path, recursive):
    for name in ("1.HEIC", "2.heic", "x.svg", "notes.txt", ".y.heic"):
        (tmp_path / name).write_bytes(b"x")
    (found,) = find([str(tmp_path)], recursive=recursive)
    assert found.message == f"2 .heic files and 1 .svg file are left out, in {tmp_path}: these formats are not read."
    assert found.hint == "Save them as PNG or JPEG."
    (tmp_path / "a.png").write_bytes(b"x")
    picture, said = find([str(tmp_path)], recursive=recursive)
    assert (picture, said.message) == (str(tmp_path / "a.png"), found.message)


def test_folders_deeper_than_python_calls(tmp_path):
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=place)
        inner = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(os.open("a.png", os.O_CREAT, dir_fd=place))
    os.close(place)
    try:
        assert list(find([str(tmp_path)], recursive=True)) == [f"{tmp_path}{'/d' * 1200}/a.png"]
    finally:
        # pytest removes what earlier runs have left, and follows no more folders than Python calls.
        while (tmp_path / "d/d").exists():
            (tmp_path / "d/d").rename(tmp_path / "inner")
            (tmp_path / "d").rmdir()
            (tmp_path / "inner").rename(tmp_path / "d")


@pytest.mark.parametrize(
    "name", ["x" * 5000, "a/" + "x" * 300 + "/b", "a\0b.png", "*" + "x" * 5000, "a\0*", "\udcff\ud800*"]
)
def test_names_that_no_file_can_have_are_said(name):
    for found in find([name]):
        if not isinstance(found, AaeError):
            with pytest.raises(AaeError) as caught:
                read_bytes(found)
            found = caught.value
        assert found.hint


def test_folder_without_pictures_is_said(tmp_path):
    (tmp_path / "inner").mkdir()
    (found,) = find([str(tmp_path)])
    assert isinstance(found, AaeError)
    assert "holds no pictures" in found.message
    assert "--recursive" in found.hint
    (found,) = find([str(tmp_path)], recursive=True)
    assert isinstance(found, AaeError)
    assert found.hint == ""


def test_pattern_is_expanded_unless_a_file_has_that_name(tmp_path):
    for name in ("1.png", "2.png", "[1].png"):
        (tmp_path / name).write_bytes(b"x")
    assert list(find([str(tmp_path / "?.png")])) == [str(tmp_path / "1.png"), str(tmp_path / "2.png")]
    assert list(find([str(tmp_path / "[1].png")])) == [str(tmp_path / "[1].png")]
    (found,) = find([str(tmp_path / "*.gif")])
    assert isinstance(found, AaeError)
    assert found.message == f"No file matches {tmp_path / '*.gif'}."
    assert found.hint
    # A name without a pattern is a file, there or not: reading it says what is wrong.
    assert list(find(["absent.png"])) == ["absent.png"]


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
    with pytest.raises(AaeError, match=r"x\.png") as caught:
        read_bytes(str(path))
    said = {
        "missing": (": No such file or directory.", "Check the spelling and the folder you are in."),
        "empty": (" is empty.", "Copy the file again."),
        "folder": (" is a folder, not a file.", "Name a file in it."),
        "pipe": (" is a pipe, not a file.", "Save what it gives as a file, and name that."),
    }
    if make in said:
        assert caught.value.message.endswith(said[make][0])
        assert caught.value.hint == said[make][1]


def test_file_beyond_the_limit_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    (tmp_path / "big.png").write_bytes(b"\0" * 1001)
    with pytest.raises(AaeError, match="larger than"):
        read_bytes(str(tmp_path / "big.png"))
    (tmp_path / "fits.png").write_bytes(b"\0" * 1000)
    assert len(read_bytes(str(tmp_path / "fits.png"))) == 1000


def test_a_name_with_a_nul_is_refused():
    with pytest.raises(AaeError, match=r"Cannot read 'a.*b.png': no file has such a name") as caught:
        read_bytes("a\0b.png")
    assert caught.value.hint


def stdin_of(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))


def test_a_picture_from_stdin(monkeypatch):
    stdin_of(monkeypatch, b"abc")
    assert read_bytes("-") == b"abc"
    stdin_of(monkeypatch, b"")
    with pytest.raises(AaeError, match="The picture on stdin is empty") as caught:
        read_bytes("-")
    assert "Pipe" in caught.value.hint
    monkeypatch.setattr(files, "MAX_BYTES", 2**20)
    stdin_of(monkeypatch, b"x" * 2**20)
    assert len(read_bytes("-")) == 2**20
    stdin_of(monkeypatch, b"x" * (2**20 + 1))
    with pytest.raises(AaeError, match="The picture on stdin is larger than 1 MiB") as caught:
        read_bytes("-")
    assert caught.value.hint


def test_a_folder_that_cannot_be_read_is_said(tmp_path, monkeypatch):
    def scandir(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", scandir)
    (found,) = find([str(tmp_path)])
    assert found.message == f"Cannot read the folder {tmp_path}: Permission denied."
    assert found.hint
