"""`aaecli generate` as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.redraw import dark_on_white
from tests.serve.pair import STYLE_DIM, shared_pair, write_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory, mnist):
    return shared_pair(tmp_path_factory, mnist)


@pytest.fixture
def generate(aaecli, pair, in_empty_folder, monkeypatch):
    monkeypatch.setenv("AAECLI_MODEL", str(pair))
    return lambda *words: aaecli("generate", *words)


def size(path):
    with Image.open(path) as image:
        return image.size


def test_grid_without_arguments(generate, in_empty_folder):
    outcome = generate()
    assert (outcome.code, outcome.out) == (0, "generated.png\n")
    assert size("generated.png") == (4 * 298, 4 * 298)


def test_same_seed_same_bytes(generate, in_empty_folder):
    for name, seed in (("a.png", 1), ("b.png", 1), ("c.png", 2)):
        assert generate("--seed", seed, "--out", name).code == 0
    first, again, other = ((in_empty_folder / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert first == again != other


def test_one_digit_as_a_folder_of_pictures(generate, in_empty_folder):
    outcome = generate("--digit", 7, "--count", 12, "--out", "sevens/", "--json")
    assert json.loads(outcome.out) == {"out": "sevens/", "num_images": 12, "classes": ["7"], "seed": 0}
    assert len(list((in_empty_folder / "sevens").iterdir())) == 12


def test_class_and_label_are_other_words_for_digit(generate, in_empty_folder):
    drawn = set()
    for word in ("--digit", "--class", "--label"):
        assert generate(word, 7, "--out", f"{word[2:]}.png").code == 0
        drawn.add((in_empty_folder / f"{word[2:]}.png").read_bytes())
    assert len(drawn) == 1


def test_style_of_a_picture(generate, in_empty_folder, mnist):
    (in_empty_folder / "me.png").write_bytes(dark_on_white(mnist.test_image[0], np.random.default_rng(0)))
    assert generate("--style-from", "me.png", "--out", "mine.png").code == 0
    assert size("mine.png") == (4 * 298, 4 * 28)


@pytest.mark.parametrize("ends", [("me.png", "you.png"), (1, 2), ("me.png", 5), (7, "you.png")])
def test_walk_between_two(generate, in_empty_folder, mnist, ends):
    for name, number in (("me.png", 0), ("you.png", 1)):
        Image.fromarray(mnist.test_image[number]).save(in_empty_folder / name)
    assert generate("--interpolate", *ends, "--out", "walk.gif", "--frames", 6).code == 0
    with Image.open("walk.gif") as animation:
        assert (animation.size, animation.n_frames) == ((4 * 28, 4 * 28), 10)


def test_a_walk_between_classes_ends_at_them(generate, in_empty_folder):
    assert generate("--interpolate", 1, 2, "--seed", 3, "--frames", 5, "--out", "walk/").code == 0
    frames = sorted(Path("walk").iterdir())
    for frame, name in ((frames[0], 1), (frames[-1], 2)):
        assert generate("--digit", name, "--count", 1, "--seed", 3, "--out", f"{name}/").code == 0
        drawn = np.asarray(Image.open(frame), int)
        assert abs(drawn - np.asarray(Image.open(f"{name}/{name}-00000.png"))).max() <= 1


def test_a_walk_between_seeds_draws_every_class(generate, in_empty_folder):
    outcome = generate("--seeds", 1, 2, "--frames", 3, "--out", "walk.png", "--json")
    assert json.loads(outcome.out)["num_images"] == 30
    assert size("walk.png") == (4 * 298, 4 * 88)
    assert generate("--seeds", 1, 2, "--digit", 7, "--out", "sevens.gif").code == 0
    with Image.open("sevens.gif") as animation:
        assert (animation.size, animation.n_frames) == ((112, 112), 46)


def test_ends_of_a_walk_that_are_none_are_told_apart(generate, in_empty_folder):
    outcome = generate("--interpolate", 11, 12)
    assert outcome.code == 1
    assert "11 is neither" in outcome.err
    assert "`aaecli generate --seeds 11 12`" in outcome.err
    assert "Check the spelling" in generate("--interpolate", "absent.png", 2).err


@pytest.mark.parametrize(
    "words",
    [
        ("--interpolate", 1, 2, "--count", 3),
        ("--vary", "--count", 3),
        ("--seeds", 1, 2, "--seed", 3),
        ("--seeds", 1, 2, "--style-from", "me.png"),
        ("--style-from", "me.png", "--seed", 3),
        ("--frames", 3),
        ("--vary", "--seeds", 1, 2),
    ],
)
def test_what_changes_nothing_is_refused(generate, in_empty_folder, words):
    outcome = generate(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert not list(in_empty_folder.iterdir())


def test_no_file_is_lost(generate, in_empty_folder, mnist):
    Path("mine.png").write_bytes(b"mine")
    for more in (("--out", "mine.png"), ("--digit", 7, "--out", "mine.png")):
        outcome = generate(*more)
        assert outcome.code == 1
        assert "There is a file mine.png already" in outcome.err
    assert Path("mine.png").read_bytes() == b"mine"
    assert generate("--out", "mine.png", "--force").code == 0
    # The default name is replaced as long as it holds a drawing of aaecli.
    assert [generate().code for _ in range(2)] == [0, 0]
    Path("generated.png").write_bytes(b"mine")
    assert generate().code == 1

    Image.fromarray(mnist.test_image[0]).save("me.png")
    before = Path("me.png").read_bytes()
    outcome = generate("--style-from", "me.png", "--out", "me.png", "--force")
    assert outcome.code == 1
    assert "is read by this very command" in outcome.err
    assert Path("me.png").read_bytes() == before


def test_no_file_in_a_folder_is_lost(generate, in_empty_folder):
    Path("sevens").mkdir()
    Path("sevens/7-00001.png").write_bytes(b"mine")
    words = ("--digit", 7, "--count", 3, "--out", "sevens")
    outcome = generate(*words)
    assert outcome.code == 1
    assert "7-00001.png already" in outcome.err
    assert [path.read_bytes() for path in Path("sevens").iterdir()] == [b"mine"], "all or none"
    assert [generate(*words, "--force").code, generate(*words).code] == [0, 0]
    assert len(list(Path("sevens").iterdir())) == 3


def test_vary_shows_a_dimension_a_row(generate, in_empty_folder):
    assert generate("--vary", "--digit", 3, "--frames", 5, "--out", "vary.png").code == 0
    assert size("vary.png") == (4 * (5 * 30 - 2) + 28, 4 * (STYLE_DIM * 30 - 2) + 18)
    outcome = generate("--vary")
    assert "Generated as 0: --digit names another class." in outcome.err


def test_stdout_gets_the_bytes_of_the_png(pair, in_empty_folder):
    command = [sys.executable, "-m", "aaecli", "generate", "--quiet", "--model", str(pair), "--out"]
    piped = subprocess.run([*command, "-"], capture_output=True, check=True, timeout=300)
    subprocess.run([*command, "digits.png"], capture_output=True, check=True, timeout=300)
    assert piped.stdout == (in_empty_folder / "digits.png").read_bytes()
    assert piped.stderr == b""


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--digit", "seven"), 1, "no class 'seven'"),
        (("--out", "digits.tiff"), 1, "only .png and .gif"),
        (("--interpolate", "1", "2", "--vary"), 2, "--interpolate"),
        (("--interpolate", "1", "2", "--digit", "3"), 1, "Leave out --digit"),
        (("--style-from", "missing.png"), 1, "Cannot read missing.png"),
        (("--count", "0"), 2, "--count"),
    ],
)
def test_what_cannot_be_drawn_is_said(generate, in_empty_folder, words, code, message):
    outcome = generate(*words)
    assert (outcome.code, outcome.out) == (code, "")
    assert message in outcome.err
    assert not list(in_empty_folder.iterdir())


def test_baseline_draws_nothing_and_says_why(generate, mnist, tmp_path):
    path = write_pair(tmp_path / "plain", mnist.train_image[:1500], mnist.train_label[:1500], baseline=True)
    for model in (path, path.parent):
        outcome = generate("--model", model)
        assert (outcome.code, outcome.out) == (1, "")
        assert "decoder" in outcome.err
