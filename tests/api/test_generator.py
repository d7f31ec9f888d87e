"""``Generator``: draws what ``aaecli generate`` draws, and says what it cannot draw."""

from __future__ import annotations

import copy
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aaecli.api.classifier import Classifier
from aaecli.api.generator import Generator
from aaecli.cli import main
from aaecli.errors import AaeError
from tests.serve.pair import shared_pair, write_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory, mnist) -> Path:
    return shared_pair(tmp_path_factory, mnist)


@pytest.fixture(scope="module")
def draw(pair) -> Generator:
    return Generator(pair)


def written(pair: Path, out: Path, *words: str) -> np.ndarray:
    """The single pictures that the command writes, in order."""
    with pytest.raises(SystemExit) as end:
        main(["generate", *words, "--model", str(pair), "--out", f"{out}/", "--quiet"])
    assert not end.value.code
    return np.stack([np.asarray(Image.open(path)) for path in sorted(out.iterdir())])


def test_it_draws_what_the_command_draws(draw, pair, tmp_path) -> None:
    sevens = written(pair, tmp_path / "sevens", "--digit", "7", "--count", "12", "--seed", "3")
    np.testing.assert_array_equal(draw.sample(12, label="7", seed=3), sevens)
    grid = written(pair, tmp_path / "grid", "--count", "3")
    np.testing.assert_array_equal(draw.grid(3).swapaxes(0, 1).reshape(-1, 28, 28), grid)
    walk = written(pair, tmp_path / "walk", "--interpolate", "1", "2", "--frames", "5")
    np.testing.assert_array_equal(draw.interpolate("1", "2", 5), walk)


def test_samples_of_every_class_take_turns(draw) -> None:
    style = draw.styles(20, seed=1)
    expected = draw.draw(label=[*draw.classes, *draw.classes], style=style)
    np.testing.assert_array_equal(draw.sample(20, seed=1), expected)


def test_labels_and_styles_broadcast(draw) -> None:
    style = draw.styles(4)
    assert (style.shape, style.dtype) == ((4, 3), np.float32)
    one_hot = np.eye(10)[[7, 7, 7, 7]]
    for label in ("7", ["7"] * 4, one_hot, one_hot[0], np.array(["7"] * 4), np.array(["7"], object)):
        np.testing.assert_array_equal(draw.draw(label=label, style=style), draw.sample(4, label="7"))
    np.testing.assert_array_equal(draw.draw(label=one_hot, style=style[0])[2], draw.draw(label="7", style=style[0])[0])


def test_what_is_encoded_can_be_drawn_again(draw, pair, mnist) -> None:
    label_prob, style = Classifier(pair).encode(mnist.test_image[:5])
    drawn = draw.draw(label=label_prob, style=style)
    assert (drawn.shape, drawn.dtype) == ((5, 28, 28), np.uint8)
    walk = draw.interpolate((label_prob[0], style[0]), ("3", style[1]), 3)
    assert np.abs(walk[0].astype(int) - drawn[0]).max() <= 1
    np.testing.assert_array_equal(walk[2], draw.draw(label="3", style=style[1])[0])


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda draw: draw.sample(0), ValueError, "count is 1 or more"),
        (lambda draw: draw.sample(2, label="x"), AaeError, "has no class 'x'"),
        (lambda draw: draw.sample(2, label=1), TypeError, "a str, or None; this is of the type int"),
        (lambda draw: draw.draw(label=[1, 2], style=np.zeros(3)), AaeError, "Name classes as text"),
        (lambda draw: draw.draw(style=np.zeros(3)), AaeError, "no label says which"),
        (lambda draw: draw.draw(label="1", style=np.zeros(4)), AaeError, r"The style has the shape \(4,\)"),
        (lambda draw: draw.draw(label=np.ones(3), style=np.zeros(3)), AaeError, r"The label has the shape \(3,\)"),
        (lambda draw: draw.draw(label="1", style=[np.nan, 0, 0]), AaeError, "of finite numbers"),
        (lambda draw: draw.draw(label=["1", "2"], style=np.zeros((3, 3))), AaeError, "2 labels and 3 styles"),
        (lambda draw: draw.interpolate("1", "2", 1), ValueError, "frames is 2 or more"),
        (lambda draw: draw.grid(0), ValueError, "count is 1 or more"),
        (lambda draw: Generator(draw.path, num_threads=0), ValueError, "num_threads"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(draw, call, error, sentence) -> None:
    with pytest.raises(error, match=sentence):
        call(draw)


def test_it_is_pickled_by_path_and_sha256(pair, mnist, tmp_path) -> None:
    shutil.copytree(pair, tmp_path / "pair")
    original = Generator(tmp_path / "pair" / "encoder.onnx")
    assert original.path.name == "decoder.onnx"
    body = pickle.dumps(original)
    for other in (pickle.loads(body), copy.deepcopy(original)):  # noqa: S301 - its own
        np.testing.assert_array_equal(other.sample(2), original.sample(2))
        assert repr(other) == repr(original)
    write_pair(tmp_path / "pair", mnist.train_image[:500], mnist.train_label[:500])
    with pytest.raises(AaeError, match="its sha256 differs"):
        pickle.loads(body)  # noqa: S301
