"""What int8 costs an exported model: accuracy on test images, size, and speed beside float32.

    python benchmarks/int8.py --name default runs/*/model.pt
    python benchmarks/int8.py --name fashion --task fashion models/fashion-auto-10-2*.pt

Each model is exported in float32 and in int8, calibrated on training images of its data set: MNIST, or a task of the
suite. Both answer all of its test images, and take turns on one thread. Writes ``results/int8.json``.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import measured
import numpy as np
import one_thread
from numpy.typing import NDArray

from aaecli.checkpoint.file import Checkpoint, load_model
from aaecli.data.loading import load_dataset
from aaecli.export.onnx import export_onnx
from aaecli.export.quantisation import NUM_CALIBRATION, Images
from aaecli.export.reduced_precision import ReducedPrecision, feed_of_images

_NUM_COMPARED = 2000
"""Training images that the export itself compares on."""
_BATCH, _NUM_TIMED, _ROUNDS = 100, 1000, 9


def suite() -> ModuleType:
    """Import the tasks of the suite, which need packages that MNIST does without."""
    sys.path.insert(0, str(Path(__file__).parent / "suite"))
    return importlib.import_module("tasks")


def read(task: str | None) -> tuple[Images, NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]]:
    """Give training images to calibrate with, test images, their labels and the names of the classes."""
    data: Any = suite().make(task) if task else load_dataset()
    train = data.image if task else data.train_image
    order = np.random.default_rng(0).permutation(len(train))
    compared = order[NUM_CALIBRATION : NUM_CALIBRATION + _NUM_COMPARED]
    unknown = np.full(len(compared), -1)
    return (
        Images(train[order[:NUM_CALIBRATION]], train[compared], unknown),
        data.test_image,
        data.test_label,
        data.classes,
    )


def sessions(model: Checkpoint, images: Images, folder: Path) -> tuple[dict[str, Any], dict[str, float]]:
    """Export a model twice; give a session on one thread each, and the kilobytes of both files each."""
    opened, size = {}, {}
    for precision, reduced in {"fp32": None, "int8": ReducedPrecision("int8", images, max_loss=1.0)}.items():
        report = export_onnx(model, folder / precision, lambda _: None, reduced=reduced)
        path = report["encoder"]["path"]
        opened[precision] = one_thread.session(path)
        size[precision] = sum(entry["bytes"] for entry in report.values()) / 1e3
    return opened, size


def answers(session: Any, image: NDArray[np.float32]) -> NDArray[np.int64]:
    """Give the column of ``label_prob`` (N,) that is largest for images (N, C, H, W)."""
    parts = [session.run(["label_prob"], {"image": image[at : at + _BATCH]})[0] for at in range(0, len(image), _BATCH)]
    return np.asarray(np.concatenate(parts).argmax(1))


def speed(opened: dict[str, Any], image: NDArray[np.float32]) -> float:
    """Time both in turn by the processor's clock; give how many times as fast int8 is."""
    ratios = []
    for _ in range(_ROUNDS):
        seconds = {name: _seconds(lambda session=session: answers(session, image)) for name, session in opened.items()}
        ratios.append(seconds["fp32"] / seconds["int8"])
    return statistics.median(ratios)


def _seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def main() -> None:
    """Measure each model, and write what they have together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL.pt")
    parser.add_argument("--name", required=True, help="of the figures")
    parser.add_argument("--task", help="the task of the suite that they learnt; MNIST by default")
    options = parser.parse_args()
    if options.task and options.task not in suite().TASKS:
        parser.error(f"the tasks are {', '.join(suite().TASKS)}")
    images, test_image, test_label, classes = read(options.task)
    test = feed_of_images(test_image)["image"]
    rows: dict[str, list[float]] = {"loss": [], "other-class": [], "size": [], "speed": []}
    seeds = []
    for path in options.models:
        model = load_model(path)
        label = np.array([model.classes.index(name) for name in classes])[test_label]
        with tempfile.TemporaryDirectory() as folder:
            opened, size = sessions(model, images, Path(folder))
            found = {name: answers(session, test) for name, session in opened.items()}
            faster = speed(opened, test[:_NUM_TIMED])
        right = {name: float((answer == label).mean()) for name, answer in found.items()}
        seeds.append(model.config.seed)
        rows["loss"].append(100 * (right["fp32"] - right["int8"]))
        rows["other-class"].append(100 * float((found["fp32"] != found["int8"]).mean()))
        rows["size"].append(100 * size["int8"] / size["fp32"])
        rows["speed"].append(faster)
        print(
            f"{path}: {right['fp32']:.2%} in float32, {right['int8']:.2%} in int8, "
            f"{rows['other-class'][-1]:.2f} % in another class; {size['fp32']:,.0f} and {size['int8']:,.0f} kB, "
            f"{faster:.2f} times as fast",
            flush=True,
        )
    save(options.name, options.task, rows, tuple(seeds))


def save(name: str, task: str | None, rows: dict[str, list[float]], seeds: tuple[int, ...]) -> None:
    """Write the figures of one kind of model."""
    command = f"python benchmarks/int8.py --name {name} {f'--task {task} ' if task else ''}MODEL.pt ..."
    what = {
        "loss": (f"points of accuracy that `{name}` loses in int8", "points", 2),
        "other-class": (f"test images that `{name}` puts into another class in int8", "%", 2),
        "size": (f"size of `{name}` in int8, of its size in float32", "%", 0),
        "speed": (f"speed of `{name}` in int8, times that in float32, one thread", "×", 1),
    }
    measured.write(
        [
            measured.Measurement(
                f"int8/{name}-{key}", text, command, tuple(rows[key]), unit, digits, seeds, **measured.here()
            )
            for key, (text, unit, digits) in what.items()
        ]
    )


if __name__ == "__main__":
    main()
