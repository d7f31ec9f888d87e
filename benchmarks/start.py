"""Few labels of somebody's own digits: from scratch, from the released model, and from it with MNIST beside them.

Each draw labels a few pictures of each class of a folder, and learns from all others without their labels. It is
evaluated on those others, and on MNIST's test images. Seconds are those of the whole command. The folder holds a
sub-folder for each digit; none comes with this repository:

    python benchmarks/start.py FOLDER --draws 10 --labels 5
    python benchmarks/start.py FOLDER --draws 3 --labels 5 --times      # while the machine does nothing else
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from pathlib import Path

import measured
import numpy as np
from commands import aaecli

from aaecli.checkpoint.file import Checkpoint, load_model
from aaecli.data.loading import load_dataset
from aaecli.evaluation.predict import predict_stored

WAYS: dict[str, tuple[str, ...]] = {
    "scratch": (),
    "start": ("--start", "released"),
    "start with mnist": ("--start", "released", "--with", "mnist"),
}
FIRST_SEED = 10
_COMMAND = "python benchmarks/start.py FOLDER --draws {draws} --labels {labels}{times}"


def share_right(model: Checkpoint, image: np.ndarray, label: np.ndarray) -> float:
    """Give the percentage of images that are classified as their labels say."""
    label_prob = np.asarray(predict_stored(model, image, label).label_prob)
    return float(100 * (label_prob.argmax(1) == label).mean())


def draw(folder: Path, options: tuple[str, ...], num_labels: int, seed: int) -> dict[str, float]:
    """Train once; gives the accuracy on the pictures without a label, that on MNIST, and the seconds."""
    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        words = ["--data", folder.resolve(), "--labels", num_labels, "--holdout", 0, "--seed", seed, *options]
        summary = json.loads(aaecli(Path(place), "train", *words, "--no-figures", "--quiet", "--json"))
        seconds = time.perf_counter() - start
        run = Path(place) / summary["run"]
        model = load_model(run / "model.pt")
        with (run / "labels.csv").open(encoding="utf-8", newline="") as file:
            drawn = {row["path"] for row in csv.DictReader(file)}
    own = load_dataset(folder, model.config.image)
    others = np.flatnonzero([name not in drawn for name in own.train_name])
    label = np.array([model.classes.index(own.classes[index]) for index in own.train_label[others]])
    found = {"accuracy": share_right(model, own.train_image[others], label), "seconds": seconds}
    mnist = load_dataset()
    if model.image_shape == mnist.image_shape and set(mnist.classes) <= set(model.classes):
        label = np.array([model.classes.index(mnist.classes[index]) for index in mnist.test_label])
        found["mnist"] = share_right(model, mnist.test_image, label)
    return found


def main() -> None:
    """Measure, and write ``results/start.json`` after each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--labels", type=int, default=5, help="of each class")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--times", action="store_true", help="write the seconds alone: for an idle machine")
    parser.add_argument("--dry", action="store_true", help="write no results")
    options = parser.parse_args()
    num_classes = len(load_dataset(options.folder).classes)
    seeds = tuple(range(FIRST_SEED, FIRST_SEED + options.draws))
    for way in options.ways:
        rows = []
        for seed in seeds:
            rows.append(draw(options.folder, WAYS[way], options.labels * num_classes, seed))
            print(way, seed, " ".join(f"{name} {value:.2f}" for name, value in rows[-1].items()), flush=True)
        what = {
            "accuracy": ("the pictures without a label", "%"),
            "seconds": ("seconds of the command", "s"),
            "mnist": ("MNIST's test images afterwards", "%"),
        }
        entries = [
            measured.Measurement(
                f"start/{way} {name}",
                f"{options.labels} labels a class of strangers' digits, {way}: {text}",
                _COMMAND.format(draws=options.draws, labels=options.labels, times=" --times" * options.times),
                tuple(row[name] for row in rows),
                unit,
                digits=2 if unit == "%" else 0,
                seeds=seeds,
                **measured.here(),
            )
            for name, (text, unit) in what.items()
            if all(name in row for row in rows) and (name == "seconds") == options.times
        ]
        if not options.dry:
            measured.write(entries)


if __name__ == "__main__":
    main()
