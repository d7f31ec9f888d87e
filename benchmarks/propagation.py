"""How long one refresh of propagated labels takes for very many images, how much memory, and how right the labels are.

    python benchmarks/propagation.py --images 1000000 --classes 10
    python benchmarks/propagation.py --images 50000 --mnist

An image is 256 bytes, which stand for its features, so that the encoder costs nothing: a class is eight heaps that
overlap in some dimensions of its own. One image a class is labelled. ``recall`` is the share of the ten nearest images
of the graph that the inverted lists find, over 2,000 of the other images. With ``--mnist`` the images are MNIST's and
the features its pixels; ``whole`` is then how right labels are that are propagated among all of them at once. Prints an
object of JSON, and writes CPU time, memory and recall into ``results/propagation.json``.
"""

from __future__ import annotations

import argparse
import json
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import measured
import numpy as np
import torch
from numpy.typing import NDArray

from aaecli.config.propagation import Propagation as Settings
from aaecli.data.loading import load_dataset
from aaecli.training.propagation import schedule
from aaecli.training.propagation.inverted_lists import InvertedLists
from aaecli.training.propagation.poisson import directions, principal_axes

SIDE = 16
HEAPS, OWN_DIMENSIONS = 8, 12
"""Of a class."""
NUM_QUERIES = 2000
_ROWS = 50_000


class Pixels(torch.nn.Module):
    """Stands in for an encoder: the features of an image are its pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.body = SimpleNamespace(features=lambda image: image.flatten(1))


def synthetic(num: int, num_classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Make images (num, 16, 16) and their classes (num,)."""
    rng = np.random.default_rng(0)
    width = SIDE * SIDE
    centre = rng.normal(0, 1, (num_classes, width)).astype(np.float32)
    basis = rng.normal(0, 1, (num_classes, OWN_DIMENSIONS, width)).astype(np.float32) / OWN_DIMENSIONS**0.5
    heap = rng.normal(0, 1, (num_classes, HEAPS, OWN_DIMENSIONS)).astype(np.float32)
    image, label = np.empty((num, width), np.uint8), np.empty(num, np.int64)
    for start in range(0, num, _ROWS):
        count = min(_ROWS, num - start)
        own = np.sort(rng.integers(0, num_classes, count))
        inner = heap[own, rng.integers(0, HEAPS, count)] + rng.standard_normal((count, OWN_DIMENSIONS), np.float32)
        point = centre[own]
        for each in range(num_classes):
            point[own == each] += inner[own == each] @ basis[each]
        point += 0.3 * rng.standard_normal(point.shape, np.float32)
        order = rng.permutation(count)
        image[start : start + count] = np.clip(40 * point[order], 0, 255)
        label[start : start + count] = own[order]
    return image.reshape(num, SIDE, SIDE), label


def refreshed(
    image: torch.Tensor, label: torch.Tensor, num_classes: int, num_images: int
) -> tuple[schedule.Propagation, dict[str, float]]:
    """Propagate labels once; gives what came out, and clock and processor time in seconds."""
    labelled = torch.stack([(label == each).nonzero()[0, 0] for each in range(num_classes)])
    frequency = torch.full((num_classes,), 1 / num_classes)
    settings = Settings(every=1, until=2, num_images=num_images, max_class_weight=1.1)
    pool = torch.arange(len(image))
    propagation = schedule.Propagation(settings, image, label, labelled, pool, frequency, seed=0)
    clock, processor = time.monotonic(), time.process_time()
    propagation.refresh(1, Pixels())
    took = {"seconds": time.monotonic() - clock, "processor_seconds": time.process_time() - processor}
    return propagation, took


def watched(work: Callable[[], Any]) -> tuple[Any, float]:
    """Do something; gives what it gave and by how many MiB the process grew meanwhile, at most."""
    before, most, ended = _megabytes(), [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            most[0] = max(most[0], _megabytes() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return work(), most[0]
    finally:
        ended.set()
        watcher.join()


def _megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def recall(image: torch.Tensor) -> float:
    """Give the share of the ten nearest images of the first ones that the inverted lists find."""
    feature = image.flatten(1).float() / 255
    graphed, query = feature[: schedule._MOST_IN_GRAPH], feature[-NUM_QUERIES:]
    axes = principal_axes(graphed)
    point, query = directions(graphed, axes), directions(query, axes)
    found, _ = InvertedLists(point).search(query, 10)
    wanted = (query @ point.T).topk(10, dim=1).indices
    return float((found[:, :, None] == wanted[:, None]).any(1).float().mean())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--mnist", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    num_classes = 10 if options.mnist else options.classes
    if options.mnist:
        mnist = load_dataset()
        arrays = mnist.train_image[: options.images], mnist.train_label[: options.images]
    else:
        arrays = synthetic(options.images, num_classes)
    image, label = (torch.from_numpy(array) for array in arrays)
    graphed = schedule._MOST_IN_GRAPH
    (propagation, took), grown = watched(lambda: refreshed(image, label, num_classes, options.images))
    right = propagation.label == label
    found = {"images": len(image), "classes": num_classes, **took, "MiB": grown, "right": float(right.float().mean())}
    found["unlabelled"] = int((propagation.label < 0).sum())
    if len(image) > graphed:
        found["recall"] = recall(torch.cat([image[:graphed], image[-NUM_QUERIES:]]))
    if options.mnist:
        schedule._MOST_IN_GRAPH = options.images
        propagation, _ = refreshed(image, label, num_classes, options.images)
        found["whole"] = float((propagation.label == label).float().mean())
    print(json.dumps({name: round(value, 4) for name, value in found.items()}))
    measured.write(_entries(found, "MNIST's pixels" if options.mnist else "made-up features"))


def _entries(found: dict[str, float], features: str) -> list[measured.Measurement]:
    size = f"{found['images']:.0f}-{found['classes']:.0f}"
    what = f"one refresh of propagated labels of {found['images']:,.0f} images, {found['classes']:.0f} classes"
    where = {"command": measured.command(), "note": f"{features}, without the encoder.", **measured.here()}
    is_made_up = features == "made-up features"
    entries = []
    if "recall" in found:
        recalled = f"of the ten nearest neighbours by {features}, found by inverted lists"
        name = f"propagation/recall-{size if is_made_up else 'mnist'}"
        entries.append(measured.Measurement(name, recalled, values=(100 * found["recall"],), digits=1, **where))
    if is_made_up:
        for kind, text, key, unit in (
            ("time", "CPU time", "processor_seconds", "s"),
            ("memory", "memory", "MiB", "MiB"),
        ):
            name = f"propagation/{size}-{kind}"
            entries.append(
                measured.Measurement(name, f"{what}: {text}", values=(found[key],), unit=unit, digits=0, **where)
            )
    return entries


if __name__ == "__main__":
    main()
