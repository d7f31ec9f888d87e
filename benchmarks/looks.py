"""How often an encoder with test-time augmentation has to read copies of an image, and what it gains.

    python benchmarks/looks.py exports/pretrained/encoder.onnx --save released

It reads training and validation images of MNIST by the encoder as it is, by the same encoder without test-time
augmentation and by one that reads copies of every image. The test images are not read. ``--speed`` times the three
in turn on one thread instead; ``--save NAME`` writes the figures into ``results/looks.json``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import measured
import numpy as np
import one_thread
import onnx
from onnx import numpy_helper

from aaecli.data.loading import load_dataset

WAYS = {"one": 0.0, "some": None, "all": 1.0}
"""The limit up to which copies are read; None for the encoder's own."""
NUM_POOL, NUM_VALIDATION = 20_000, 10_000
_BATCHES = (1, 64, 256)
_SECONDS = 1.0


def with_limit(path: Path, limit: float | None):
    """Open an encoder on one thread, its limit replaced where one is given."""
    model = onnx.load(path)
    names = [entry.name for entry in model.graph.initializer]
    place = names.index("copies/confidence")
    if limit is not None:
        model.graph.initializer[place].CopyFrom(numpy_helper.from_array(np.float32(limit), names[place]))
    return one_thread.session(model.SerializeToString())


def limit_of(path: Path) -> float:
    """Give the limit up to which an encoder reads copies."""
    weights = {entry.name: entry for entry in onnx.load(path).graph.initializer}
    return float(numpy_helper.to_array(weights["copies/confidence"]))


def images() -> tuple[np.ndarray, np.ndarray]:
    """Give images of the pool, chosen at random, and after them the validation images: float32; and their labels."""
    mnist = load_dataset()
    pool = np.sort(np.random.default_rng(0).permutation(len(mnist.train_image) - NUM_VALIDATION)[:NUM_POOL])
    chosen = np.r_[pool, len(mnist.train_image) - NUM_VALIDATION : len(mnist.train_image)]
    return mnist.train_image[chosen, None].astype(np.float32) / np.float32(255), mnist.train_label[chosen]


def read(session, image: np.ndarray) -> np.ndarray:
    """Give the probabilities (N, K) of images."""
    parts = [session.run(["label_prob"], {"image": image[at : at + 100]})[0] for at in range(0, len(image), 100)]
    return np.concatenate(parts)


def figures(prob: dict[str, np.ndarray], label: np.ndarray, limit: float) -> dict[str, tuple[float, str, int]]:
    """Give each figure by its name: value, unit, digits.

    Args:
        prob: Probabilities (N, K) by a key of ``WAYS``, the validation images last.
        label: Classes (N,).
        limit: The encoder's own.
    """
    found = {"read-once": (100 * float((prob["one"].max(1) > limit).mean()), "%", 1)}
    for way in WAYS:
        answer = prob[way].argmax(1)
        found[f"{way}-other-class"] = (float((answer != prob["all"].argmax(1)).sum()), "", 0)
        right = (answer == label)[-NUM_VALIDATION:]
        found[f"{way}-accuracy"] = (100 * float(right.mean()), "%", 2)
    return found


def speeds(sessions, image: np.ndarray, rounds: int) -> dict[str, tuple[float, str, int]]:
    """Time the ways in turn; give the median of the images a second for each and each size of a batch."""
    found = {}
    for size in _BATCHES:
        rates = {way: [] for way in sessions}
        at = 0
        for _ in range(rounds):
            for way, session in sessions.items():
                num, start = 0, time.perf_counter()
                while (seconds := time.perf_counter() - start) < _SECONDS:
                    session.run(["label_prob", "style"], {"image": image[at : at + size]})
                    num, at = num + size, (at + size) % (len(image) - size)
                rates[way].append(num / seconds)
        ratio = [some / every for some, every in zip(rates["some"], rates["all"], strict=True)]
        print(f"batch {size}: { ({way: round(statistics.median(rate)) for way, rate in rates.items()}) } images/s")
        found[f"speed-{size}"] = (statistics.median(ratio), "", 1)
    return found


def main() -> None:
    """Print a line a figure, and write them where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--speed", action="store_true", help="time the encoder instead of reading all images")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is timed")
    parser.add_argument("--save", metavar="NAME", help="name of the figures in results/looks.json")
    options = parser.parse_args()
    sessions = {way: with_limit(options.encoder, limit) for way, limit in WAYS.items()}
    image, label = images()
    if options.speed:
        found = speeds(sessions, image, options.rounds)
    else:
        prob = {way: read(session, image) for way, session in sessions.items()}
        found = figures(prob, label, limit_of(options.encoder))
    for name, (value, unit, digits) in found.items():
        print(f"{name}: {value:.{digits}f} {unit}")
    if options.save:
        save(options.save, found)


def save(name: str, found: dict[str, tuple[float, str, int]]) -> None:
    """Write figures under a name."""
    same = {"command": f"python benchmarks/looks.py ENCODER --save {name}", **measured.here()}
    measured.write(
        [
            measured.Measurement(
                f"looks/{name}-{key}", what_is(key, name), values=(value,), unit=unit, digits=digits, **same
            )
            for key, (value, unit, digits) in found.items()
        ]
    )


def what_is(key: str, name: str) -> str:
    """Say what a figure is, as a phrase."""
    way, _, rest = key.partition("-")
    copies = {"one": "no copies", "some": "copies of the unsure images", "all": "copies of all images"}.get(way)
    whats = {
        "once": f"images that `{name}` reads once",
        "other-class": f"images of 30,000 that `{name}` puts into another class from {copies} than from copies of all",
        "accuracy": f"validation images that `{name}` reads correctly from {copies}",
    }
    return whats.get(rest, f"images a second of `{name}`, relative to copies of all, batches of {rest}, one thread")


if __name__ == "__main__":
    main()
