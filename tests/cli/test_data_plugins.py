"""A stranger's reader, metric and preset in one file outside the package: trained, exported and evaluated with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from aaecli import plugins
from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("translated_once")

PLUGIN = '''
"""Raw bytes, mean confidence and a preset of four steps."""

from pathlib import Path

import numpy as np

from aaecli.config.preset import PRESETS
from aaecli.data.dataset import Dataset
from aaecli.data.readers.registry import READERS, Reader
from aaecli.metrics.registry import METRICS, metric


@READERS.register("raw")
class Raw(Reader):
    """A .raw file of 8 × 8 images, each after its label."""

    def matches(self, path):
        return path.suffix == ".raw"

    def load(self, path, image, progress=None):
        values = np.fromfile(path, np.uint8).reshape(-1, 65)
        label, pixels = values[:, 0].astype(np.int64), values[:, 1:].reshape(-1, 8, 8)
        half = len(label) // 2
        return Dataset(path.stem, ("low", "high"), pixels[:half], label[:half], pixels[half:], label[half:])


@METRICS.register("mean_confidence")
@metric("mean confidence", is_fraction=True)
def mean_confidence(label_prob, label):
    """Mean probability of the most probable class."""
    return float(label_prob.max(1).mean())


PRESETS.add("small", Path(__file__).with_name("small.toml"))
'''
SMALL = 'extends = "quick"\n[schedule]\nsteps = 4\nbatch_size = 8\nlabelled_batch_size = 8\n'


@pytest.fixture
def plugin(in_empty_folder: Path) -> Iterator[Path]:
    """Give the file of the plug-in, which is forgotten afterwards."""
    folder = in_empty_folder.parent / "elsewhere"
    folder.mkdir()
    path = folder / "mine.py"
    path.write_text(PLUGIN, encoding="utf-8")
    (folder / "small.toml").write_text(SMALL, encoding="utf-8")
    label = np.tile(np.arange(2), 40)
    pixels = np.random.default_rng(0).integers(0, 100, (80, 64)) + 100 * label[:, None]
    np.c_[label, pixels].astype(np.uint8).tofile("digits.raw")
    yield path
    for registry in plugins._registries:
        registry.forget(str(path))
    plugins._loaded.discard(path)


def test_reader_metric_and_preset_of_one_file(aaecli: Run, plugin: Path) -> None:
    refused = aaecli("train", "--data", "digits.raw", "--print-config")
    assert refused.code == 0  # nothing is read for it
    refused = aaecli("train", "--data", "digits.raw", "--labels", 10)
    assert refused.code == 1
    assert "digits.raw is in no format that is read" in refused.err
    loaded = ("--plugin", plugin)
    printed = aaecli(*loaded, "train", "--preset", "small", "--data", "digits.raw", "--print-config")
    assert 'preset = "small"' in printed.out
    assert "steps = 4" in printed.out
    assert "'small'" in aaecli(*loaded, "train", "--preset", "smal").err
    unread = aaecli(*loaded, "train", "--data", "digits.png")
    assert "a .raw file of 8 × 8 images" in unread.err
    assert "--size has no effect" in aaecli(*loaded, "train", "--data", "digits.raw", "--size", 20).err

    trained = aaecli(*loaded, "train", "--data", "digits.raw", "--preset", "small", "--labels", 10, "--json", "--quiet")
    assert trained.code == 0, trained.err
    summary = json.loads(trained.out)
    assert (summary["steps"], summary["preset"], summary["dataset"]) == (4, "small", "digits")
    assert aaecli(*loaded, "export", "--onnx", "--card", "--quiet").code == 0
    of_torch = json.loads(aaecli(*loaded, "eval", "--json").out)
    of_onnx = json.loads(aaecli(*loaded, "eval", "exports/encoder.onnx", "--data", "digits.raw", "--json").out)
    assert summary["test_mean_confidence"] == pytest.approx(of_torch["mean_confidence"], abs=1e-6)
    assert of_onnx["mean_confidence"] == pytest.approx(of_torch["mean_confidence"], abs=1e-5)
    assert f"mean confidence       {of_torch['mean_confidence']:.2%}" in aaecli(*loaded, "eval").out
    assert "mean confidence" in Path("exports/README.md").read_text(encoding="utf-8")


def test_a_preset_of_ones_own_by_path(aaecli: Run, plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = plugin.with_name("small.toml")
    printed = aaecli("train", "--preset", path, "--labels", 20, "--print-config")
    assert 'preset = "small"' in printed.out
    Path("full.toml").write_text(printed.out, encoding="utf-8")
    path.unlink()
    assert aaecli("train", "--config", "full.toml", "--print-config").out == printed.out
    monkeypatch.setenv("AAECLI_PRESET", str(path))
    assert "Cannot read" in aaecli("train", "--print-config").err
