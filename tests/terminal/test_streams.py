"""The program in a process of its own, with streams that are closed, full, or of an encoding that lacks signs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from aaecli.data.dataset import Dataset
from tests.conftest import WriteDataset

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shell and the descriptors of POSIX")

ROOT = Path(__file__).parents[2]
PROGRAM = f'"{sys.executable}" -m aaecli'


@pytest.fixture(scope="module")
def digit(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> Path:
    """Give a folder with the same digit under two names, one of which few encodings can spell."""
    folder = tmp_path_factory.mktemp("pictures")
    Image.fromarray(mnist.test_image[0]).save(folder / "digit.png")
    (folder / "数é😀.png").write_bytes((folder / "digit.png").read_bytes())
    return folder


def shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Let a shell run a line in which ``aaecli`` stands for this program."""
    line = "set -o pipefail; " + line.replace("aaecli", PROGRAM)
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        check=False,
        cwd=folder,
        timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("aaecli classify digit.png >&-", 1, b"", b"Cannot write the results to stdout"),
        ("aaecli classify digit.png nosuch.png 2>&-", 1, b"digit.png", b""),
        ("aaecli classify digit.png <&-", 0, b"digit.png", b"Model: "),
        ("aaecli classify - <&-", 1, b"", b"The picture on stdin is empty."),
        ("aaecli classify digit.png >&- 2>&- <&-", 1, b"", b""),
        ("aaecli classify digit.png nosuch.png 2>/dev/full", 1, b"digit.png", b""),
        ("aaecli runs --json >/dev/full", 1, b"", b"No space left on device"),
        ("aaecli data | head -1", 0, b"MNIST", b""),
        ("aaecli train --help | head -1", 0, b"", b""),
    ],
)
def test_streams_that_are_closed_or_full(digit: Path, line: str, code: int, out: bytes, err: bytes) -> None:
    result = shell(line, digit)
    assert result.returncode == code, result.stderr
    assert b"Traceback" not in result.stderr
    assert out in result.stdout
    assert err in result.stderr
    assert bool(err) == bool(result.stderr)


@pytest.mark.parametrize("encoding", ["ascii", "cp932", "utf-16"])
def test_an_encoding_loses_nothing_of_a_batch(digit: Path, encoding: str) -> None:
    result = shell("aaecli classify 数é😀.png nosuch–.png digit.png", digit, PYTHONIOENCODING=encoding)
    assert result.returncode == 1
    first, second = result.stdout.decode(encoding).splitlines()
    assert first.split()[1:] == second.split()[1:] == ["7", "99.99%"]
    assert first.startswith("数" if encoding in ("cp932", "utf-16") else "\\u6570")
    assert "nosuch" in result.stderr.decode(encoding)
    line = json.loads(
        shell("aaecli classify 数é😀.png --json", digit, PYTHONIOENCODING=encoding).stdout.decode(encoding)
    )
    assert line["image"] == "数é😀.png"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_the_programs_own_signs_are_spelt(digit: Path, write_dataset: WriteDataset, encoding: str) -> None:
    data = shell("aaecli data", digit, PYTHONIOENCODING=encoding, AAECLI_DATA=str(write_dataset()))
    assert (data.returncode, data.stderr) == (0, b"")
    text = data.stdout.decode(encoding)
    assert "28 x 28 pixels" in text or "28 × 28 pixels" in text
    assert shell("aaecli train --help", digit, PYTHONIOENCODING=encoding).returncode == 0


def test_a_picture_is_not_awaited_from_a_terminal(digit: Path) -> None:
    outer, inner = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "aaecli", "classify", "-"], stdin=inner, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=digit, env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        out, err = process.communicate(timeout=300)
    os.close(outer)
    os.close(inner)
    assert (process.returncode, out) == (1, b"")
    assert b"stdin, which is a terminal" in err
    assert b"hint: Pipe one into it" in err


def on_a_terminal(words: str, folder: Path, **environment: str) -> str:
    """Run the program with stdout and stderr on one terminal, and give what it wrote there."""
    outer, inner = pty.openpty()
    with subprocess.Popen(
        ["bash", "-c", words.replace("aaecli", PROGRAM)], stdin=subprocess.DEVNULL, stdout=inner, stderr=inner,
        cwd=folder, env={name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
        | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"} | environment,
    ) as process:  # fmt: skip
        os.close(inner)
        written = b""
        while True:
            try:
                part = os.read(outer, 65536)
            except OSError:  # Linux says so when the other side has closed
                break
            if not part:
                break
            written += part
        process.wait(300)
    os.close(outer)
    return written.decode(errors="replace")


def test_a_dumb_terminal_gets_neither_colours_nor_frames(digit: Path) -> None:
    lines = "aaecli classify --show digit.png; aaecli generate --out g.png; aaecli classify nosuch.png; rm g.png"
    assert "\x1b" not in on_a_terminal(lines, digit, TERM="dumb")
    assert "\x1b[" in on_a_terminal("aaecli classify --show digit.png", digit, TERM="xterm-256color", NO_COLOR="")


def test_no_color_is_obeyed(digit: Path) -> None:
    lines = "aaecli classify --show digit.png nosuch.png; aaecli data"
    written = on_a_terminal(lines, digit, TERM="xterm-256color", NO_COLOR="1")
    assert "[3" not in written.replace("\x1b[?25", "")
    assert "[4" not in written


def test_colours_may_be_forced_into_a_file_and_frames_may_not(digit: Path) -> None:
    result = shell("aaecli data --data nosuch", digit, FORCE_COLOR="1", NO_COLOR="", TERM="xterm-256color")
    assert b"\x1b[1;31merror:" in result.stderr
    assert b"\x1b[2K" not in result.stderr
    assert b"\x1b[?25l" not in result.stderr
