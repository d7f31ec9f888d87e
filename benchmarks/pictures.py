"""How quickly a large folder of small pictures is loaded, as ratios to Pillow alone, and how much memory it takes.

Writes the pictures into a folder of its own, 100,000 unless told otherwise: python benchmarks/pictures.py --count 20000
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from aaecli.data.loading import load_dataset
from aaecli.data.workers import CHUNK, num_cores

LOAD = """
import json, sys, time
start = time.perf_counter()
from aaecli.data.loading import load_dataset
def peak():
    # Linux counts it anew for each program; what getrusage tells is inherited from whoever started it.
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = peak()
dataset = load_dataset(sys.argv[1])
seconds = time.perf_counter() - start
grown = peak() - before
size = dataset.train_image.nbytes
print(json.dumps({"seconds": seconds, "processor": time.process_time(), "grown": grown * 1024, "bytes": size}))
"""


def write(folder: Path, count: int) -> None:
    """Write MNIST's images as PNG files, shifted by a pixel where they recur, a fifth of them in folders of classes."""
    mnist = load_dataset()
    for number in range(count):
        turn, place = divmod(number, len(mnist.train_image))
        label = str(mnist.train_label[place]) if number % 5 == 0 else "unlabelled"
        (folder / label).mkdir(parents=True, exist_ok=True)
        image = np.roll(mnist.train_image[place], turn, 1)
        Image.fromarray(image).save(folder / label / f"{number:06d}.png")


def decode(paths: list[str]) -> int:
    """Decode pictures with Pillow and do nothing with them."""
    return sum(np.asarray(Image.open(path)).shape[0] for path in paths)


def pillow(folder: Path) -> float:
    """Give the seconds that Pillow needs for all pictures on every core."""
    paths = [str(path) for path in sorted(folder.rglob("*.png"))]
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    start = time.perf_counter()
    with ProcessPoolExecutor(num_cores()) as pool:
        sum(pool.map(decode, chunks))
    return time.perf_counter() - start


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "pictures"
        write(folder, words.count)
        ratios, firsts, seconds = [], [], []
        for repeat in range(words.repeats):
            alone = pillow(folder)
            environment = {**os.environ, "AAECLI_CACHE": str(Path(place) / f"cache{repeat}")}
            command = [sys.executable, "-c", LOAD, str(folder)]
            for into in (firsts, seconds):
                done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
                into.append(json.loads(done.stdout))
            ratios.append(firsts[-1]["seconds"] / alone)
        result = {
            "count": words.count,
            "first_to_pillow": [round(ratio, 2) for ratio in ratios],
            "first_seconds": [round(entry["seconds"], 2) for entry in firsts],
            "second_seconds": [round(entry["seconds"], 2) for entry in seconds],
            "second_processor_seconds": [round(entry["processor"], 2) for entry in seconds],
            "memory_to_array": [round(entry["grown"] / entry["bytes"], 2) for entry in (*firsts, *seconds)],
        }
        sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
