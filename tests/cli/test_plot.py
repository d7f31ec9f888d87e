"""``aaecli plot``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Run
from tests.cli.test_train import SMALL
from tests.cli.test_train import aaecli as run_command
from tests.conftest import WriteDataset
from tests.test_runs import write_run


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
    result = aaecli("plot", "curves", "a-001", "--out", "elsewhere")
    assert result.out == "elsewhere/curves.png\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("curves",), 1, "There are no runs here."),
        (("curves", "nowhere"), 1, "nowhere is not the folder of a run."),
        (("curvse",), 2, "curvse"),
        ((), 2, "WHAT"),
    ],
)
def test_what_cannot_be_drawn_says_why(
    aaecli: Run, in_empty_folder: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    result = aaecli("plot", *words)
    assert (result.code, result.out) == (code, "")
    assert said in " ".join(result.err.split())


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
        raise RuntimeError("no font")

    monkeypatch.setattr("aaecli.figures.style.encode", fail)
    capsys.readouterr()
    assert run_command(*words, "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["state"] == "done"
    assert "warning: the figures were not drawn: no font" in err
