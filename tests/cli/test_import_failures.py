"""A package that is missing or broken: a sentence and a remedy that works when typed, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest
from PIL import Image

from aaecli.cli.import_failures import import_failure
from tests.cli.conftest import Outcome

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


# Imports once what all commands need, then each command is a process of its own, with its own torch beside it.
_EACH = """
import json, os, sys, traceback
from importlib import metadata
from pathlib import Path
import numpy, PIL.Image, rich.console
from aaecli.cli import main

installed = metadata.packages_distributions()
metadata.packages_distributions = lambda: installed

sys.argv[0] = "aaecli"
for number, (fault, words) in enumerate(json.loads(sys.argv[1])):
    Path(f"broken{number}").mkdir()
    Path(f"broken{number}/torch.py").write_text(fault)
    if os.fork():
        os.wait()
        continue
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{number}.{name}", os.O_WRONLY | os.O_CREAT), descriptor)
    sys.path.insert(0, f"broken{number}")
    code = 99
    try:
        main(words)
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    Path(f"{number}.code").write_text(str(code))
    os._exit(0)
"""
CASES = {
    **{name: (FAULTS["a library is gone"], words) for name, words in COMMANDS.items()},
    **{fault: (text, ["export", "model.pt"]) for fault, text in FAULTS.items()},
    "debug": (FAULTS["a library is gone"], ["export", "model.pt", "--debug"]),
    "no torch": (FAULTS["a library is gone"], ["classify", "pictures/a/a0.png"]),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """How each of the cases ends."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "run").mkdir()
    (folder / "run" / "config.toml").write_text('model = "semisupervised"\n')
    for name in ("model.pt", "run/model.pt"):
        (folder / name).write_bytes(b"x")
    for name in ("a", "b", "unlabelled"):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(2):
            pixels = np.random.default_rng(number).integers(0, 256, (9, 9), np.uint8)
            Image.fromarray(pixels).save(folder / "pictures" / name / f"{name}{number}.png")
    words = [sys.executable, "-c", _EACH, json.dumps(list(CASES.values()))]
    subprocess.run(words, cwd=folder, timeout=300, check=True)
    return {
        name: Outcome(
            int((folder / f"{number}.code").read_text()),
            *((folder / f"{number}.{stream}").read_text() for stream in ("out", "err")),
        )
        for number, name in enumerate(CASES)
    }


@pytest.mark.parametrize("name", [*COMMANDS, *FAULTS])
def test_each_command_that_needs_torch_says_that_it_is_broken(ended: dict[str, Outcome], name: str) -> None:
    done, command = ended[name], CASES[name][1][0]
    assert (done.code, done.out) == (1, ""), done.err
    said = [line for line in done.err.splitlines() if line.startswith(("error:", "hint:", "Traceback"))]
    assert len(said) == 2, done.err
    assert said[0].startswith(f"error: The command {command} needs torch, whose installation is broken: ")
    assert said[1] == "hint: Install it again: `python -m pip install --force-reinstall torch`."


def test_debug_shows_where(ended: dict[str, Outcome]) -> None:
    assert ended["debug"].code == 1
    assert "Traceback" in ended["debug"].err
    assert "libtorch_cpu.so" in ended["debug"].err


def test_what_needs_no_torch_goes_on(ended: dict[str, Outcome]) -> None:
    assert ended["no torch"].code == 0, ended["no torch"].err


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
