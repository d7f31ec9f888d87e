"""What is read is a regular file of bounded size; whatever else a name stands for ends in a sentence that helps."""

from __future__ import annotations

import ast
import errno
import os
import socket
from pathlib import Path

import pytest

from aaecli.errors import AaeError
from aaecli.files.opening import exists, is_file, is_folder, open_regular, read_bytes, read_text
from tests.source import modules, nodes

_READ = {"read_text", "read_bytes", "ZipFile", "GzipFile", "memmap", "mmap", "fromfile", "loadtxt", "genfromtxt"}
_READ |= {"open_memmap", "open_code", "fdopen", "FileIO", "imread", "copyfile", "copy2", "copytree", "linecache"}
_READ_OF = {("np", "load"), ("torch", "load"), ("json", "load"), ("tomllib", "load"), ("pickle", "load")}
_READ_OF |= {("shutil", "copy"), ("onnx", "load"), ("Image", "open"), ("ort", "InferenceSession")}
_RAISE = {"is_file", "is_dir", "exists", "is_fifo", "is_socket", "lexists"}
_NAMES = {"open"} | _READ | _RAISE | {name for _, name in _READ_OF}
_REASONED = {
    "files/opening.py": ["os.open(path, _FLAGS)", "os.fdopen(_open(path, what, hint), 'rb')"],
    # A file that the program made a moment ago and nobody else knows of; the folder that it is in.
    "files/writing.py": [
        "temporary.open('rb')",
        "os.open(folder, os.O_RDONLY)",
        # To write, through no link, and what it has seen to be a file.
        "os.fdopen(os.open(path, flags, 438), 'a+b')",
        "os.open(path, flags, 438)",
        "shutil.copyfile(path, temporary)",
    ],
    # To write beside it: through no link, and what is not to be read is of another program.
    "training/run.py": ["shutil.copyfile(folder / 'model.pt', temporary)"],
    # The system's own.
    "models/devices.py": ["Path('/proc/cpuinfo').read_text(encoding='utf-8', errors='replace')"],
    "models/threads.py": ["path.read_text(encoding='utf-8', errors='replace')"],
    "serve/device.py": [
        "(Path(os.environ.get('SystemRoot', 'C:\\\\Windows')) / 'System32' / 'nvcuda.dll').exists()",
        "Path(node).exists()",
    ],
    "doctor/findings.py": ["existing.exists()"],
    "web/app.py": ["entry.read_bytes()"],
    # Opens a page, and reads no file.
    "cli/web_server.py": ["webbrowser.open(url)"],
    # A pipe that a shell has opened already.
    "data/naming/name_lists.py": ["os.fdopen(int(opened[1]), 'rb', closefd=False)"],
    # What the quantiser wrote a moment ago into a temporary folder of its own.
    "export/quantisation.py": ["onnx.load(after)"],
    # What is unpacked comes from files that open_regular has opened.
    "data/readers/npz_file.py": [
        "zipfile.ZipFile(self._checked())",
        "self._archive.open(self._members[key])",
        "self._archive.open(member)",
    ],
    "data/readers/idx.py": ["np.memmap(file, np.uint8, 'r', start, shape)"],
    # A temporary file without a name.
    "data/readers/disk.py": ["np.memmap(file, np.uint8, 'r+', 0, shape)"],
    "data/store/npy.py": ["np.memmap(file, dtype, 'r', HEADER, shape)"],
    "data/picture_cache.py": ["np.load(file, allow_pickle=False)", "zipfile.ZipFile(file)", "archive.open(entry)"],
}
"""Calls that may open, and why."""


def openings(text: str) -> list[str]:
    """Name each call that could open a file to read it, or that lets an error of the system through."""
    found = []
    for node in nodes(text):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            opens = node.func.id == "open" and not _only_writes(node, 1)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _NAMES:
            name, of = node.func.attr, ast.unparse(node.func.value)
            # An entry of os.scandir knows what it is; os.path's functions let no error through.
            opens = name == "open" and (of == "os" or not _only_writes(node, of in ("io", "gzip", "codecs", "bz2")))
            opens |= (
                (name in _READ and of != "opening")
                or (of, name) in _READ_OF
                or (name in _RAISE and of not in ("entry", "os.path"))
            )
        else:
            opens = False
        if opens and "os.devnull" not in (call := ast.unparse(node)):
            found.append(call)
    return found


def _only_writes(call: ast.Call, place: int) -> bool:
    modes = [*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == "mode")]
    return any(
        isinstance(mode, ast.Constant) and str(mode.value)[:1] in ("w", "a", "x") and "+" not in str(mode.value)
        for mode in modes
    )


def test_nothing_else_opens_a_file_to_read_it() -> None:
    for name, text in modules().items():
        assert sorted(openings(text)) == sorted(_REASONED.get(name, [])), name


@pytest.mark.parametrize(
    "text",
    [
        "open(path)",
        "open(path, 'rb')",
        "with open(path, mode) as file: pass",
        "path.open()",
        "path.open(mode='r')",
        "path.open('a+b')",
        "path.read_bytes()",
        "Path('x').read_text(encoding='utf-8')",
        "np.load(path)",
        "torch.load(path, weights_only=True)",
        "gzip.open(path, 'rb')",
        "gzip.open(path)",
        "zipfile.ZipFile(path)",
        "Image.open(path)",
        "io.open(path)",
        "os.open(path, os.O_RDONLY)",
        "path.is_file()",
        "Path(name).exists()",
        "def f():\n    return [p for p in q if (p / 'x').is_dir()]",
    ],
)
def test_another_way_of_opening_is_seen(text: str) -> None:
    assert len(openings(text)) == 1


@pytest.mark.parametrize("text", ["path.open('w')", "open(path, 'ab')", "read_bytes(path, 1)", "entry.is_file()"])
def test_writing_is_another_matter(text: str) -> None:
    assert openings(text) == []


def made(kind: str, folder: Path) -> Path:
    """Make what a name may stand for."""
    path = folder / "x"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        server.close()
    elif kind == "link to /dev/zero":
        path.symlink_to("/dev/zero")
    elif kind == "link to a pipe":
        os.mkfifo(folder / "y")
        path.symlink_to("y")
    elif kind == "circle":
        path.symlink_to("x")
    elif kind == "nowhere":
        path.symlink_to("absent")
    elif kind == "through a file":
        path.write_bytes(b"x")
        path = path / "deeper"
    elif kind == "nul":
        path = folder / "a\0b"
    elif kind == "too long":
        path = folder / ("n" * 5000)
    elif kind == "surrogate":
        path = folder / "a\ud800"
    return path


_KINDS = {
    "missing": (r"Cannot read .*x: No such file", "Check the spelling"),
    "folder": (r"x is a folder, not a file", "Name a file in it"),
    "pipe": (r"x is a pipe, not a file", "Save what it gives"),
    "socket": (r"x is a socket, not a file", "Save what it gives"),
    "link to /dev/zero": (r"x is a device, not a file", "Save what it gives"),
    "link to a pipe": (r"x is a pipe, not a file", "Save what it gives"),
    "circle": (r"Cannot read .*x: Too many levels", "this link leads back"),
    "nowhere": (r"Cannot read .*x: No such file", "Check the spelling"),
    "through a file": (r"Cannot read .*deeper: Not a directory", "a part of the path is a file"),
    "nul": (r"Cannot read .*a\\x00b': no file has such a name, it holds a NUL", "Check the name"),
    "too long": (r"Cannot read .*nnn…nnn.*: File name too long", "check what was given"),
    "surrogate": (r"Cannot read .*a\\ud800': no file has such a name", "Check the name"),
}


@pytest.mark.parametrize("kind", _KINDS)
def test_what_is_no_file_to_read_is_said(tmp_path: Path, kind: str) -> None:
    path = made(kind, tmp_path)
    for attempt in (open_regular, lambda path: read_bytes(path, 10), lambda path: read_text(path, 10)):
        with pytest.raises(AaeError, match=_KINDS[kind][0]) as caught:
            attempt(path)
        assert _KINDS[kind][1] in caught.value.hint
        assert len(caught.value.message) < 400
        caught.value.message.encode()
    assert not is_file(path)
    assert is_folder(path) == (kind == "folder")
    assert exists(path) == (kind in ("folder", "pipe", "socket", "link to /dev/zero", "link to a pipe"))


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_bytes(b"x")

    def refused(path: str, flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(AaeError, match="Permission denied") as caught:
        read_bytes(tmp_path / "x", 10, hint="Train a model.")
    assert "ls -l" in caught.value.hint


def test_size_is_bounded_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    assert read_bytes(path, 10) == b"0123456789"
    with path.open("r+b") as file:
        file.truncate(2**32)
    monkeypatch.setattr(os, "read", None)
    with pytest.raises(AaeError, match=r"The list .*x is larger than 4 MiB") as caught:
        read_bytes(path, 2**22, "list")
    assert caught.value.hint


def test_a_file_that_comes_in_parts_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_bytes(bytes(range(100)))
    read = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, count: read(descriptor, min(count, 7)))
    assert read_bytes(tmp_path / "x", 100) == bytes(range(100))


def test_text_is_utf8_with_or_without_its_mark(tmp_path: Path) -> None:
    for data in ("ä×".encode(), b"\xef\xbb\xbf" + "ä×".encode()):
        (tmp_path / "x").write_bytes(data)
        assert read_text(tmp_path / "x", 10) == "ä×"
    (tmp_path / "x").write_bytes("ä".encode("latin-1"))
    with pytest.raises(AaeError, match="is no text in UTF-8: byte 0 is 0xe4") as caught:
        read_text(tmp_path / "x", 10)
    assert caught.value.hint == "Save it as UTF-8."


def test_the_caller_says_what_it_is_and_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(AaeError, match=r"Cannot read the model .*x: No such") as caught:
        open_regular(tmp_path / "x", "model", "Train one.")
    assert caught.value.hint == "Train one."


def test_an_opened_file_is_read_as_any(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    (tmp_path / "y").symlink_to("x")
    with open_regular(tmp_path / "y") as file:
        assert file.read() == b"abc"
