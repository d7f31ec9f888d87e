"""The tasks of the suite: each gives training pictures, test pictures and their labels, made by a program.

A task is a function in ``TASKS``. It draws with a generator of its own, so that it gives the same pictures on every
machine that has the same packages. No picture of the test set shares its source (font, theme, part of a photograph)
with a training picture where the sources are many enough to keep some apart.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import render
import sources
from numpy.typing import NDArray
from render import Scene

from aaecli.data.loading import load_dataset


@dataclass(frozen=True)
class Task:
    """Pictures to learn from and pictures to be judged by.

    Attributes:
        image: uint8 (N, H, W) or (N, H, W, 3), the training pool.
        label: int64 (N,), of which a run sees a few.
        test_image: uint8 (M, H, W[, 3]).
        test_label: int64 (M,).
        classes: Their names.
        hint: In words, what makes it hard.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.int64]
    test_image: NDArray[np.uint8]
    test_label: NDArray[np.int64]
    classes: tuple[str, ...]
    hint: str


def fashion(rng: np.random.Generator) -> Task:
    """Fashion-MNIST: 28 × 28, grey, ten kinds of clothing; 60,000 and 10,000 pictures."""
    data = load_dataset(str(sources.fashion()))
    names = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
    return Task(
        data.train_image,
        data.train_label,
        data.test_image,
        data.test_label,
        names,
        "grey photographs of things; shirts, pullovers and coats look alike",
    )


def street_digits(rng: np.random.Generator) -> Task:
    """Digits of many fonts on photographs, with neighbours at the edge, like street numbers; 32 × 32 × 3."""
    names = tuple(string.digits)
    return _drawn(
        rng,
        names,
        6000,
        2000,
        Scene(32, photo=True, neighbours=True),
        render.glyph,
        "any colour on any ground, cut-off neighbours",
    )


def icons(rng: np.random.Generator) -> Task:
    """Thirteen kinds of icon of ten themes on grounds of any colour, 32 × 32 × 3."""
    return _icons(rng, Scene(32, photo=False, neighbours=False), 6000, 1950)


def icons_large(rng: np.random.Generator) -> Task:
    """The same kinds of icon, small in a picture of 64 × 64 × 3 and half of them on photographs."""
    return _icons(rng, Scene(64, photo=True, neighbours=False, fill=(0.4, 0.8)), 4000, 1300)


_ICONS = {
    "printer": "printer",
    "camera": "camera",
    "computer": "computer",
    "speaker": "audio-volume-high",
    "battery": "battery",
    "lock": "system-lock-screen",
    "calculator": "accessories-calculator",
    "disc": "media-optical",
    "terminal": "utilities-terminal",
    "keyboard": "input-keyboard",
    "mouse": "input-mouse",
    "folder": "folder",
    "bin": "user-trash",
}


def _icons(rng: np.random.Generator, scene: Scene, num: int, num_test: int) -> Task:
    """Two of the themes that show a kind of thing, drawn for each kind, are kept for the test alone in half of it."""
    pools: list[tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]] = []
    for name in _ICONS.values():
        found = [picture for _, picture in sorted(sources.icons(name).items())]
        rng.shuffle(found)  # type: ignore[arg-type]
        pools.append((found[2:], found[:2]))
    label, test_label = _even(rng, num, len(pools)), _even(rng, num_test, len(pools))

    def draw(kind: int, *, test: bool) -> NDArray[np.uint8]:
        seen, unseen = pools[kind]
        source = unseen if test and rng.random() < 0.25 else seen
        return render.place(source[rng.integers(len(source))], scene, rng)

    return Task(
        np.stack([draw(kind, test=False) for kind in label.tolist()]),
        label,
        np.stack([draw(kind, test=True) for kind in test_label.tolist()]),
        test_label,
        tuple(_ICONS),
        "a thing is drawn in many ways and colours, and the ground says nothing",
    )


def textures(rng: np.random.Generator) -> Task:
    """Eight kinds of texture in any two colours, 32 × 32 × 3: what counts is everywhere and nowhere."""
    names = ("stripes", "checks", "dots", "noise", "waves", "bricks", "rings", "weave")
    label, test_label = _even(rng, 4000, len(names)), _even(rng, 1600, len(names))
    image, test = (
        np.stack([render.texture(names[kind], 32, rng) for kind in part.tolist()]) for part in (label, test_label)
    )
    return Task(image, label, test, test_label, names, "no outline: only the pattern tells")


_HUES = {"red": 0.0, "yellow": 0.15, "green": 0.33}


def fruit(rng: np.random.Generator) -> Task:
    """Three kinds of fruit in three colours each, on grounds of any colour and photographs, 32 × 32 × 3."""
    kinds = [(shape, colour) for shape in ("round", "cone", "long") for colour in _HUES]
    scene = Scene(32, photo=True, neighbours=False, fill=(0.55, 0.85))
    label, test_label = _even(rng, 4000, len(kinds)), _even(rng, 1800, len(kinds))

    def draw(kind: int) -> NDArray[np.uint8]:
        shape, colour = kinds[kind]
        return render.fruit(shape, _HUES[colour], scene, rng)

    return Task(
        np.stack([draw(kind) for kind in label.tolist()]),
        label,
        np.stack([draw(kind) for kind in test_label.tolist()]),
        test_label,
        tuple("-".join(kind) for kind in kinds),
        "colour tells the class, and the ground's colour says nothing",
    )


def small_digits(rng: np.random.Generator) -> Task:
    """scikit-learn's 1,797 handwritten digits of 8 × 8, grey, a third of them for the test."""
    from sklearn.datasets import load_digits

    data = load_digits()
    image, label = (data.images * 15).astype(np.uint8), data.target.astype(np.int64)
    order = rng.permutation(len(label))
    test, train = order[: len(label) // 3], order[len(label) // 3 :]
    return Task(image[train], label[train], image[test], label[test], tuple(string.digits), "few pictures, few pixels")


def glyphs(rng: np.random.Generator) -> Task:
    """Figures and capital letters of many fonts, 36 classes, grey on plain grounds, 28 × 28."""
    names = tuple(string.digits + string.ascii_uppercase)
    scene = Scene(28, photo=False, neighbours=False, grey=True)
    return _drawn(rng, names, 7200, 2880, scene, render.glyph, "many classes, light on dark and dark on light")


def long_tailed(rng: np.random.Generator) -> Task:
    """MNIST where each digit is two thirds as frequent as the one before: zeros 38 times as often as nines."""
    data = load_dataset()
    shares = (2 / 3) ** np.arange(10)
    counts = (5000 * shares).astype(int)
    kept = [rng.permutation(np.flatnonzero(data.train_label == kind))[:count] for kind, count in enumerate(counts)]
    chosen = rng.permutation(np.concatenate(kept))
    return Task(
        data.train_image[chosen],
        data.train_label[chosen],
        data.test_image,
        data.test_label,
        tuple(string.digits),
        "frequent classes swallow rare ones; the test is even",
    )


def _drawn(
    rng: np.random.Generator,
    names: tuple[str, ...],
    num: int,
    num_test: int,
    scene: Scene,
    draw: Callable[..., NDArray[np.uint8]],
    hint: str,
) -> Task:
    """Draw letters in fonts; a fifth of the fonts are kept for the test alone."""
    fonts = sources.fonts()
    rng.shuffle(fonts)  # type: ignore[arg-type]
    unseen, seen = fonts[: len(fonts) // 5], fonts[len(fonts) // 5 :]
    label, test_label = _even(rng, num, len(names)), _even(rng, num_test, len(names))

    def picture(kind: int, choice: list) -> NDArray[np.uint8]:
        return draw(names[kind], choice[rng.integers(len(choice))], scene, rng)

    return Task(
        np.stack([picture(kind, seen) for kind in label.tolist()]),
        label,
        np.stack([picture(kind, unseen if rng.random() < 0.25 else seen) for kind in test_label.tolist()]),
        test_label,
        names,
        hint,
    )


def _even(rng: np.random.Generator, count: int, num_classes: int) -> NDArray[np.int64]:
    return rng.permutation(np.arange(count, dtype=np.int64) % num_classes)


TASKS: dict[str, Callable[[np.random.Generator], Task]] = {
    "fashion": fashion,
    "street-digits": street_digits,
    "icons": icons,
    "icons-64": icons_large,
    "textures": textures,
    "fruit": fruit,
    "digits-8": small_digits,
    "glyphs": glyphs,
    "long-tailed": long_tailed,
}


def make(name: str) -> Task:
    """Make a task: the same pictures at every call."""
    seed = int.from_bytes(name.encode(), "little") % 2**63
    return TASKS[name](np.random.default_rng(seed))
