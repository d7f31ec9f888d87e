"""Lists of names, however they are written; what is no list is said."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from aaecli.data.naming import name_lists
from aaecli.data.naming.name_lists import names_from
from aaecli.errors import AaeError

NAMES = ["a b.png", "ä/ö.png", "漢.png"]


def written(tmp_path: Path, body: bytes) -> list[str]:
    (tmp_path / "list").write_bytes(body)
    return list(names_from(str(tmp_path / "list")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_a_name_a_line_in_any_unicode(tmp_path: Path, encoding: str, end: str, last: bool) -> None:
    text = end.join(NAMES) + (end if last else "")
    assert written(tmp_path, text.encode(encoding)) == NAMES
    assert written(tmp_path, (end * 3 + text).encode(encoding)) == NAMES


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_in_either_order(tmp_path: Path, mark: str) -> None:
    assert written(tmp_path, f"\ufeff{NAMES[0]}\r\n{NAMES[1]}".encode(mark)) == NAMES[:2]


def test_a_list_with_nul_is_parted_by_nul_alone(tmp_path: Path) -> None:
    assert written(tmp_path, b"a\nb.png\0c\r\n.png\0\0d.png") == ["a\nb.png", "c\r\n.png", "d.png"]
    assert written(tmp_path, b"a\0b\0c\0d\0") == ["a", "b", "c", "d"]


def test_names_in_no_encoding_are_those_on_the_disk(tmp_path: Path) -> None:
    assert [os.fsencode(name) for name in written(tmp_path, b"\xe4.png\nb.png\n")] == [b"\xe4.png", b"b.png"]


def test_quotes_are_left_out_unless_a_file_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path('"b.png"').touch()
    assert written(tmp_path, b'"a b.png"\n"b.png"\n"\n""\n') == ["a b.png", '"b.png"', '"', '""']


@pytest.mark.parametrize("line", [b"scans\\\xe9 1.png\r\n", b" scans/\xc3\xa9 1.png ", b"'.\\scans\\\xc3\xa9 1.png'"])
def test_a_list_from_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    Path("scans/é 1.png").touch()
    Path("list.txt").write_bytes(line)
    (found,) = names_from("list.txt")
    assert Path(found) == Path("scans/é 1.png")


def test_a_list_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"a.png\nb.png\n"))))
    assert list(names_from("-")) == ["a.png", "b.png"]


def test_a_list_from_a_shells_pipe() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"\xef")
    names = names_from(f"/dev/fd/{reading}")
    # The mark comes in parts; a name is given as soon as it is whole.
    os.write(writing, b"\xbb\xbfa.png\nb")
    assert next(names) == "a.png"
    os.write(writing, b".png\n")
    assert next(names) == "b.png"
    os.close(writing)
    assert list(names) == []
    os.close(reading)


def test_a_list_without_end_is_refused_and_a_long_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_lists, "_PART", 100)
    monkeypatch.setattr(name_lists, "_MAX_SILENCE", 1000)
    assert len(written(tmp_path, b"some.png\n" * 500 + b"n" * 900)) == 501
    for endless in (b"n" * 1500, b"\n" * 1500, b"\0" * 1500):
        with pytest.raises(AaeError, match="list is no list") as caught:
            written(tmp_path, b"some.png\n" + endless)
        assert caught.value.hint


def test_a_list_of_what_is_no_file_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.png").touch()
    assert len(written(tmp_path, b"there.png\n" + b"absent.png\n" * 5000)) == 5001
    with pytest.raises(AaeError, match=r"20,000 names in a row"):
        written(tmp_path, b"there.png\n" + b"absent.png\n" * 30_000)
    with pytest.raises(AaeError, match=r"1,000 names in a row in the list .*list are of no file") as caught:
        written(tmp_path, b"absent.png\n" * 5000)
    assert "counted from the folder" in caught.value.hint


def test_a_list_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(AaeError, match=r"Cannot read the list .*absent: No such file") as caught:
        list(names_from(str(tmp_path / "absent")))
    assert "--files-from" in caught.value.hint
    with pytest.raises(AaeError, match="Bad file descriptor"):
        list(names_from("/dev/fd/999"))
