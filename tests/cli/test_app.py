"""The command line as a whole: help, streams, exit codes, and what it does not import."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import select
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import typer

from aaecli import __version__
from aaecli.cli import COMMANDS
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "onnx", "onnxruntime", "onnxscript", "matplotlib", "pydantic", "PIL", "numpy")


def start(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "aaecli", *words], capture_output=True, text=True, timeout=300, check=False, cwd=ROOT
    )


def test_alone_it_shows_the_way_through(aaecli: Run) -> None:
    result = aaecli()
    text = result.out + result.err
    places = [
        text.index(line)
        for line in (
            "aaecli train --labels 1000",
            "aaecli eval model.pt",
            "aaecli export --onnx",
            "aaecli classify digit.png",
            "aaecli generate",
        )
    ]
    assert places == sorted(places)
    for name in COMMANDS:
        assert re.search(rf"^\W*{name} +\w", text, re.MULTILINE), name


def test_help_and_version_are_results(aaecli: Run) -> None:
    for flag in ("-h", "--help"):
        result = aaecli(flag)
        assert (result.code, result.err) == (0, "")
        assert "Usage: aaecli" in result.out
        assert "130 interrupted" in result.out
    assert aaecli("--version") == type(result)(0, f"aaecli {__version__}\n", "")


@pytest.mark.parametrize("words", [(), ("runs",), ("data", "export")])
def test_help_is_a_word_too(aaecli: Run, words: tuple[str, ...]) -> None:
    assert aaecli("help", *words) == aaecli(*words, "--help")
    assert aaecli("help", "trian").code == 2


def test_every_command_stands_in_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert re.search(rf"aaecli {name}\b", readme), name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches(aaecli: Run, name: str) -> None:
    result = aaecli(name, "--help")
    assert (result.code, result.err) == (0, "")
    _, _, text = result.out.partition(f"Usage: aaecli {name}")
    summary = text.strip().splitlines()[2].strip()
    assert summary[0].isupper()
    assert len(summary) > 20
    assert "Example" in text
    assert re.search(rf"^ *(\S.* \| )?aaecli {name}\b", text, re.MULTILINE), "an example to copy"


@pytest.mark.parametrize("name", COMMANDS)
def test_completion_is_installed_once_and_not_by_each_command(aaecli: Run, name: str) -> None:
    assert "--install-completion" in aaecli("--help").out
    assert "completion" not in aaecli(name, "--help").out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_and_grouped(name: str) -> None:
    command = typer.main.get_command(importlib.import_module(f"aaecli.cli.{name}").app)
    for each in (command, *getattr(command, "commands", {}).values()):
        parameters = [parameter for parameter in each.params if parameter.name != "help"]
        assert [parameter.name for parameter in parameters if not parameter.help] == []
        # A handful is read at a glance; more need headings.
        if len(parameters) > 6:
            assert len({parameter.rich_help_panel for parameter in parameters}) >= 3


OWN = {
    "--model": "a model to train, a checkpoint or an exported one",
    "--labels": "repeatable in benchmark",
    "--preset": "likewise",
    "--config": "likewise",
    "--out": "each command writes something else",
    "--seed": "says what is random",
    "--data": "each command has another default",
    "--json": "classify prints an object for each picture",
    "--port": "label has a free one, serve has 8000",
    "--clusters": "of a model that finds them, or clusters to name",
    "--count": "pictures to label, or styles to generate",
    "--seeds": "seeds of a benchmark, or the two ends of a walk",
    "--precision": "of a training step, or of exported weights",
    "--verify": "the parts of a bulk job, or the files of a store",
    "--device": "torch has one more than onnxruntime",
}
"""Flags that differ from command to command, and why."""


def test_no_option_takes_nan_for_a_number(aaecli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    for name in COMMANDS:
        command = typer.main.get_command(importlib.import_module(f"aaecli.cli.{name}").app)
        for parameter in command.params:
            if parameter.type.name in ("float", "float range"):
                flag = next(word for word in parameter.opts if word.startswith("--"))
                done = aaecli(name, *["digit.png"] * (name != "train"), flag, "nan")
                assert done.code in (1, 2), (name, flag)
                assert "nan" in done.err, (name, flag)
                tried.append(flag)
    assert {"--threshold", "--max-loss", "--cascade-confidence", "--lr"} <= set(tried)


def test_a_flag_means_the_same_in_every_command() -> None:
    seen: dict[str, set[tuple[object, ...]]] = {}
    for name in COMMANDS:
        command = typer.main.get_command(importlib.import_module(f"aaecli.cli.{name}").app)
        for each in (command, *getattr(command, "commands", {}).values()):
            for parameter in each.params:
                flag = next((word for word in parameter.opts if word.startswith("--")), None)
                if flag is not None and flag not in OWN and flag != "--help":
                    facets = ("help", "envvar", "metavar", "rich_help_panel", "default", "show_default")
                    seen.setdefault(flag, set()).add(tuple(getattr(parameter, facet) for facet in facets))
    assert {flag for flag, kinds in seen.items() if len(kinds) > 1} == set()
    assert "--force" in seen


def test_every_command_is_a_module() -> None:
    folder = Path(importlib.import_module("aaecli.cli").__file__ or "").parent
    assert len(set(COMMANDS)) == len(COMMANDS)
    assert {f"{name}.py" for name in COMMANDS} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(("word", "meant"), [("trian", "train"), ("exprot", "export"), ("docter", "doctor")])
def test_a_misspelt_command_is_recognised(aaecli: Run, word: str, meant: str) -> None:
    result = aaecli(word)
    assert (result.code, result.out) == (2, "")
    assert f"No such command '{word}'" in result.err
    assert meant in result.err.partition(word)[2]


@pytest.mark.parametrize("words", [("--nonsense",), ("train", "--lables"), ("runs", "--out"), ("zzz",)])
def test_wrong_usage_is_2(aaecli: Run, words: tuple[str, ...]) -> None:
    result = aaecli(*words)
    assert (result.code, result.out) == (2, "")
    assert "Error" in result.err
    assert words[-1] in result.err
    assert "Traceback" not in result.err


def test_an_error_is_a_sentence_and_a_hint_on_stderr(aaecli: Run, in_empty_folder: Path) -> None:
    result = aaecli("data", "--data", "absent")
    assert (result.code, result.out) == (1, "")
    error, hint = result.err.splitlines()
    assert error == "error: absent does not exist."
    assert hint.startswith("hint: --data takes the embedded MNIST; ")
    (in_empty_folder / "one.png").touch()
    assert "one.png is a picture" in aaecli("data", "--data", "one.png").err


@pytest.mark.parametrize("words", [("--debug", "data", "--data", "absent"), ("data", "--data", "absent", "--debug")])
def test_debug_shows_the_traceback(words: tuple[str, ...]) -> None:
    result = start(*words)
    assert (result.returncode, result.stdout) == (1, "")
    assert "Traceback (most recent call last)" in result.stderr
    assert "AaeError: absent does not exist." in result.stderr


def test_after_two_dashes_debug_is_a_word_like_any_other(aaecli: Run) -> None:
    result = aaecli("classify", "--", "--debug")
    assert result.code == 1
    assert "Traceback" not in result.err


def test_python_m_is_the_same_program() -> None:
    result = start("--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"aaecli {__version__}\n", "")


def test_help_imports_nothing_heavy() -> None:
    typed = [["--version"], [], ["--help"], *([name, "--help"] for name in COMMANDS), ["train", "--lables"]]
    code = f"""if True:
        import sys
        from aaecli.cli import main
        for words in {typed!r}:
            try:
                main(words)
            except SystemExit:
                pass
            print(words, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
    """
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True, cwd=ROOT
    )
    assert [line for line in result.stderr.splitlines() if line.startswith("[")] == [f"{words} []" for words in typed]


def fill(pipe: int) -> None:
    """Write into a pipe until it is full, and wait until somebody has read from it."""
    os.set_blocking(pipe, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe, bytes(4096))
    _, is_read, _ = select.select([], [pipe], [], 60)
    assert is_read, "the program never read"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_the_end_looks_for_cycles_in_nothing() -> None:
    script = (
        "import atexit, gc; from aaecli.cli import main\n"
        # What is registered first is called last.
        "atexit.register(lambda: print(gc.get_freeze_count() > 1000))\n"
        "main(['--version'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.splitlines()[-1] == "True"


def test_interrupted_is_130() -> None:
    # A pipe that is never closed keeps the program waiting until it is interrupted.
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "aaecli", "classify", "-"],
        stdin=reader,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        os.close(reader)
        try:
            fill(writer)
            time.sleep(0.5)  # between two reads, Python would see the signal only after the second
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=300)
        finally:
            # The end of the pipe lets the program go, whatever became of the signal: a failure must not hang.
            os.close(writer)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err


def test_a_reader_that_goes_away_before_the_last_lines_ends_it_quietly() -> None:
    # What a command leaves in the buffer is written when typer no longer looks after it.
    script = "import sys; from aaecli import cli; cli.app = lambda *a, **k: sys.stdout.write('last'); cli.main([])"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
    assert (process.returncode, said) == (0, "")


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "aaecli", "data", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
    assert process.returncode == 0
    assert said == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("words", [["data"], ["data", "--json"], ["--version"]])
def test_results_that_do_not_fit_on_the_disk(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "aaecli", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=ROOT,
        )
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        "error: Cannot write the results to stdout: No space left on device.",
        "hint: Make room on the disk that they are sent to.",
    ]


def test_the_console_script_is_this_program() -> None:
    project = ROOT / "pyproject.toml"
    assert tomllib.loads(project.read_text(encoding="utf-8"))["project"]["scripts"] == {"aaecli": "aaecli.cli:main"}
