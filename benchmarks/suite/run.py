"""What a few labels are worth on pictures unlike MNIST's: anchors, and ``aaecli train`` whole and without parts.

    python -m pip install scikit-learn scikit-image
    python benchmarks/suite/run.py                                   # every task, every method, draws 20 to 22
    python benchmarks/suite/run.py --task icons --method auto --draws 20-20
    python benchmarks/suite/run.py --ablation                        # also without each part, on three tasks
    python benchmarks/suite/run.py --task icons --labels 1 --labels 100

Writes ``results.json`` beside this file: a record for each task, method, number of labels and draw. What is there
already is not measured again. Test pictures are answered once, by the finished model. Settings were chosen on pictures
without a label, by draws 0 to 9.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anchors
import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image
from tasks import TASKS, Task, make

from aaecli.cli.benchmark import parse_seeds

RESULTS = Path(__file__).parent / "results.json"
HERE = Path(__file__).parent
ANCHORS = ("HOG + SVM", "HOG + LabelSpreading")
"""Methods without a network."""
WITHOUT = {
    f"without {part}": ["--config", str(HERE / f"without_{part.replace(' ', '_').replace('-', '_')}.toml")]
    for part in ("autoencoder", "checks", "propagation", "pseudo-labels")
}
TRAININGS: dict[str, list[str]] = {
    "supervised": ["--model", "baseline"],
    "FixMatch": ["--config", str(HERE / "fixmatch.toml")],
    "auto": [],
    "best": ["--preset", "best"],
    **WITHOUT,
}
"""Flags of ``aaecli train`` beside the folder. Encoder, augmentation and schedule are the same in all."""
EQUAL_TIME = {"icons-64": 1310}
"""Steps of FixMatch in which it takes as long as ``auto``, where these are not the file's."""
ABLATED = ("icons", "street-digits", "glyphs")
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
    task: Task, labelled: NDArray[np.int64], features: dict[str, NDArray[np.float64]], wanted: set[str]
) -> dict[str, dict[str, float]]:
    """Give the accuracy in [0, 1] and the seconds of each anchor without a network."""
    rest = np.setdiff1d(np.arange(len(features["train"])), labelled)[:_MOST]
    known, label, test = features["train"][labelled], task.label[labelled], features["test"]
    ways: dict[str, Callable[[], NDArray[np.int64]]] = {
        "HOG + SVM": lambda: anchors.svm(known, label, test),
        "HOG + LabelSpreading": lambda: anchors.label_spreading(known, label, features["train"][rest], test),
    }
    found = {}
    for name in wanted & set(ways):
        began = time.monotonic()
        answer = ways[name]()
        seconds = round(time.monotonic() - began, 1)
        found[name] = {"accuracy": float((answer == task.test_label).mean()), "seconds": seconds}
    return found


def train(task: Task, labelled: NDArray[np.int64], seed: int, flags: list[str], kept: Path | None) -> dict[str, float]:
    """Train with the command line on the task as a folder of pictures; give test accuracy and seconds.

    The model is copied to ``kept``.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_folder(task, labelled, Path(folder, "data"))
        command = [sys.executable, "-m", "aaecli", "train", "--data", "data", "--seed", str(seed)]
        command += ["--json", "--no-figures", *flags]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        summary = json.loads(done.stdout)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(folder, summary["model_path"]), kept)
    return {"accuracy": summary["test_accuracy"], "seconds": round(summary["seconds"], 1)}


def main() -> None:
    """Measure what is missing, and print a line a record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", action="append", choices=TASKS, help="one of them, again and again; all by default")
    parser.add_argument("--method", action="append", choices=[*ANCHORS, *TRAININGS], help="likewise")
    parser.add_argument("--ablation", action="store_true", help=f"the methods without a part, on {', '.join(ABLATED)}")
    parser.add_argument("--labels", type=int, action="append", help="labelled pictures of each class; 10 by default")
    parser.add_argument("--draws", type=parse_seeds, default=(20, 21, 22), help="numbers of the label draws: 20-22")
    parser.add_argument("--threads", type=int, help="as for aaecli train")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the models, as TASK-METHOD-LABELS-DRAW.pt")
    options = parser.parse_args()
    methods = options.method or (list(WITHOUT) if options.ablation else [*ANCHORS, "supervised", "FixMatch", "auto"])
    threads = ["--threads", str(options.threads)] if options.threads else []

    for name in options.task or (ABLATED if options.ablation else TASKS):
        task, features = None, {}
        for labels, number in itertools.product(options.labels or [10], options.draws):
            known = {(r["task"], r["method"], r["labels"], r["draw"]) for r in records()}
            wanted = [method for method in methods if (name, method, labels, number) not in known]
            if not wanted:
                continue
            task = task or make(name)
            labelled = draw(task, labels, number)
            if not features and set(wanted) & set(ANCHORS):
                features = {"train": anchors.features(task.image), "test": anchors.features(task.test_image)}
            found = measure_anchors(task, labelled, features, set(wanted)) if features else {}
            for method in wanted:
                values = found.get(method)
                if values is None:
                    kept = options.keep and options.keep / f"{name}-{method}-{labels}-{number}.pt"
                    steps = ["--steps", str(EQUAL_TIME[name])] if method == "FixMatch" and name in EQUAL_TIME else []
                    values = train(task, labelled, number, [*TRAININGS[method], *steps, *threads], kept)
                add({"task": name, "method": method, "labels": labels, "draw": number} | values)


def records() -> list[dict[str, Any]]:
    """Read what has been measured."""
    return json.loads(RESULTS.read_text()) if RESULTS.is_file() else []


def add(entry: dict[str, Any]) -> None:
    """Write another record; several programs may measure at once."""
    print(json.dumps(entry), flush=True)
    with FileLock(RESULTS.with_suffix(".lock")):
        lines = [json.dumps(one) for one in [*records(), entry]]
        RESULTS.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
