"""labels.csv: written by hand, by spreadsheets, by other programs and by this one."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aaecli.data.readers.image_folder import label_file
from aaecli.data.readers.image_folder.labels import read_labels, store_labels
from aaecli.errors import AaeError

NAMES = ("a.png", "sub/b.png", "c.png")
WANTED = {"a.png": "cat", "sub/b.png": "dog", "c.png": ""}


def read(folder: Path, body: bytes, names: tuple[str, ...] = NAMES) -> dict[str, str]:
    (folder / "labels.csv").write_bytes(body)
    found = read_labels(folder / "labels.csv", folder, names)
    assert not found.missing
    return found.label


@pytest.mark.parametrize(
    "body",
    [
        b"path,label\na.png,cat\nsub/b.png,dog\nc.png,\n",
        b"\xef\xbb\xbfpath;label\r\na.png;cat\r\nsub\\b.png;dog\r\nc.png;\r\n",
        b"label,path,who\n cat ,./a.png,me\ndog,sub/b.png,me\n,c.png\n\n",
        b"path,label\na.png,cat\nsub/b.png,dog\nc.png,\n  ,cat\n,\n",
        b"path,label,a;b\na.png,cat,1\nsub/b.png,dog,2\nc.png\n",
        b"filename,label\na.png,cat\nb.png,dog\nc.png,\n",
        b"Path,Label\na.png,cat\nsub/b.png,dog\nc.png,\n",
        b"image, class\na.png, cat\nsub/b.png, dog\nc.png, \n",
        b"Image_ID\tClass Name\na\tcat\nb\tdog\nc\t\n",
        b"id|target\na|cat\nsub/b|dog\nc|\n",
        b"a.png,cat\nsub/b.png,dog\nc.png,\n",
        b"cat,a.png\ndog,sub/b.png\n,c.png\n",
        b"\xef\xbb\xbfsep=;\r\nBild;Sorte\r\na.png;cat\r\nb.png;dog\r\nc.png;\r\n",
        '"sep=\t"\r\nBild\tSorte\r\na.png\tcat\r\nb.png\tdog\r\nc.png\t\r\n'.encode("utf-16"),
        b"A.PNG,cat\nSUB/B.png,dog\nC,\n",
        b"Bild;Sorte\na.png;cat\nb.png;dog\nc.png;\n",
        "path,label\na.png,cat\nsub/b.png,dog\nc.png,\n".encode("utf-16"),
        "path\tlabel\r\na.png\tcat\r\nsub/b.png\tdog\r\nc.png\t\r\n".encode("utf-16-le"),
        "a.png,cat\nsub/b.png,dog\nc.png,\n".encode("utf-16-be"),
        b'"path" , "label"\n"a.png" , "cat"\n"b.png" ,"dog"\n"c.png",\n',
        b"n,image,label,split\n1,a.png,cat,x\n2,b.png,dog,y\n3,c.png,,z\n",
    ],
)
def test_what_people_spreadsheets_and_programs_write(tmp_path: Path, body: bytes) -> None:
    assert read(tmp_path, body) == WANTED


@pytest.mark.parametrize(
    ("written", "meant", "why"),
    [
        ("1.png", "0001.png", "zeros"),
        ("1", "0001.png", "zeros"),
        ("img_7.png", "sub/img_007.png", "zeros"),
        ("0001.jpg", "0001.png", "ending"),
        ("IMG_007.HEIC", "sub/img_007.png", "ending"),
        ("2.png", "", ""),
        ("10.png", "", ""),
        ("1.tar", "", ""),
        ("x/0001.jpg", "0001.png", "ending"),
        ("twice.png", "", ""),
    ],
)
def test_a_name_that_resembles_one_is_not_taken_for_it_but_named(
    tmp_path: Path, written: str, meant: str, why: str
) -> None:
    names = ("0001.png", "sub/img_007.png", "c.png", "0010.png", "010.png", "d/twice.gif", "e/twice.jpg")
    (tmp_path / "labels.csv").write_text(f"path,label\n{written},cat\nc.png,dog\n")
    found = read_labels(tmp_path / "labels.csv", tmp_path, names)
    assert found.label == {"c.png": "dog"}
    assert found.missing == (written,)
    assert dict(found.resembling) == ({written: meant} if meant else {})
    error = found.none_found(tmp_path / "labels.csv", names)
    if meant:
        assert error.hint.startswith(f"If {meant} is meant, write it so: ")
        assert why in error.hint
    else:
        assert error.hint.startswith("Write each path")


def test_what_means_no_label(tmp_path: Path) -> None:
    assert read(tmp_path, b"path,label\na.png,0\nb.png,3\nc.png,-1\n") == {"a.png": "0", "sub/b.png": "3", "c.png": ""}
    assert read(tmp_path, b"path,label\na.png,cat\nb.png,dog\nc.png,Unlabeled\n") == WANTED
    assert read(tmp_path, b"path,label\na.png,-1\nb.png,x\nc.png,\n")["a.png"] == "-1"


def test_what_may_not_be_meant_is_said(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"path,label\na.png,cat\na.png,dog\nb.png,nan\nb.png,nan\n")
    found = read_labels(tmp_path / "labels.csv", tmp_path, NAMES)
    assert found.label == {"a.png": "dog", "sub/b.png": "nan"}
    assert [text.partition(":")[0] for text in found.remarks] == [
        "labels.csv gives several labels to a.png",
        "labels.csv has a class 'nan'",
    ]


def test_the_line_by_which_excel_knows_the_delimiter_stays(tmp_path: Path) -> None:
    sheet = tmp_path / "labels.csv"
    sheet.write_bytes(b"\xef\xbb\xbfSEP=;\nBild;Sorte\na.png;cat\n")
    store_labels(sheet, tmp_path, {"c.png": "dog"}, NAMES)
    assert sheet.read_bytes() == b"\xef\xbb\xbfSEP=;\nBild;Sorte\na.png;cat\nc.png;dog\n"
    sheet.write_bytes(b"sep=;\npath;label\na.png;cat\n../x.png;dog\n")
    with pytest.raises(AaeError, match="line 4"):
        read_labels(sheet, tmp_path, NAMES)


def test_a_list_parted_by_spaces(tmp_path: Path) -> None:
    body = b"a.png cat\nsub/b.png dog\nmy photo.png dog\n"
    wanted = {"a.png": "cat", "sub/b.png": "dog", "my photo.png": "dog"}
    assert read(tmp_path, body, ("a.png", "sub/b.png", "my photo.png")) == wanted


@pytest.mark.parametrize(
    "written",
    [
        "{folder}/sub/b.png", "{name}/sub/b.png", "data/{name}/sub/b.png", "../{name}/sub/b.png",
        "/else/{name}/sub/b.png", "C:\\users\\{name}\\sub\\b.png",
        "./sub//b.png", "b.png", "b", "sub/B.PNG", "{name}/b",
    ],
)  # fmt: skip
def test_a_path_counted_from_elsewhere(tmp_path: Path, written: str) -> None:
    folder = tmp_path / "stamps"
    folder.mkdir()
    name = written.format(folder=folder, name="stamps")
    assert read(folder, f"path,label\n{name},cat\n".encode()) == {"sub/b.png": "cat"}


def test_one_letter_in_two_encodings(tmp_path: Path) -> None:
    for there, written in (("NFC", "NFD"), ("NFD", "NFC")):
        name = unicodedata.normalize(there, "Käse/é.png")
        body = f"path,label\n{unicodedata.normalize(written, name)},cat\n".encode()
        assert read(tmp_path, body, (name,)) == {name: "cat"}


def test_what_was_guarded_against_spreadsheets_is_taken_as_it_was(tmp_path: Path) -> None:
    body = b"path,label\n'=a.png,'+1 cat\n'b.png,'cat\n"
    assert read(tmp_path, body, ("=a.png", "'b.png")) == {"=a.png": "+1 cat", "'b.png": "'cat"}


def test_the_name_as_it_is_goes_before_others(tmp_path: Path) -> None:
    names = ("a.png", "sub/a.png", "A.png", "a.jpg")
    assert read(tmp_path, b"path,label\na.png,x\nA.png,y\nsub/a.png,z\n", names) == {
        "a.png": "x", "A.png": "y", "sub/a.png": "z"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("b.png", "s/b.png or t/b.png"),
        ("b", "s/b.png or t/b.png"),
        ("a", "a.jpg or a.png"),
        ("C.png", "c.PNG or c.png"),
    ],
)
def test_what_may_mean_several_is_not_guessed(tmp_path: Path, written: str, said: str) -> None:
    names = ("s/b.png", "t/b.png", "a.png", "a.jpg", "c.png", "c.PNG")
    with pytest.raises(AaeError, match=f"line 2: {written} may mean {said}") as caught:
        read(tmp_path, f"path,label\n{written},cat\n".encode(), names)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"),
        (b"first,second,third\na.png,cat,1\n", "no column that holds the label.*: first, second, third"),
        (b"image,MEL,NV\na.png,1,0\n", "no column that holds the label.*: image, MEL, NV"),
        (b"one,two\nthree,four\n", "no column that names pictures"),
        (b"path,label\n/etc/a.png,cat\n", "line 2: /etc/a.png is not inside"),
        (b"path,label\n../a.png,cat\n", "not inside"),
        (b"path,label\nD:\\a.png,cat\n", "not inside"),
        (b"path,label\n\xff\xfe.png,cat\n", "not a CSV file in UTF-8: see line 2"),
        (b"path,label\na.png,K\xe4se\n", "not a CSV file in UTF-8: see line 2"),
        (b"path,label\na/../../b.png,cat\n", r"labels\.csv, line 2: a/\.\./\.\./b\.png"),
        (b"path;label;note\na.png;cat;x,y\n\\etc\\a.png;cat\n", "line 3: .etc.a.png is not inside"),
        (b'path,label\na.png,"' + b"x" * 200_000 + b'"\n', "not a CSV file: field larger"),
        (b"\xff\xfea", "not a CSV file in UTF-8"),
    ],
)
def test_a_file_that_is_refused(tmp_path: Path, body: bytes, said: str) -> None:
    with pytest.raises(AaeError, match=said) as caught:
        read(tmp_path, body)
    assert caught.value.hint


def test_what_no_picture_has_is_told_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,label\nsub\\lost.png,cat\na.png,cat\nlost too,dog\n")
    found = read_labels(tmp_path / "labels.csv", tmp_path, NAMES)
    assert found.label == {"a.png": "cat"}
    assert found.missing == ("lost too", "sub\\lost.png")


def test_bytes_that_are_no_text_may_name_a_picture(tmp_path: Path) -> None:
    assert read(tmp_path, b"path,label\n\xff.png,cat\n", ("\udcff.png",)) == {"\udcff.png": "cat"}
    store_labels(tmp_path / "labels.csv", tmp_path, {"\udcff.png": "dog"})
    assert (tmp_path / "labels.csv").read_bytes() == b"path,label\n\xff.png,dog\n"


@pytest.mark.parametrize(("limit", "value"), [("_MAX_BYTES", 2**10), ("_MAX_ROWS", 20)])
def test_a_file_beyond_the_limit_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    body = b"path,label\na.png,cat\n"
    monkeypatch.setattr(label_file, limit, value)
    assert read(tmp_path, body) == {"a.png": "cat"}
    with pytest.raises(AaeError, match=r"labels\.csv (is larger than|has more than)") as caught:
        read(tmp_path, body + b"a.png,cat\n" * 200)
    assert caught.value.hint


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").mkdir()
    with pytest.raises(AaeError, match=r"labels\.csv") as caught:
        read_labels(tmp_path / "labels.csv", tmp_path, NAMES)
    assert caught.value.hint


def test_an_answer_given_again_replaces_its_row(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    for label in ("cat", "", "Käse"):
        store_labels(path, tmp_path, {"a.png": label, "b,c.png": "dog"})
    assert path.read_text(encoding="utf-8") == 'path,label\na.png,Käse\n"b,c.png",dog\n'
    store_labels(path, tmp_path, {"c.png": "dog"})
    assert path.read_text(encoding="utf-8").splitlines()[-1] == "c.png,dog"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"path,label\na.png,cat", b"path,label\na.png,cow\nb.png,dog\n"),
        (
            b"\xef\xbb\xbfnote;file;class\r\nx;b.png;\r\n;c.png;cat\r\n",
            b"\xef\xbb\xbfnote;file;class\nx;b.png;dog\n;c.png;cat\n;a.png;cow\n",
        ),
        (b"a.png,cat\nc.png,cat\na.png,dog\n", b"a.png,cow\nc.png,cat\nb.png,dog\n"),
        (b"x.png,1\na.png,2\nx.png,3\n", b"x.png,1\na.png,cow\nx.png,3\nb.png,dog\n"),
        (b"sub/a.png 1\nb.png 2\n", b"sub/a.png 1\nb.png dog\na.png cow\n"),
        (b"", b"path,label\na.png,cow\nb.png,dog\n"),
    ],
)
def test_a_file_stays_as_somebody_wrote_it(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(before)
    store_labels(path, tmp_path, {"a.png": "cow", "b.png": "dog"}, ("x.png", "c.png"))
    assert path.read_bytes() == after


def test_the_row_of_another_picture_stays(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("path,label\nb.png,cat\n")
    store_labels(path, tmp_path, {"sub/b.png": "dog"}, ("b.png", "sub/b.png"))
    assert path.read_text() == "path,label\nb.png,cat\nsub/b.png,dog\n"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AaeError, match="Cannot write"):
        store_labels(tmp_path / "file" / "labels.csv", tmp_path, {"a.png": "cat"})


NAME = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z"), exclude_characters="/\\"), min_size=1, max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAME.map(lambda name: f"{name}.png"), NAME, min_size=1, max_size=6))
def test_whatever_is_stored_comes_back(tmp_path: Path, labels: dict[str, str]) -> None:
    path = tmp_path / "labels.csv"
    path.unlink(missing_ok=True)
    store_labels(path, tmp_path, labels)
    once = path.read_bytes()
    store_labels(path, tmp_path, labels)
    assert path.read_bytes() == once
    assert read_labels(path, tmp_path, labels).label == labels


def test_a_first_line_shorter_than_the_others_is_no_picture(tmp_path: Path) -> None:
    # The column of pictures lies beyond the first line, so that it names the columns.
    assert read(tmp_path, b"notes\ncat,a.png\ndog,sub/b.png\n") == {"a.png": "cat", "sub/b.png": "dog"}


def test_very_many_columns_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(AaeError, match="20,001 columns; at most 10,000"):
        read(tmp_path, b"a" + b",\x00a" * 20_000)
