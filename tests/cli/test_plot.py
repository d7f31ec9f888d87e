"""``aaecli plot``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aaecli.cli import gallery, plot
from tests.cli.conftest import Run
from tests.cli.test_train import SMALL
from tests.cli.test_train import aaecli as run_command
from tests.conftest import WriteDataset
from tests.runs.test_listing import write_run


def test_curves_of_the_newest_run_go_into_its_folder(aaecli: Run, in_empty_folder: Path) -> None:
    write_run(Path("runs"))
    result = aaecli("plot", "curves")
    assert (result.code, result.out) == (0, "runs/semisupervised-1000-001/figures/curves.png\n")
    picture = np.asarray(Image.open(result.out.strip()).convert("L"))
    assert picture.std() > 10, "something is drawn"


def test_curves_of_several_runs_go_where_one_stands(aaecli: Run, in_empty_folder: Path) -> None:
    for name in ("a-001", "a-002"):
        write_run(Path("runs"), name)
    result = aaecli("plot", "curves", "runs/a-001", "a-002", "--format", "svg", "--json")
    assert json.loads(result.out) == {"runs": ["runs/a-001", "runs/a-002"], "figures": ["figures/curves.svg"]}
    assert Path("figures/curves.svg").read_text().startswith("<?xml")
    assert "Name the folder: `--out elsewhere`" in aaecli("plot", "curves", "a-001", "--out", "elsewhere.png").err
    result = aaecli("plot", "curves", "a-001", "--out", "elsewhere")
    assert result.out == "elsewhere/curves.png\n"


def test_a_run_that_has_nothing_to_draw_is_left_out(aaecli: Run, in_empty_folder: Path) -> None:
    for name in ("a-001", "a-002"):
        write_run(Path("runs"), name)
    write_run(Path("runs"), "b-001", metrics="")
    write_run(Path("runs"), "c-001", metrics="epoch,step,reconstruction\n1,2,0.5\n")
    Path("runs/notes.txt").touch()
    result = aaecli("plot", "curves", *sorted(Path("runs").iterdir()), "--json")
    assert result.code == 0
    assert json.loads(result.out) == {"runs": ["runs/a-001", "runs/a-002"], "figures": ["figures/curves.png"]}
    left_out = [line for line in result.err.splitlines() if "left out" in line]
    assert [name in line for name, line in zip(("notes", "b-001", "c-001"), left_out, strict=True)] == [True] * 3
    result = aaecli("plot", "curves", "b-001", "c-001")
    assert (result.code, result.out) == (1, "")
    assert "None of these runs can be plotted" in result.err


def test_figures_replace_no_file_of_the_user(aaecli: Run, in_empty_folder: Path) -> None:
    for name in ("a-001", "a-002"):
        write_run(Path("runs"), name)
    for form in ("png", "svg"):
        words = ("plot", "curves", "a-001", "a-002", "--format", form)
        assert [aaecli(*words).code for _ in range(2)] == [0, 0], "its own"
        path = Path(f"figures/curves.{form}")
        path.write_bytes(b"mine")
        result = aaecli(*words)
        assert result.code == 1
        assert "aaecli did not write it" in result.err
        assert path.read_bytes() == b"mine"
        assert aaecli(*words, "--force").code == 0
    Path("elsewhere").mkdir()
    Path("elsewhere/curves.png").write_bytes(b"mine")
    assert aaecli("plot", "curves", "a-001", "--out", "elsewhere").code == 1
    # In its run folder a figure bears the program's own name.
    assert [aaecli("plot", "curves", "a-001").code for _ in range(2)] == [0, 0]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("curves",), 1, "There are no runs here."),
        (("curves", "nowhere"), 1, "nowhere is not the folder of a run."),
        (("curvse",), 2, "no figure 'curvse'. Did you mean 'curves'?"),
    ],
)
def test_what_cannot_be_drawn_says_why(
    aaecli: Run, in_empty_folder: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    result = aaecli("plot", *words)
    assert (result.code, result.out) == (code, "")
    assert said in " ".join(result.err.split())


def test_without_a_word_it_plots_all(aaecli: Run, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(Path("runs"))
    drawn = []
    monkeypatch.setattr(plot, "_draw", lambda target, exhibit, tell: drawn.append(target.what) or {})
    assert aaecli("plot").code == 0
    assert drawn == ["all"]


def test_every_figure_of_the_gallery_can_be_named() -> None:
    assert (*gallery.GALLERY, "all") == plot.FIGURES


def test_a_run_without_a_row_is_told(aaecli: Run, in_empty_folder: Path) -> None:
    write_run(Path("runs"), metrics="")
    result = aaecli("plot", "curves")
    assert (result.code, result.out) == (1, "")
    assert "has no row yet" in result.err


def test_a_training_draws_its_figures_and_outlives_their_failure(
    in_empty_folder: Path,
    write_dataset: WriteDataset,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AAECLI_FIGURES", "1")
    write_dataset("here/data", train=tuple(range(4)) * 9, test=tuple(range(4)) * 2)
    Path("small.toml").write_text(SMALL)
    words = ("train", "--data", "data", "--labels", "8", "--device", "cpu", "--config", "small.toml")
    assert run_command(*words) == 0
    figures = Path("runs/semisupervised-8-001/figures")
    names = {"curves.png", "samples.png", "reconstructions.png"}
    assert {path.name for path in figures.iterdir()} == names
    assert run_command(*words, "--no-figures") == 0
    assert not Path("runs/semisupervised-8-002/figures").exists()

    def fail(*_: object) -> None:
        raise OSError("no font")

    monkeypatch.setattr("aaecli.figures.style.encode", fail)
    capsys.readouterr()
    assert run_command(*words, "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["state"] == "done"
    assert "warning: the figures were not drawn: no font" in err
