"""requirements-serve.txt: all that a machine needs that only classifies and draws, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from aaecli.data.dataset import Dataset
from aaecli.doctor import findings
from tests.serve.pair import write_pair

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
LISTED = [
    line
    for line in (ROOT / "requirements-serve.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
MODULES = {"pillow": "PIL"}

# Runs the commands with every other requirement out of reach, and tells which ones were imported.
PROGRAM = """
import sys

absent, watched = (set(words.split(",")) for words in sys.argv[1:3])

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from aaecli.cli import main

for words in (
    "data export --index 0 --out own/a.png", "data export --index 1 --out own/b.png", "data --data own",
    "classify own --csv", "embed own --out own.npy", "generate --out drawn.png", "classify own/a.png --save-input seen",
    "eval ENCODER --json", "train --preset quick --print-config",
):
    try:
        main(words.replace("ENCODER", sys.argv[3]).split())
    except SystemExit as ended:
        assert not ended.code, words
print("imported:", *sorted(watched & set(sys.modules)), file=sys.stderr)
"""


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def modules(names: list[str]) -> str:
    return ",".join(MODULES.get(name, name.replace("-", "_")) for name in names)


def test_each_version_is_the_projects():
    assert set(LISTED) <= {text.split(";")[0] for text in PROJECT}


def test_the_list_is_what_doctor_asks_for_and_what_serving_imports(tmp_path: Path, mnist: Dataset):
    names = [name_of(text) for text in LISTED]
    assert {*names} - {"onnxruntime"} == {*findings._SERVING}
    others = [name for name in map(name_of, PROJECT) if name not in names and name != "onnxruntime-gpu"]
    assert "torch" in others
    (tmp_path / "own").mkdir()
    (tmp_path / "own/labels.csv").write_text("path,label\na.png,7\nb.png,2\n")
    # Of a few matrices: the released encoder takes seconds for ten thousand images, and imports the same.
    encoder = write_pair(tmp_path / "pair", mnist.train_image[:1000], mnist.train_label[:1000])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AAECLI_")}
    # The cache in its own place: it is a package that finds it.
    environment = kept | {"PYTHONPATH": str(ROOT), "AAECLI_DEVICE": "cpu", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, modules(others), modules(names), str(encoder)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].split()[1:] == sorted(modules(names).split(","))
