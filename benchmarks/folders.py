"""How well folders of pictures are learnt from ten labels a class: handwriting in grey, photographs in colour.

``digits`` are scikit-learn's 1,797 handwritten digits of 8 × 8 pixels (python -m pip install scikit-learn), a third of
them for the test. ``tiles`` are squares of 32 × 32 pixels of its two sample photographs, every 16 pixels one; those
that lie in the right third of a photograph are for the test, and none of the others reaches into it. Everything goes
through the commands that a user types:

    python benchmarks/folders.py --seeds 10-14
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path

import measured
import numpy as np
from commands import SEEDS, aaecli, seeds
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

LABELS = 10
"""Labelled pictures of a class; the others are put into ``unlabelled/``."""
SIDE, STRIDE = 32, 16
"""Of the tiles, in pixels."""
OPTIONS = {
    "digits": ("--preset", "default", "--size", 28, "--no-normalise", "--augment", "strokes", "--steps", 800),
    "tiles": ("--preset", "default", "--channels", 3, "--size", SIDE, "--steps", 300),
}


def digits(folder: Path, seed: int) -> None:
    """Write the digits as a sub-folder a class, ``unlabelled/`` and ``test/``."""
    source, given = load_digits(), Counter[str]()
    order = np.random.default_rng(seed).permutation(len(source.images))
    for place, number in enumerate(order.tolist()):
        label = str(source.target[number])
        if place < len(order) // 3:
            target = folder / "test" / label
        else:
            target = folder / (label if given[label] < LABELS else "unlabelled")
            given[label] += 1
        target.mkdir(parents=True, exist_ok=True)
        Image.fromarray((source.images[number] * 15).astype(np.uint8)).save(target / f"{number:04d}.png")


def tiles(folder: Path, seed: int) -> None:
    """Write the tiles in the same way, a photograph a class."""
    rng = np.random.default_rng(seed)
    for image, name in zip(load_sample_images().images, ("temple", "flower"), strict=True):
        height, width = image.shape[:2]
        edge = width * 2 // 3
        corners = [(y, x) for y in range(0, height - SIDE + 1, STRIDE) for x in range(0, width - SIDE + 1, STRIDE)]
        test = [(y, x) for y, x in corners if x >= edge]
        rest = [(y, x) for y, x in corners if x + SIDE <= edge]
        rest = [rest[place] for place in rng.permutation(len(rest))]
        for kind, chosen in ((f"test/{name}", test), (name, rest[:LABELS]), ("unlabelled", rest[LABELS:])):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            for y, x in chosen:
                tile = Image.fromarray(image[y : y + SIDE, x : x + SIDE])
                tile.save(folder / kind / f"{name}-{y:03d}-{x:03d}.png")


WRITERS = {"digits": digits, "tiles": tiles}


def accuracy(kind: str, seed: int, preset: str) -> float:
    """Train on a folder of this kind and give the accuracy on its test pictures."""
    with tempfile.TemporaryDirectory() as place:
        WRITERS[kind](Path(place) / kind, seed)
        options = (*OPTIONS[kind], "--preset", preset)
        aaecli(Path(place), "train", "--data", kind, *options, "--seed", seed, "--quiet", "--no-figures")
        (summary,) = Path(place).glob("runs/*/summary.json")
        return float(json.loads(summary.read_text())["test_accuracy"])


WHAT = {
    "digits": f"scikit-learn's digits as PNG, {LABELS} labels a class: test accuracy",
    "tiles": f"tiles of two photographs in colour, {LABELS} labels a photograph: test accuracy",
}


def main() -> None:
    """Print a line a seed, and write ``results/folders.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=SEEDS, help="such as 10-14 (the default) or 0,3")
    parser.add_argument("--kind", choices=WRITERS, action="append", help="may be given twice [default: both]")
    parser.add_argument("--preset", default="default", help="another one is printed and not written")
    options = parser.parse_args()
    for kind in options.kind or WRITERS:
        found = []
        for seed in options.seeds:
            found.append(100 * accuracy(kind, seed, options.preset))
            print(f"{kind}, seed {seed}: {found[-1]:.2f} %", flush=True)
        figure = measured.Measurement(
            f"folders/{kind}",
            WHAT[kind],
            measured.command(),
            values=tuple(found),
            digits=1,
            seeds=tuple(options.seeds),
            **measured.here(),
        )
        print(f"{kind}: {figure.text}")
        if options.preset == "default":
            measured.write([figure])


if __name__ == "__main__":
    main()
