"""A package that is missing or broken: a sentence and a remedy that works when typed, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aaecli.cli.import_failures import import_failure

FAULTS = {
    "its module is gone": "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')",
    "a library is gone": "raise ImportError('libtorch_cpu.so: cannot open shared object file', name='torch')",
    "a library is damaged": "raise OSError('libc10.so: invalid ELF header')",
    "a part is of another version": "raise AttributeError('module has no attribute')\n",
}
COMMANDS = {
    "train": ["train", "--steps", "1", "--force"],
    "label": ["label", "pictures"],
    "eval": ["eval", "model.pt"],
    "eval in folds": ["eval", "model.pt", "--folds", "2"],
    "export": ["export", "model.pt"],
    "plot": ["plot", "samples", "run"],
    "benchmark": ["benchmark"],
}


def start(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    script = "import sys; sys.path.insert(0, 'broken'); sys.argv[0] = 'aaecli'; from aaecli.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", script, *words], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("here")
    (folder / "broken").mkdir()
    (folder / "run").mkdir()
    (folder / "run" / "config.toml").write_text('model = "semisupervised"\n')
    for name in ("model.pt", "run/model.pt"):
        (folder / name).write_bytes(b"x")
    for name in ("a", "b", "unlabelled"):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(2):
            pixels = np.random.default_rng(number).integers(0, 256, (9, 9), np.uint8)
            Image.fromarray(pixels).save(folder / "pictures" / name / f"{name}{number}.png")
    return folder


def check(done: subprocess.CompletedProcess[str], command: str) -> None:
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith(("error:", "hint:", "Traceback"))]
    assert len(said) == 2, done.stderr
    assert said[0].startswith(f"error: The command {command} needs torch, whose installation is broken: ")
    assert said[1] == "hint: Install it again: `python -m pip install --force-reinstall torch`."


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_that_needs_torch_says_that_it_is_broken(here: Path, name: str) -> None:
    (here / "broken" / "torch.py").write_text(FAULTS["a library is gone"])
    check(start(here, *COMMANDS[name]), COMMANDS[name][0])


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_is_broken_is_said(here: Path, fault: str) -> None:
    (here / "broken" / "torch.py").write_text(FAULTS[fault])
    check(start(here, "export", "model.pt"), "export")


def test_debug_shows_where(here: Path) -> None:
    (here / "broken" / "torch.py").write_text(FAULTS["a library is gone"])
    done = start(here, "export", "model.pt", "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "libtorch_cpu.so" in done.stderr


def test_what_needs_no_torch_goes_on(here: Path) -> None:
    (here / "broken" / "torch.py").write_text(FAULTS["a library is gone"])
    assert start(here, "classify", "pictures/a/a0.png").returncode == 0


def test_a_package_that_was_never_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda _: ["no_such_package>=2"])
    with pytest.raises(ImportError) as caught:
        import no_such_package  # type: ignore[import-not-found]  # noqa: F401
    error = import_failure(caught.value, ["--debug", "train"])
    assert error is not None
    assert error.message == "The command train needs no_such_package, which is not installed."
    assert "pip install 'no_such_package>=2'" in error.hint


@pytest.mark.parametrize("fault", ["1 / 0", "raise MemoryError", "import aaecli.no_such_module", "import xml.nothing"])
def test_faults_of_this_program_stay_what_they_are(fault: str) -> None:
    with pytest.raises((ArithmeticError, MemoryError, ImportError)) as caught:
        exec(fault, {"__name__": "aaecli.somewhere"})  # noqa: S102
    assert import_failure(caught.value, ["train"]) is None
