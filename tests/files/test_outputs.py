"""Nothing is lost to an output, and nothing is written through a link."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from aaecli.errors import AaeError
from aaecli.files.outputs import Names, Outputs
from aaecli.files.own_files import is_sealed, sealed
from aaecli.files.writing import appending, check_no_links, replacing
from aaecli.runs.paths import check_run_folder


def refused(message: str, path: Path, outputs: Outputs | None = None, **how: object) -> str:
    """See that a claim is refused, and give the hint."""
    with pytest.raises(AaeError, match=message) as caught:
        (outputs or Outputs()).claim(path, **how)  # type: ignore[arg-type]
    return caught.value.hint


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("a week of work")
    assert "--force" in refused("There is a file .*mine.csv already", path)
    with pytest.raises(AaeError, match="already"):
        Outputs().write(path, "nothing")
    assert path.read_text() == "a week of work"
    forced = Outputs(force=True)
    forced.write(forced.claim(path), "new")
    assert path.read_text() == "new"


def test_a_run_replaces_what_it_wrote_itself(tmp_path: Path) -> None:
    outputs = Outputs()
    path = outputs.claim(tmp_path / "results.md")
    for text in ("first", "second"):
        outputs.write(path, text)
    assert path.read_text() == "second"


def test_a_file_that_another_program_made_meanwhile_is_kept(tmp_path: Path) -> None:
    outputs = Outputs()
    path = outputs.claim(tmp_path / "x.png")
    path.write_text("another's")
    with pytest.raises(AaeError, match="already"):
        outputs.write(path, b"")
    assert path.read_text() == "another's"
    assert list(tmp_path.iterdir()) == [path]


def test_default_names_replace_only_files_of_aaecli(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    for text in ("# mine\n", sealed("# made by aaecli\n") + "my own line\n", sealed("# a\n").replace("a", "b", 1)):
        path.write_text(text)
        assert "--force" in refused("aaecli did not write it", path, own=is_sealed)
    path.write_text(sealed("# made by aaecli\n"))
    assert Outputs().claim(path, is_sealed) == path


@pytest.mark.parametrize("force", [False, True])
def test_links_are_never_followed(tmp_path: Path, force: bool) -> None:
    target = tmp_path / "else where"
    target.write_text("precious")
    for name in ("link", "dangling"):
        (tmp_path / name).symlink_to(target if name == "link" else tmp_path / "absent")
        hint = refused("is a link", tmp_path / name, Outputs(force=force))
        assert shlex.quote(os.path.realpath(tmp_path / name)) in hint
        with pytest.raises(AaeError, match="is a link"), replacing(tmp_path / name):
            pytest.fail("nothing is written")
        with pytest.raises(AaeError, match="is a link"), appending(tmp_path / name):
            pytest.fail("nothing is written")
    assert target.read_text() == "precious"
    assert not (tmp_path / "absent").exists()


def test_folders_that_are_links_inside_a_strangers_folder(tmp_path: Path) -> None:
    stranger, outside = tmp_path / "stranger", tmp_path / "outside"
    stranger.mkdir()
    outside.mkdir()
    (stranger / "figures").symlink_to(outside)
    refused("figures is a link", stranger / "figures" / "curves.png", within=stranger)
    with pytest.raises(AaeError, match="figures is a link"):
        check_run_folder(stranger)
    # The user's own name for the folder may be one.
    (tmp_path / "mine").symlink_to(outside)
    check_no_links(tmp_path / "mine", tmp_path / "mine" / "labels.csv")
    with pytest.raises(AaeError, match="mine is a link") as caught:
        check_run_folder(tmp_path / "mine")
    assert str(outside) in caught.value.hint


@pytest.mark.parametrize("force", [False, True])
def test_folders_pipes_and_devices_are_not_replaced(tmp_path: Path, force: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused("a pipe", tmp_path / "pipe", Outputs(force=force))
    refused("a device", Path("/dev/null"), Outputs(force=force))
    refused("is a folder", tmp_path, Outputs(force=force))


def test_what_the_command_reads_is_not_replaced_even_if_forced(tmp_path: Path) -> None:
    picture, data = tmp_path / "seven.png", tmp_path / "data"
    data.mkdir()
    picture.write_bytes(b"picture")
    os.link(picture, tmp_path / "same.png")
    outputs = Outputs(force=True, inputs=[picture, data, tmp_path / "absent", tmp_path / ("x" * 300)])
    for path in (picture, tmp_path / "same.png", data / ".." / "seven.png"):
        refused("is read by this very command", path, outputs)
    (tmp_path / "way in").symlink_to(data)
    for path in (data / "sheet.png", data / "new" / "sheet.png", tmp_path / "way in" / "sheet.png"):
        assert str(tmp_path / "sheet.png") in refused("would lie in", path, outputs)
    outputs.claim(tmp_path / "sheet.png")


def test_two_outputs_of_one_name(tmp_path: Path) -> None:
    outputs = Outputs()
    outputs.claim(tmp_path / "café.png")
    (tmp_path / "again").symlink_to(tmp_path)
    for name in ("CAFÉ.png", "cafe\N{COMBINING ACUTE ACCENT}.PNG", "again/café.png"):
        refused("Two files would be called", tmp_path / name, outputs)


def test_names_become_distinct() -> None:
    names = Names(["B-2.png"])
    assert [names.take(stem, ".png") for stem in ("a", "A", "a-2", "b", "a", "b")] == [
        *("a.png", "A-2.png", "a-2-2.png", "b.png", "a-3.png", "b-3.png"),
    ]
    found = [names.take(name) for name in ("é", "e\N{COMBINING ACUTE ACCENT}", "É", "ß", "ss")]
    assert len({name.casefold() for name in found}) == 5


@pytest.mark.parametrize(
    ("name", "said"), [("x" * 300, "too long"), ("a\0b", "null"), ("file/x.png", "file is a file, not a folder")]
)
def test_names_that_cannot_be_are_refused_before_the_work(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "file").touch()
    refused(said, tmp_path / name)


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    refused("may not be written to", tmp_path / "new" / "x.png")
    assert not list(tmp_path.iterdir())


def test_names_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    for name in ("x" * 251, "é" * 125, "😀" * 62):
        path = tmp_path / f"{name}.png"
        Outputs().write(path, b"whole")
        assert path.read_bytes() == b"whole"


def test_appending_leaves_another_name_of_the_file_alone(tmp_path: Path) -> None:
    path, backup = tmp_path / "labels.csv", tmp_path / "backup.csv"
    for _ in range(2):
        with appending(path) as file:
            file.write(b"line\n")
    assert path.read_bytes() == b"line\nline\n"
    os.link(path, backup)
    with appending(path) as file:
        file.write(b"more\n")
    assert backup.read_bytes() == b"line\nline\n"
    assert path.read_bytes() == b"line\nline\nmore\n"


def test_appending_to_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AaeError, match="a device or a pipe"), appending(tmp_path / "pipe"):
        pytest.fail("it is no file")
