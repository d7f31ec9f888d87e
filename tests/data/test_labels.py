"""labels.csv: written by hand, by spreadsheets and by the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from aaecli.data import labels
from aaecli.data.labels import append_labels, read_labels
from aaecli.errors import AaeError


@pytest.mark.parametrize(
    "body",
    [
        b"path,label\na.png,cat\nsub/b.png,dog\nc.png,\n",
        b"\xef\xbb\xbfpath;label\r\na.png;cat\r\nsub\\b.png;dog\r\nc.png;\r\n",
        b"label,path,who\n cat ,./a.png,me\ndog,sub/b.png,me\n,c.png\n\n",
        b"path,label\na.png,cat\nsub/b.png,dog\nc.png,\n  ,cat\n.,cat\n,\n",
        b"path,label,a;b\na.png,cat,1\nsub/b.png,dog,2\nc.png\n",
    ],
)
def test_what_people_and_spreadsheets_write(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(body)
    assert read_labels(path) == {"a.png": "cat", "sub/b.png": "dog", "c.png": ""}


def test_the_last_row_holds(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    append_labels(path, {"a.png": "cat", "b,c.png": "dog"})
    append_labels(path, {"a.png": ""})
    append_labels(path, {"a.png": "Käse"})
    assert path.read_text(encoding="utf-8").splitlines()[0] == "path,label"
    assert read_labels(path) == {"a.png": "Käse", "b,c.png": "dog"}


def test_a_row_goes_on_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"path,label\na.png,cat")
    append_labels(path, {"b.png": "dog"})
    assert read_labels(path) == {"a.png": "cat", "b.png": "dog"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"file,label\na.png,cat\n", "no column 'path'"),
        (b"", "no column 'path'"),
        (b"path,label\n/etc/a.png,cat\n", "line 2: /etc/a.png is not inside"),
        (b"path,label\n../a.png,cat\n", "not inside"),
        (b"path,label\n\xff\xfe.png,cat\n", "no text in UTF-8"),
        (b"path,label\na/../../b.png,cat\n", r"labels\.csv, line 2: a/\.\./\.\./b\.png"),
        (b"path;label;note\na.png;cat;x,y\n\\etc\\a.png;cat\n", "line 3: .etc.a.png is not inside"),
    ],
)
def test_a_file_that_is_refused(tmp_path: Path, body: bytes, said: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(body)
    with pytest.raises(AaeError, match=said) as caught:
        read_labels(path)
    assert caught.value.hint


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(AaeError, match="Cannot write"):
        append_labels(tmp_path / "absent" / "labels.csv", {"a.png": "cat"})


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"path,label\na.png,cat\n")
    monkeypatch.setattr(labels, "_MAX_BYTES", 2**20)
    assert read_labels(path) == {"a.png": "cat"}
    path.write_bytes(path.read_bytes() + b"\n" * 2**20)
    with pytest.raises(AaeError, match=r"labels\.csv is larger than 1 MiB") as caught:
        read_labels(path)
    assert caught.value.hint


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    with pytest.raises(AaeError, match=r"Cannot read .*labels\.csv: .*directory") as caught:
        read_labels(tmp_path / "labels.csv")
    assert caught.value.hint


def test_line_breaks_within_a_name_come_back(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    append_labels(path, {"a\r\nb.png": "cat"})
    append_labels(path, {"c.png": "dog"})
    assert path.read_bytes() == b'path,label\n"a\r\nb.png",cat\nc.png,dog\n'
    assert read_labels(path) == {"a\r\nb.png": "cat", "c.png": "dog"}
