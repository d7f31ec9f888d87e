"""Every block of commands in README and docs runs, in order, in a folder with the files that the page speaks of.

What would take long is cut short from outside: few steps, small batches, a small data set. Nothing else differs from
what a reader types.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import processes
from tests.conftest import idx_bytes
from tests.docs.fork_server import CLIENT, PYTHON, serve
from tests.docs.pages import PAGES, ROOT, Block, blocks, read, without_code

SHORTER = {
    r"--steps \d+": "--steps 3",
    r"load_digits\(\)\.images": "load_digits().images[:120]",
    r"--folds 5": "--folds 2",
    r'(?<="steps": )\d+|(?<=\bsteps=)\d+': "3",
    r"aaecli\.train\((?=labels=)": "aaecli.train(__import__('os').environ['AAECLI_DATA'], ",
    # What a reader does in a spreadsheet.
    r"(?=aaecli label digits --answers (\w+\.csv))": r"python fill_in.py \1\n",
}
"""Patterns in a block and what takes their place."""
RUNNING = ("sh", "python", "{code-cell}")
SAVED = re.compile(r"Save it as `(\w+\.py)`\.\n\n```python\n")
VARIABLES = {"AAECLI_BATCH_SIZE": "16", "AAECLI_FIGURES": "0", "AAECLI_THREADS": "1", "OMP_NUM_THREADS": "1"}
OWN_PICTURES, QUICKSTART = "docs/your-own-images.md", "docs/quickstart.md"
FILL_IN = """
import csv, sys
from sklearn.datasets import load_digits
labels = load_digits().target
with open(sys.argv[1], newline="") as file:
    head, *rows = csv.reader(file)
for row in rows:
    row[head.index("label")] = f"{labels[int(row[head.index('path')][:4])]}"
with open(sys.argv[1], "w", newline="") as file:
    csv.writer(file).writerows([head, *rows])
"""


@pytest.fixture(scope="session")
def shell(tmp_path_factory):
    """Give a function that runs a block in a folder, with ``aaecli`` and ``python`` on the PATH."""
    folder = tmp_path_factory.mktemp("shell")
    (folder / "bin").mkdir()
    address = str(folder / "socket")
    for name, text in {
        "aaecli": CLIENT.format(python=sys.executable, address=address, words=[]),
        "run-python": CLIENT.format(python=sys.executable, address=address, words=[PYTHON]),
        "python": f'#!/bin/sh\nexec {sys.executable} "$@"\n',
    }.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AAECLI_")}
    environment = kept | VARIABLES | {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "AAECLI_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    # Forked from what has torch loaded already for the tests of the command line.
    server = processes.forking().Process(target=serve, args=(address,), daemon=True)
    server.start()
    deadline = time.monotonic() + 120
    while not Path(address).exists():
        assert server.exitcode is None
        assert time.monotonic() < deadline
        time.sleep(0.05)

    def run(block: Block, where: Path, **variables: str) -> None:
        text = block.text
        for pattern, shorter in SHORTER.items():
            text = re.sub(pattern, shorter, text)
        if block.language != "sh":
            (folder / "block.py").write_text(text, encoding="utf-8")
        words = ["sh", "-ec", text] if block.language == "sh" else [folder / "bin/run-python", folder / "block.py"]
        done = subprocess.run(
            words, cwd=where, env=environment | variables, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{block.page}:{block.line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

    yield run
    server.terminate()
    server.join()


@pytest.fixture(scope="module")
def small_mnist(mnist, tmp_path_factory):
    """Write 1,500 training images, as many of each class, and 100 test images as IDX files."""
    folder = tmp_path_factory.mktemp("mnist")
    chosen = np.concatenate([np.flatnonzero(mnist.train_label == digit)[:150] for digit in range(10)])
    chosen = np.random.default_rng(0).permutation(chosen)
    parts = {"train": (mnist.train_image[chosen], mnist.train_label[chosen])}
    parts["t10k"] = (mnist.test_image[:100], mnist.test_label[:100])
    for part, (image, label) in parts.items():
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(image))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(label))
    return folder


@pytest.fixture(scope="module")
def after_the_readme(shell, small_mnist, mnist, tmp_path_factory):
    """Run the README's blocks and give their folder, with a model, its exports and some pictures."""
    folder = tmp_path_factory.mktemp("readme")
    seven = Image.fromarray(mnist.test_image[0])
    (folder / "scans" / "old").mkdir(parents=True)
    for name in ("scans/a.png", "scans/old/b.png"):
        seven.save(folder / name)
    Image.eval(seven.resize((280, 280)), lambda value: 255 - value).save(folder / "photo.jpg")
    for block in running("README.md"):
        shell(block, folder, AAECLI_DATA=str(small_mnist), AAECLI_STEPS="3")
    return folder


def running(name: str, *markers: str) -> list[Block]:
    """Give the blocks of a page that run: those without a marker, and those with one of these.

    Blocks of Python on a page with no commands between them are one program, as a reader types them, whose lines are
    numbered as the page's.
    """
    found: list[Block] = []
    for block in blocks(name):
        if block.language not in RUNNING or block.marker not in ("", *markers):
            continue
        is_saved = bool(SAVED.search(read(PAGES[name])))
        text, before = block.text, found[-1].text if found else ""
        if block.language != "sh" and not is_saved:
            if found and found[-1].language == block.language:
                found.pop()
            else:
                before = ""
            text = before + "\n" * (block.line - before.count("\n")) + text
        found.append(replace(block, text=text))
    return found


def test_the_readme(after_the_readme):
    assert {"model.pt", "digit.png", "digits.png", "answers.csv"} <= {path.name for path in after_the_readme.iterdir()}
    assert len((after_the_readme / "answers.csv").read_text().splitlines()) == 3


def walk(name: str, shell, folder: Path, *markers: str, **variables: str) -> None:
    """Run a page from top to bottom."""
    for block in running(name, *markers):
        saved = SAVED.findall(read(PAGES[name]))
        if block.language == "python" and saved:
            (folder / saved[0]).write_text(block.text)
        else:
            shell(block, folder, AAECLI_STEPS="3", **variables)


LONG = ("docs/training.md",)
"""Pages whose commands train many times: options of commands that run on the other pages and in the commands' tests."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in LONG else ())
        for name in PAGES
        if running(name) and name not in ("README.md", OWN_PICTURES, QUICKSTART)
    ],
)
def test_a_page(name, shell, after_the_readme, small_mnist, tmp_path):
    shutil.copytree(after_the_readme, tmp_path / "here")
    walk(name, shell, tmp_path / "here", AAECLI_DATA=str(small_mnist))


@pytest.mark.slow
def test_own_pictures(shell, tmp_path):
    # The same way is walked by tests/cli/test_own_pictures.py, in one process.
    (tmp_path / "fill_in.py").write_text(FILL_IN)
    walk(OWN_PICTURES, shell, tmp_path)


@pytest.mark.slow
def test_the_quickstart_works_in_an_empty_folder(shell, small_mnist, tmp_path):
    # The README has the same commands, and runs in the default run.
    walk(QUICKSTART, shell, tmp_path, AAECLI_DATA=str(small_mnist))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PAGES if any(block.marker == "slow" for block in blocks(name))])
def test_a_page_with_what_takes_longer(name, shell, after_the_readme, small_mnist, tmp_path):
    shutil.copytree(after_the_readme, tmp_path / "here")
    (tmp_path / "here" / "fill_in.py").write_text(FILL_IN)
    variables = {} if name == OWN_PICTURES else {"AAECLI_DATA": str(small_mnist)}
    walk(name, shell, tmp_path / "here", "slow", **variables)


def test_every_block_runs_or_says_why_not():
    found = [block for name in PAGES for block in blocks(name)]
    assert {block.language for block in found} <= {*RUNNING, "text", "toml", "{eval-rst}"}
    assert all(len(block.reason.split()) >= 2 for block in found if block.marker)
    ran = [block for block in found if block.language in ("sh", "python") and not block.marker]
    assert len(ran) > 15
    indented = [
        name
        for name in PAGES
        if re.search(r"^ {4}\$? ?(?:aaecli|python|nox)\b", without_code(read(PAGES[name])), re.MULTILINE)
    ]
    assert indented == [], "commands stand in fenced blocks"
