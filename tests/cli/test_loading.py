"""What is seen while a folder of pictures is decoded: a bar, a line, or nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from aaecli.cli import loading
from aaecli.cli.loading import load
from aaecli.config.image import Image
from tests.data.drawings import write_classes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a picture that cannot be read."""
    (write_classes(tmp_path / "shapes", 2, 1) / "ring/bad.png").write_bytes(b"no picture")
    return tmp_path / "shapes"


def test_a_bar_on_a_terminal_that_is_gone_afterwards(
    folder: Path, terminal: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(load(folder, Image()).train_image) == 9
    assert "decoding" in terminal.getvalue()
    assert "10/10" in terminal.getvalue()
    # The cursor is shown again, and the line is cleared.
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")
    assert terminal.getvalue().endswith("\x1b[2K")
    assert "bad.png" in capsys.readouterr().err
    # The next start has nothing to decode, and so nothing to show.
    terminal.truncate(0)
    terminal.seek(0)
    load(folder, Image())
    assert terminal.getvalue() == ""


def test_a_line_in_a_log_where_there_is_much_to_decode(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load(folder, Image())
    assert "Decoding" not in capsys.readouterr().err
    monkeypatch.setattr(loading, "_WORTH_A_LINE", 10)
    load(folder, Image(size=20))
    said = capsys.readouterr().err
    assert said.count("Decoding 10 pictures") == 1
    assert said.count("bad.png is not a picture") == 1


def test_nothing_is_shown_or_said_where_asked(
    folder: Path, terminal: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    load(folder, Image(), quiet=True)
    assert (terminal.getvalue(), capsys.readouterr().err) == ("", "")
    load(folder, Image(), notes=False)
    assert capsys.readouterr().err == ""
