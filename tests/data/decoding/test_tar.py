"""Tar files from strangers: their pictures, and nothing else of them."""

from __future__ import annotations

import io
import pickle
import tarfile

import pytest

from aaecli.data.decoding import tar
from aaecli.data.decoding.tar import UnreadError, cut, is_tar, read_tar
from aaecli.data.preprocessing.prepare import Encoded
from aaecli.errors import AaeError
from tests.scale.pictures import tar_bytes, write_tar

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
LONG = "a/" * 60 + "b" * 90 + ".png"


def read(path, offset=0, count=-1):
    return [(entry.name, getattr(entry, "data", None)) for entry in read_tar(str(path), "x.tar", offset, count)]


def members(num):
    return {f"{number}.png": bytes([number % 251]) * (number % 1500 + 1) for number in range(num)}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_headers(tmp_path, form):
    expected = {"a.png": b"1", "sub/b.JPG": b"22" * 700, "é漢.png": b"3", "last.tif": b"4" * 512}
    if form != tarfile.USTAR_FORMAT:
        expected[LONG] = b"5"
    assert dict(read(write_tar(tmp_path / "x.tar", expected, form))) == expected


def test_only_regular_files_with_names_of_pictures_are_pictures(tmp_path):
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as archive:
        for name, kind in (
            ("link.png", tarfile.SYMTYPE),
            ("hard.png", tarfile.LNKTYPE),
            ("pipe.png", tarfile.FIFOTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        for name in (
            "folder.png/",
            "a.json",
            "._a.png",
            "__MACOSX/a.png",
            ".hidden/a.png",
            "no suffix",
            "../../up.png",
        ):
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            info.size = 0 if name.endswith("/") else 1
            archive.addfile(info, io.BytesIO(b"x"))
    (tmp_path / "x.tar").write_bytes(body.getvalue())
    # A name leads nowhere: nothing is written by it.
    assert read(tmp_path / "x.tar") == [("../../up.png", b"x")]


def test_a_picture_that_is_not_read_is_an_error_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(tar, "MAX_BYTES", 2**20)
    sizes = {"a.png": b"1", "empty.png": b"", "large.png": bytes(2**20 + 1), "z.png": b"2"}
    sparse = tarfile.TarInfo("sparse.png")
    sparse.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "real.png"}
    # Of each, a header and its blocks, without an end.
    parts = [tar_bytes({name: data})[: 512 - (-len(data) // 512) * 512] for name, data in sizes.items()]
    data = b"".join(parts) + sparse.tobuf(tarfile.PAX_FORMAT) + tar_bytes({"end.png": b"3"})
    (tmp_path / "x.tar").write_bytes(data)
    found = dict(read(tmp_path / "x.tar"))
    assert found == {
        "a.png": b"1",
        "empty.png": None,
        "large.png": None,
        "z.png": b"2",
        "real.png": None,
        "end.png": b"3",
    }


def test_slices_are_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(tar, "_BYTES_A_PICTURE", 1)
    expected = {LONG.replace(".png", f"{number}.png"): data for number, data in members(103).items()}
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        path = write_tar(tmp_path / "x.tar", expected | {"note.txt": b"no picture"}, form)
        offsets = cut(str(path), 10)
        assert len(offsets) == 11
        slices = [read(path, offset, 10) for offset in offsets[:-1]] + [read(path, offsets[-1])]
        assert [pair for each in slices for pair in each] == [*expected.items()]


def test_a_small_tar_is_one_slice(tmp_path):
    assert cut(str(write_tar(tmp_path / "x.tar", members(30))), 10_000) == [0]


def changed(place, data):
    def change(body):
        return body[:place] + data + body[place + len(data) :]

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed(3 * 1024 + 148, b"999999\0 "), "no header at byte 3,072"),
        (changed(3 * 1024, b"\xff" * 512), "no header at byte 3,072"),
        (lambda body: body[:5000], "cut short"),
        (lambda body: body[: 10 * 1024], "cut short"),  # where a header would be: the end mark is missing
        (lambda body: b"", "cut short"),
    ],
)
def test_damage_in_the_midst_is_no_end(tmp_path, change, reason):
    path = tmp_path / "x.tar"
    path.write_bytes(change(tar_bytes({f"{number}.png": b"x" * 500 for number in range(10)})))
    with pytest.raises(AaeError, match=f"x.tar is damaged: .*{reason}"):
        read(path)


def header(**fields):
    info = tarfile.TarInfo("a.png")
    for name, value in fields.items():
        setattr(info, name, value)
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "body",
    [
        header(size=2**40),
        header(size=-1024),
        header(type=tarfile.XHDTYPE, size=2**30),
        header(type=tarfile.GNUTYPE_LONGNAME, size=2**30),
        header(type=tarfile.XHDTYPE, size=2**20 + 1) + bytes(2**20 + 1024),
        header(type=tarfile.GNUTYPE_LONGNAME, size=2**17) + b"a" * 2**17,
        *(
            header(type=tarfile.XHDTYPE, size=len(record)) + record.ljust(512, b"\0") + header(size=1) + bytes(2048)
            for record in (
                *(b"0 a=b\n", b"-5 a=b\n", b"99999999 a=b\n", b"nothing", b"3 ", b"600 a=b\n"),
                *(b"25 size=99999999999999999\n", b"13 size=-1024\n", b"10 size=x\n"),
            )
        ),
    ],
)
def test_claims_are_not_believed(tmp_path, body):
    path = tmp_path / "x.tar"
    path.write_bytes(body)
    with pytest.raises(AaeError, match="damaged"):
        read(path)


def test_fewer_pictures_than_planned_are_damage(tmp_path):
    with pytest.raises(AaeError, match="3 pictures where there were 5"):
        read(write_tar(tmp_path / "x.tar", members(3)), 0, 5)


@pytest.mark.parametrize("name", ["x.tar.gz", "x.tgz", "in/*.tar.zst"])
def test_compressed_tars_are_refused(name):
    with pytest.raises(AaeError, match="compressed"):
        is_tar(name)


def test_names():
    assert is_tar("in/*.tar")
    assert is_tar("X.TAR")
    assert not is_tar("tar")


def test_a_picture_is_as_the_rest_of_the_program_takes_it(tmp_path):
    (entry,) = read_tar(str(write_tar(tmp_path / "x.tar", {"a.png": b"1"})), "x.tar", 0, -1)
    assert entry == Encoded("a.png", b"1")


def test_an_unread_picture_reaches_another_process():
    error = UnreadError("a.png", "It is empty.")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - what was just made
    assert (again.name, again.message) == (error.name, error.message)
