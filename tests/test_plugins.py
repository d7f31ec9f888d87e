"""Registries: packaged entries, named files, installed packages, and a sentence for each thing that is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aaecli import plugins
from aaecli.errors import AaeError
from aaecli.plugins import MAX_PLUGIN_BYTES, NoOptions, Registry, load_file, summary

ROOT = Path(__file__).parents[1]
FILE = """
from tests.test_plugins import colours

@colours().register("{name}")
class Colour:
    '''A colour of its own.'''
{more}
"""
_COLOURS: list[Registry[object]] = []


def colours() -> Registry[object]:
    """The registry that the files of these tests add to."""
    return _COLOURS[-1]


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry[object]:
    def check(name: str, entry: plugins.Entry[object]) -> None:
        if name == "grey":
            raise ValueError("it has no hue")

    monkeypatch.setattr(plugins, "_registries", [])
    monkeypatch.setattr(plugins, "_loaded", set())
    monkeypatch.delenv(plugins.VARIABLE, raising=False)
    made: Registry[object] = Registry("colour", "aaecli.no_such_group", {"red": "tests.red"}, check)
    monkeypatch.setattr(sys.modules[__name__], "_COLOURS", [made])
    return made


def write(path: Path, name: str = "blue", more: str = "") -> Path:
    path.write_text(FILE.format(name=name, more=more))
    return path


def refuse(path: Path) -> AaeError:
    with pytest.raises(AaeError) as caught:
        load_file(path)
    assert caught.value.hint
    return caught.value


def test_a_file_adds_an_entry(tmp_path: Path, registry: Registry[object]) -> None:
    load_file(write(tmp_path / "one.py"))
    assert list(registry) == ["red", "blue"]
    assert summary(registry["blue"]) == "A colour of its own."
    assert registry.options("blue") is NoOptions
    assert "blue" in registry
    assert "green" not in registry
    assert len(registry) == 2


def test_a_file_is_loaded_once_by_whatever_name(
    tmp_path: Path, registry: Registry[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_file(write(tmp_path / "one.py"))
    monkeypatch.chdir(tmp_path)
    load_file(Path("one.py"))
    assert list(registry) == ["red", "blue"]


def test_files_that_the_variable_names_are_loaded_when_they_are_asked_for(
    tmp_path: Path, registry: Registry[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [write(tmp_path / "one.py"), write(tmp_path / "two.py", "green")]
    monkeypatch.setenv(plugins.VARIABLE, os.pathsep.join(map(str, files)))
    assert registry["green"]
    assert list(registry) == ["red", "blue", "green"]


def test_a_file_of_the_variable_may_look_at_the_registry(
    tmp_path: Path, registry: Registry[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(plugins.VARIABLE, str(write(tmp_path / "one.py", more="assert 'blue' in list(colours())")))
    assert list(registry) == ["red", "blue"]


def test_an_unknown_name_says_which_are_near_and_how_to_load_more(registry: Registry[object]) -> None:
    with pytest.raises(AaeError, match="There is no colour 'rad'") as caught:
        registry["rad"]
    assert "Did you mean 'red'?" in caught.value.hint
    assert "aaecli --plugin FILE.py" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_module_anywhere", "line 1: ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("x = 1\nx / 0", "line 2: ZeroDivisionError: division by zero"),
        ("def f(:", "line 1: invalid syntax"),
        ("raise SystemExit(3)", "line 1: SystemExit: 3"),
        ("\0", "null bytes"),
    ],
)
def test_a_file_that_fails_is_one_sentence(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    error = refuse(path)
    assert str(path) in error.message
    assert reason in error.message
    assert error.message.count("\n") == 0


def test_what_a_file_registered_before_it_failed_is_taken_back(tmp_path: Path, registry: Registry[object]) -> None:
    path = write(tmp_path / "one.py", more="1 / 0")
    refuse(path)
    assert list(registry) == ["red"]
    load_file(write(path))
    assert list(registry) == ["red", "blue"]


def test_a_packaged_name_is_taken(tmp_path: Path) -> None:
    error = refuse(write(tmp_path / "one.py", "red"))
    assert "one.py cannot be loaded: The colour 'red' is a packaged one." in error.message
    assert "another name" in error.hint


def test_a_name_is_registered_once(tmp_path: Path) -> None:
    load_file(write(tmp_path / "one.py"))
    error = refuse(write(tmp_path / "two.py"))
    assert f"'blue' is registered already, by {tmp_path / 'one.py'}" in error.message
    twice = write(tmp_path / "three.py", "green", "colours().register('green')(1)")
    assert "'green' is registered twice" in refuse(twice).message


def test_a_broken_contract_names_file_and_reason(tmp_path: Path) -> None:
    error = refuse(write(tmp_path / "one.py", "grey"))
    assert "one.py" in error.message
    assert "The colour 'grey' breaks its contract: it has no hue." in error.message
    assert "letters, digits" in refuse(write(tmp_path / "two.py", "a b")).message


def test_no_file_and_a_file_too_large(tmp_path: Path) -> None:
    assert "Cannot read the plug-in" in refuse(tmp_path / "absent.py").message
    (tmp_path / "large.py").write_bytes(b"#" * (MAX_PLUGIN_BYTES + 1))
    assert "larger than" in refuse(tmp_path / "large.py").message
    assert "is a folder" in refuse(tmp_path).message


def install(folder: Path, group: str, name: str, value: str, module: str) -> None:
    """Write a package as an installer would: its module, and what says which entries it has."""
    (folder / "strange_colours.py").write_text(module)
    info = folder / "strange_colours-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-colours\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")


def test_an_installed_package_adds_an_entry_by_an_entry_point(
    tmp_path: Path, registry: Registry[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, registry.group, "teal", "strange_colours:TEAL", "TEAL = 'between green and blue'")
    monkeypatch.syspath_prepend(tmp_path)
    assert list(registry) == ["red", "teal"]
    assert "strange_colours" not in sys.modules, "a name alone loads nothing"
    assert registry["teal"] == "between green and blue"
    sys.modules.pop("strange_colours")


@pytest.mark.parametrize(
    ("name", "module", "reason"),
    [
        ("red", "RED = 1", "strange-colours registers a colour 'red', which is a packaged one"),
        ("teal", "1 / 0", "The plug-in strange-colours cannot be loaded: ZeroDivisionError"),
        ("teal", "", "The plug-in strange-colours cannot be loaded: AttributeError"),
    ],
)
def test_an_installed_package_that_is_wrong_is_one_sentence(
    tmp_path: Path, registry: Registry[object], monkeypatch: pytest.MonkeyPatch, name: str, module: str, reason: str
) -> None:
    install(tmp_path, registry.group, name, "strange_colours:RED", module)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AaeError) as caught:
        registry["teal"]
    assert reason in caught.value.message
    assert "strange-colours" in caught.value.hint
    sys.modules.pop("strange_colours", None)


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aaecli", *words],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        env=os.environ | environment,
        check=False,
    )


def test_the_command_line_loads_files_before_the_command(tmp_path: Path) -> None:
    said, broken = tmp_path / "said.py", tmp_path / "broken.py"
    said.write_text("import sys; sys.stderr.write('loaded\\n')")
    broken.write_text("1 / 0")
    result = run("--plugin", str(said), "--plugin", str(said), "data", "--help")
    assert (result.returncode, result.stderr) == (0, "loaded\n")
    result = run("--plugin", str(said), "--plugin", str(broken), "data")
    assert result.returncode == 1
    assert "ZeroDivisionError" in result.stderr
    assert "Traceback" not in result.stderr
    result = run("--plugin", str(tmp_path / "absent.py"), "data")
    assert result.returncode == 1
    assert "absent.py" in result.stderr
