"""A stranger's run folder, with links that lead out of it: nothing is written through them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.runs.test_listing import write_run

PRECIOUS = "a week of work\n"


@pytest.fixture
def run_folder(in_empty_folder: Path) -> Path:
    """Write a run folder that stopped, beside a folder and a file of the user's."""
    Path("mine").mkdir()
    for name in ("notes.txt", "curves.png"):
        Path("mine", name).write_text(PRECIOUS)
    return write_run(Path("runs"))


def untouched() -> bool:
    found = {path.name: path.read_text() for path in Path("mine").iterdir()}
    return found == dict.fromkeys(("curves.png", "notes.txt"), PRECIOUS)


@pytest.mark.parametrize("name", ["metrics.csv", "summary.json", "last.pt", ".lock", "labels.csv", "model.pt"])
def test_a_file_that_is_a_link(aaecli: Run, run_folder: Path, name: str) -> None:
    (run_folder / name).unlink(missing_ok=True)
    (run_folder / name).symlink_to("../../mine/notes.txt")
    assert aaecli("runs").code == 0
    done = aaecli("train", "--resume", run_folder)
    assert done.code == 1
    assert f"{name} is a link" in done.err
    assert untouched()


@pytest.mark.parametrize("name", ["figures", "tensorboard"])
def test_a_folder_that_is_a_link(aaecli: Run, run_folder: Path, name: str) -> None:
    (run_folder / name).symlink_to("../../mine")
    commands = [("train", "--resume", run_folder), ("train", "--resume")]
    if name == "figures":
        commands += [("plot", "curves"), ("plot", "all", run_folder)]
    for words in commands:
        done = aaecli(*words)
        assert (done.code, done.out) == (1, "")
        assert f"{name} is a link" in done.err
    assert untouched()


def test_a_figure_that_is_a_link(aaecli: Run, run_folder: Path) -> None:
    (run_folder / "figures").mkdir()
    (run_folder / "figures" / "curves.png").symlink_to("../../../mine/curves.png")
    done = aaecli("plot", "curves")
    assert done.code == 1
    assert "curves.png is a link" in done.err
    assert untouched()


def test_a_run_folder_that_is_a_link(aaecli: Run, run_folder: Path) -> None:
    moved = run_folder.rename("mine/run")
    run_folder.symlink_to(moved.absolute())
    before = sorted(Path("mine").rglob("*"))
    for words in (("train", "--resume", run_folder), ("plot", "curves", run_folder)):
        done = aaecli(*words)
        assert done.code == 1
        assert f"{run_folder} is a link" in done.err
    assert sorted(Path("mine").rglob("*")) == before
    # The remedy, as it is typed.
    where = done.err.split("itself: ")[1].split()[0]
    assert aaecli("plot", "curves", where).code == 0


def test_a_new_run_goes_around_a_link(aaecli: Run, in_empty_folder: Path) -> None:
    from aaecli.runs.lock import locked_new_run

    Path("mine").mkdir()
    Path("runs").mkdir()
    Path("runs/aae-001").symlink_to("../mine")
    with locked_new_run(Path("runs"), "aae") as folder:
        assert folder == Path("runs/aae-002")
    assert not list(Path("mine").iterdir())
