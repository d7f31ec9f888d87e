"""Run folders are numbered without a gap in time, and files are whole or absent."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aaecli.errors import AaeError
from aaecli.files.writing import replacing
from aaecli.runs.paths import find_model, new_run, newest_run


def test_what_was_written_takes_its_name(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.txt"
    with replacing(path) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == path.parent
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_reader_may_read_it_as_any_other_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with replacing(tmp_path / "file") as temporary:
        temporary.touch()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_the_old_file_outlives_a_failure(tmp_path: Path, interruption: type[BaseException]) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half of the n")
            raise interruption

    with pytest.raises(interruption):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named_and_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AaeError, match="No space left") as caught, replacing(path) as temporary:
        temporary.write_text("new")
    assert str(path) in caught.value.message
    assert "free space" in caught.value.hint
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AaeError, match=r"Cannot write .*file.inner"), replacing(tmp_path / "file" / "inner"):
        pytest.fail("there is nothing to write to")


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.mkdir()
    with pytest.raises(AaeError, match=r"Cannot write .*taken"), replacing(path) as temporary:
        temporary.touch()
    assert list(tmp_path.iterdir()) == [path]


def test_run_folders_are_numbered_up_and_never_reused(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    assert [new_run(root, "aae-100").name for _ in range(2)] == ["aae-100-001", "aae-100-002"]
    assert new_run(root, "aae-1000").name == "aae-1000-001"
    (root / "aae-100-001").rmdir()
    assert new_run(root, "aae-100").name == "aae-100-003"
    (root / "aae-100-1200").mkdir()
    assert new_run(root, "aae-100").name == "aae-100-1201"
    (root / "aae-100-old").mkdir()
    assert new_run(root, "aae-100").name == "aae-100-1202"


def test_trainings_that_start_together_get_a_folder_each(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        runs = list(pool.map(lambda _: new_run(tmp_path, "run"), range(64)))
    assert sorted(run.name for run in runs) == [f"run-{number:03d}" for number in range(1, 65)]


def test_a_run_folder_where_none_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(AaeError, match="Cannot make a run folder") as caught:
        new_run(tmp_path / "runs", "run")
    assert "--out" in caught.value.hint


def test_a_folder_of_runs_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    for find in (newest_run, new_run):
        with pytest.raises(AaeError, match=r"Cannot make a run folder in .*Permission denied"):
            find(tmp_path, "run")


def test_the_newest_model(in_empty_folder: Path) -> None:
    with pytest.raises(AaeError, match="no model here") as caught:
        find_model(None)
    assert "aaecli train" in caught.value.hint

    for second, name in enumerate(("b", "c", "a")):
        model = Path("runs") / name / "model.pt"
        model.parent.mkdir(parents=True)
        model.touch()
        os.utime(model, (second, second))
    (in_empty_folder / "runs" / "d" / "model.pt").mkdir(parents=True)
    assert find_model(None) == Path("runs/a/model.pt")

    (in_empty_folder / "model.pt").touch()
    assert find_model(None) == Path("model.pt")


def test_a_folder_stands_for_the_model_in_it(in_empty_folder: Path) -> None:
    run, exports, empty = (in_empty_folder / name for name in ("run", "exports", "empty"))
    for folder in (run, exports, empty):
        folder.mkdir()
    (run / "model.pt").touch()
    (run / "encoder.onnx").touch()
    (exports / "encoder.onnx").touch()
    assert find_model(run) == run / "model.pt"
    assert find_model(exports) == exports / "encoder.onnx"
    with pytest.raises(AaeError, match="no model in"):
        find_model(empty)


def test_a_misspelt_model_is_said_at_once(in_empty_folder: Path) -> None:
    with pytest.raises(AaeError, match=r"Cannot read modell\.pt") as caught:
        find_model(Path("modell.pt"))
    assert "model.pt" in caught.value.hint


def test_a_run_that_stopped_is_pointed_to(in_empty_folder: Path) -> None:
    run = Path("runs") / "my run-001"
    run.mkdir(parents=True)
    (run / "last.pt").touch()
    with pytest.raises(AaeError, match="a run that stopped") as caught:
        find_model(None)
    assert "`aaecli train --resume 'runs/my run-001'`" in caught.value.hint
    assert find_model(run) == run / "last.pt"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free space"),
        (errno.EACCES, "permissions"),
        (errno.EROFS, "permissions"),
        (errno.EIO, "permissions of the folder and the free space"),
    ],
)
def test_the_remedy_is_that_of_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    def failing(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(AaeError) as caught, replacing(tmp_path / "file.txt") as temporary:
        temporary.write_text("new")
    assert remedy in caught.value.hint
    assert ("free space" in caught.value.hint) == (number in (errno.ENOSPC, errno.EIO))
