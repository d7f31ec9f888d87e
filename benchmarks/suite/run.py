"""What a few labels a class are worth on pictures unlike MNIST's: the anchors, and whatever ``aaecli train`` is told.

    python -m pip install scikit-learn scikit-image
    python benchmarks/suite/run.py --labels 10 --draws 3
    python benchmarks/suite/run.py --task icons --train "--preset best --channels 3 --size 32 --no-normalise"

Writes ``results.json`` beside this file: a record for each task, method and draw of labels. What is there already is
not measured again. Test pictures are answered once, by the finished model.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anchors
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tasks import TASKS, Task, make

RESULTS = Path(__file__).parent / "results.json"
_MOST = 6000
"""Training pictures that an anchor without a network sees: label spreading keeps all of them in memory."""


def draw(task: Task, per_class: int, seed: int) -> NDArray[np.int64]:
    """Draw which training pictures are labelled: so many of each class, or all of a class that has fewer."""
    rng = np.random.default_rng(seed)
    kinds = range(len(task.classes))
    return np.concatenate([rng.permutation(np.flatnonzero(task.label == kind))[:per_class] for kind in kinds])


def write_folder(task: Task, labelled: NDArray[np.int64], folder: Path) -> None:
    """Write a task as a folder that ``aaecli train --data`` reads: a folder a class, ``unlabelled`` and ``test``."""
    known = set(labelled.tolist())
    for number, (image, label) in enumerate(zip(task.image, task.label.tolist(), strict=True)):
        _save(image, folder / (task.classes[label] if number in known else "unlabelled") / f"{number:05d}.png")
    for number, (image, label) in enumerate(zip(task.test_image, task.test_label.tolist(), strict=True)):
        _save(image, folder / "test" / task.classes[label] / f"{number:05d}.png")


def _save(image: NDArray[np.uint8], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def measure_anchors(
    task: Task, labelled: NDArray[np.int64], features: dict[str, NDArray[np.float64]]
) -> dict[str, float]:
    """Give the accuracy in [0, 1] of each anchor."""
    rest = np.setdiff1d(np.arange(len(features["train"])), labelled)[:_MOST]
    known, label, test = features["train"][labelled], task.label[labelled], features["test"]
    answers = {
        "HOG + SVM": anchors.svm(known, label, test),
        "HOG + LabelSpreading": anchors.label_spreading(known, label, features["train"][rest], test),
    }
    return {name: float((answer == task.test_label).mean()) for name, answer in answers.items()}


def train(task: Task, labelled: NDArray[np.int64], seed: int, flags: str) -> dict[str, float]:
    """Train with the command line on the task as a folder of pictures; give test accuracy and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        write_folder(task, labelled, Path(folder, "data"))
        command = [
            sys.executable,
            "-m",
            "aaecli",
            "train",
            "--data",
            "data",
            "--seed",
            str(seed),
            "--json",
            "--no-figures",
        ]
        done = subprocess.run([*command, *shlex.split(flags)], cwd=folder, check=True, capture_output=True, text=True)
    summary = json.loads(done.stdout)
    return {"accuracy": summary["test_accuracy"], "seconds": round(summary["seconds"], 1)}


def main() -> None:
    """Measure what is missing, and print a line a record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", action="append", choices=TASKS, help="one of them, again and again; all by default")
    parser.add_argument("--labels", type=int, default=10, help="labelled pictures of each class")
    parser.add_argument("--draws", type=int, default=3, help="draws of the labels, numbered from 0")
    parser.add_argument(
        "--train", metavar="FLAGS", help="train with these flags of aaecli train in place of the anchors"
    )
    options = parser.parse_args()
    records = json.loads(RESULTS.read_text()) if RESULTS.is_file() else []
    known = {(r["task"], r["method"], r["labels"], r["draw"]) for r in records}

    def record(name: str, method: str, number: int, **values: float) -> None:
        entry = {"task": name, "method": method, "labels": options.labels, "draw": number, **values}
        print(json.dumps(entry), flush=True)
        records.append(entry)
        RESULTS.write_text("[\n" + ",\n".join(json.dumps(one) for one in records) + "\n]\n")

    for name in options.task or TASKS:
        methods = [f"aaecli train {options.train}"] if options.train else ["HOG + SVM", "HOG + LabelSpreading"]
        wanted = [n for n in range(options.draws) if any((name, m, options.labels, n) not in known for m in methods)]
        if not wanted:
            continue
        task = make(name)
        features = {}
        if not options.train:
            features = {"train": anchors.features(task.image), "test": anchors.features(task.test_image)}
        for number in wanted:
            labelled = draw(task, options.labels, number)
            if options.train:
                record(name, methods[0], number, **train(task, labelled, number, options.train))
                continue
            began = time.monotonic()
            for method, accuracy in measure_anchors(task, labelled, features).items():
                record(name, method, number, accuracy=accuracy, seconds=round(time.monotonic() - began, 1))


if __name__ == "__main__":
    main()
