"""What is loaded when: nothing by ``import aaecli``, and of the rest no more than it takes."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import aaecli
from tests.serve.pair import shared_pair

HEAVY = {"numpy", "PIL", "onnxruntime", "torch", "onnx", "sklearn", "matplotlib", "typer", "rich", "tomli_w"}
BLOCKED = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def run(script: str, *absent: str) -> str:
    """Run a script in a process that cannot import some packages, and give what it prints."""
    program = BLOCKED.format(absent=set(absent)) + script
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_alone_loads_nothing() -> None:
    script = f"import aaecli; aaecli.__version__, dir(aaecli); print(sorted({HEAVY} & set(sys.modules)))"
    assert run(script) == "[]\n"
    own = run("import aaecli; print(sorted(name for name in sys.modules if name.startswith('aaecli')))")
    assert own == "['aaecli']\n"


def test_serving_needs_no_package_of_training_or_of_the_command_line(tmp_path_factory, mnist) -> None:
    pair = shared_pair(tmp_path_factory, mnist)
    script = f"""
import numpy as np
import aaecli
read = aaecli.Classifier({str(pair)!r})
assert isinstance(read(np.zeros((28, 28))), aaecli.Answer)
assert isinstance(next(read.stream([b""])), aaecli.Failure)
assert aaecli.Generator({str(pair)!r}).sample(2, label="7").shape == (2, 28, 28)
print(sorted({HEAVY - {"numpy", "PIL", "onnxruntime"}} & set(sys.modules)))
"""
    assert run(script, *HEAVY - {"numpy", "PIL", "onnxruntime"}) == "[]\n"


def test_what_training_lacks_is_said() -> None:
    script = """
import aaecli
for call in (lambda: aaecli.train(labels=100), lambda: aaecli.resume(".")):
    try:
        call()
    except ImportError as error:
        print(type(error).__name__, isinstance(error, aaecli.AaeError), error)
"""
    remedy = "Install it: `python -m pip install torch`."
    line = f"MissingPackageError True Training needs torch, which is not installed. {remedy}"
    assert run(script, "torch").splitlines() == [line] * 2


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Clasifier'"):
        _ = aaecli.Clasifier  # type: ignore[attr-defined]


def test_no_public_name_is_that_of_a_module() -> None:
    # Importing such a module would put it in the name's place.
    assert not set(aaecli.__all__) & {module.name for module in pkgutil.iter_modules(aaecli.__path__)}


def test_every_public_name_is_there_and_documented() -> None:
    assert sorted(aaecli.__all__, key=str.lower) == sorted(aaecli._HOME, key=str.lower)
    assert set(aaecli.__all__) < set(dir(aaecli))
    for name in aaecli.__all__:
        value = getattr(aaecli, name)
        assert value.__doc__, name
        assert getattr(importlib.import_module(value.__module__), name) is value


def test_the_released_model_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert aaecli.Classifier().path.parent == aaecli.Generator().path.parent
