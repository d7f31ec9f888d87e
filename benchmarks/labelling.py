"""What asking for the right labels is worth: 100 chosen by ``aaecli label`` against 100 drawn by lot.

The pictures are scikit-learn's 1,797 handwritten digits (python -m pip install scikit-learn), a third of them for the
test. Everything goes through the commands that a user types; the true labels answer. A pair of trainings for each seed:

    python benchmarks/labelling.py --seeds 10-14
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from pathlib import Path

import measured
import numpy as np
from commands import SEEDS, aaecli, seeds
from PIL import Image
from sklearn.datasets import load_digits

ROUNDS = (20, 40, 40)
"""How many labels are asked for before each training."""
SETTINGS = """
[network]
encoder = "mlp"
discriminator_hidden = [32]

[network.encoder_options]
hidden = [128, 128]
batch_norm = true
"""
"""1,200 pictures of 8 × 8 pixels need no more, and it takes seconds."""


def write(folder: Path, seed: int) -> dict[str, str]:
    """Write the digits as a flat folder with a test/, and give the label of each picture that is not in it."""
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.images))
    truth = {}
    for place, number in enumerate(order.tolist()):
        label, name = str(digits.target[number]), f"{number:04d}.png"
        target = folder / "test" / label / name if place < len(order) // 3 else folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(digits.images[number] * (255 / 16)).astype(np.uint8)).save(target)
        if target.parent == folder:
            truth[name] = label
    return truth


def train(folder: Path, seed: int, steps: int) -> float:
    """Train with the labels that there are and give the accuracy on the test pictures."""
    (folder / "small.toml").write_text(SETTINGS)
    options = ("--no-normalise", "--augment", "strokes", "--config", "small.toml")
    aaecli(folder, "train", "--data", "digits", *options, "--seed", seed, "--steps", steps, "--quiet")
    newest = max((folder / "runs").iterdir(), key=lambda run: run.name)
    return float(json.loads((newest / "summary.json").read_text())["test_accuracy"])


def asked(folder: Path, truth: dict[str, str], seed: int, steps: int) -> float:
    """Label what ``aaecli label`` asks for, in rounds with a training between them."""
    accuracy = 0.0
    for number, count in enumerate(ROUNDS):
        sheet = f"ask{number}.csv"
        options = ("--no-normalise", "--classes", ",".join(sorted(set(truth.values()))), "--seed", seed)
        aaecli(folder, "label", "digits", *options, "--count", count, "--out", sheet)
        with (folder / sheet).open(newline="") as file:
            rows = list(csv.DictReader(file))
        filled = f"answers{number}.csv"
        with (folder / filled).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([("path", "label"), *((row["path"], truth[row["path"]]) for row in rows)])
        aaecli(folder, "label", "digits", *options, "--answers", filled)
        accuracy = train(folder, seed, steps)
    return accuracy


def drawn(folder: Path, truth: dict[str, str], seed: int, steps: int) -> float:
    """Label as many pictures drawn by lot."""
    picks = np.random.default_rng(100 + seed).permutation(sorted(truth))[: sum(ROUNDS)].tolist()
    with (folder / "digits" / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *((name, truth[name]) for name in picks)])
    return train(folder, seed, steps)


def main() -> None:
    """Print a line a seed, and write ``results/labelling.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=SEEDS, help="such as 10-14 (the default) or 0,3")
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    pairs = []
    for seed in options.seeds:
        pair = []
        for way in (asked, drawn):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                truth = write(folder / "digits", seed)
                pair.append(100 * way(folder, truth, seed, options.steps))
        pairs.append(pair)
        print(f"seed {seed}: asked for {pair[0]:.2f} %, drawn by lot {pair[1]:.2f} %", flush=True)
    same = {"command": measured.command(), "digits": 1, "seeds": tuple(options.seeds), **measured.here()}
    chosen, lot = zip(*pairs, strict=True)
    what = f"test accuracy from {sum(ROUNDS)} of scikit-learn's digits labelled"
    better = sum(one > other for one, other in pairs)
    measured.write(
        [
            measured.Measurement("labelling/asked", f"{what} as `aaecli label` asks", values=chosen, **same),
            measured.Measurement("labelling/drawn", f"{what} that are drawn by lot", values=lot, **same),
            measured.Measurement(
                "labelling/better", "seeds in which asking was better", stated=f"{better} of {len(pairs)}", **same
            ),
        ]
    )


if __name__ == "__main__":
    main()
