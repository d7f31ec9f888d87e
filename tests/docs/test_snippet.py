"""The program of docs/deployment.md, run as it stands on pictures as people send them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from tests.data.redraw import REDRAWINGS, encode
from tests.docs.pages import ROOT, blocks

(SNIPPET,) = (block.text for block in blocks("docs/deployment.md") if block.language == "python")
BEYOND_IT = ("in_the_edge_of_a_shadow", "on_a_sheet_on_a_table")
"""What the page says that it lacks: uneven light, and paper that is not all of the picture."""


@pytest.fixture(scope="module")
def prepare():
    """Its function, without the lines that read a file named on the command line."""
    names: dict[str, object] = {}
    environment = dict(os.environ)
    exec(SNIPPET.split("encoder = ")[0], names)  # noqa: S102
    os.environ.clear()
    os.environ.update(environment)
    return names["prepare"]


def test_it_is_short():
    assert len([line for line in SNIPPET.splitlines() if line]) <= 30
    assert "aaecli" not in SNIPPET.replace("aaecli.classes", "")


def test_it_runs_as_it_stands_and_leaves_nothing_behind(mnist, tmp_path):
    shutil.copytree(ROOT / "exports" / "pretrained", tmp_path / "exports")
    (tmp_path / "snippet.py").write_text(SNIPPET)
    # Four sizes and both polarities.
    for number, pixels in enumerate(
        (mnist.test_image[0], 255 - np.kron(mnist.test_image[0], np.ones((9, 9), np.uint8)))
    ):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "snippet.py", f"{number}.png"],
            cwd=tmp_path, capture_output=True, text=True, check=True,
            env={**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home)},
        )  # fmt: skip
        label, probability = done.stdout.split()
        assert label == "7"
        assert float(probability) > 0.9
        assert list(home.iterdir()) == []
    Image.new("L", (40, 40), 255).save(tmp_path / "blank.png")
    blank = subprocess.run(
        [sys.executable, "snippet.py", "blank.png"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert blank.returncode == 1
    assert "no strokes found" in blank.stderr


@pytest.mark.parametrize(
    "redraw",
    [redraw for redraw in REDRAWINGS if redraw.__name__ not in BEYOND_IT],
    ids=lambda redraw: redraw.__name__,
)
def test_it_reads_most_pictures(prepare, mnist, tmp_path, redraw):
    session = onnxruntime.InferenceSession(
        ROOT / "exports" / "pretrained" / "encoder.onnx", providers=["CPUExecutionProvider"]
    )
    rng, path, right = np.random.default_rng(7), tmp_path / "picture", 0
    for digit, label in zip(mnist.test_image[:10], mnist.test_label[:10], strict=True):
        path.write_bytes(redraw(digit, rng))
        image = prepare(path)
        assert image.shape == (1, 1, 28, 28)
        assert image.dtype == np.float32
        assert 0 <= image.min() <= image.max() <= 1
        right += int(session.run(["label_prob"], {"image": image})[0].argmax()) == label
    assert right >= 8


def test_a_digit_at_any_place_and_of_any_size_becomes_nearly_the_same_image(prepare, mnist, tmp_path):
    small = np.zeros((90, 120))
    small[10:66, 50:106] = np.kron(mnist.test_image[3], np.ones((2, 2)))
    images = []
    for number, pixels in enumerate((mnist.test_image[3], small, 255 - small)):
        path = tmp_path / f"{number}.png"
        path.write_bytes(encode(pixels))
        images.append(prepare(path))
    assert abs(images[1] - images[2]).max() < 0.02
    assert abs(images[0] - images[1]).mean() < 0.05
