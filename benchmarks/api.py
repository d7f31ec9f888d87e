"""How quick the Python API is beside the bare libraries and beside the command line; run by ``nox -s bench_api``.

Each figure is the median of the ratios of neighbours, so that it can be compared between machines. The ratio of CPU
times is beside that of wall times: other programs on the machine disturb it less. Prints one JSON object a line, and
ends with 1 where an answer of ``Classifier.stream`` differs from that of ``aaecli classify --json``.

    python benchmarks/api.py [--model exports/encoder.onnx] [--runs 9]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import one_thread
from PIL import Image
from serve import BARE, tell

from aaecli import Classifier
from aaecli.data.loading import load_dataset
from aaecli.serve.discovery import find_encoder

ONE = "import sys, aaecli; aaecli.Classifier(sys.argv[1])(sys.argv[2])"
STREAM = """
import json, sys
from pathlib import Path
import aaecli
read = aaecli.Classifier(sys.argv[1])
for answer in read.stream(sorted(map(str, Path(sys.argv[2]).iterdir())), processes=int(sys.argv[3])):
    print(json.dumps(answer.as_object()))
"""


def spent(action: Callable[[], object]) -> tuple[float, float]:
    """Give the wall time and the CPU time of an action, in this process and those that it starts."""
    wall, cpu = time.perf_counter(), sum(os.times()[:4])
    action()
    return time.perf_counter() - wall, sum(os.times()[:4]) - cpu


def run(*words: str) -> str:
    """Run a program, and give what it prints."""
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def compare(what: str, ours: Callable[[], object], other: Callable[[], object], runs: int) -> None:
    """Time two actions in turn, and print how much longer the first takes."""
    pairs = [(spent(ours), spent(other)) for _ in range(runs + 1)][1:]
    wall, cpu = (statistics.median(one[k] / two[k] for one, two in pairs) for k in (0, 1))
    seconds = statistics.median(one[0] for one, _ in pairs)
    tell({"what": what, "seconds": round(seconds, 4), "ratio": round(wall, 3), "cpu_ratio": round(cpu, 3)})


def differing(found: str, expected: str) -> int:
    """Count the lines of JSON that differ, in order."""
    one, other = ([json.loads(line) for line in text.splitlines()] for text in (found, expected))
    return sum(a != b for a, b in zip(one, other, strict=True))


def main() -> None:
    """Measure the import, a picture, a folder and an array."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    model, images = str(find_encoder(options.model)), load_dataset().test_image
    with tempfile.TemporaryDirectory() as temporary:
        for number, image in enumerate(images[:1000]):
            # Every second one is larger and dark on light, so that it has to be prepared.
            pixels = 255 - np.kron(image, np.ones((3, 3), np.uint8)) if number % 2 else image
            Image.fromarray(pixels).save(Path(temporary, f"{number:04d}.png"))
        picture, python = str(Path(temporary, "0000.png")), sys.executable
        bare_import = (python, "-c", "pass")
        compare("import aaecli", lambda: run(python, "-c", "import aaecli"), lambda: run(*bare_import), options.runs)
        one, bare = (python, "-c", ONE, model, picture), (python, "-c", BARE, model, picture)
        compare("one picture, beside onnxruntime", lambda: run(*one), lambda: run(*bare), options.runs)
        command = (python, "-m", "aaecli", "classify", "--model", model, "--json", "--quiet", temporary)
        stream = (python, "-c", STREAM, model, temporary, "0")
        wrong = differing(run(*stream), run(*command))
        compare("1,000 pictures, beside the command", lambda: run(*stream), lambda: run(*command), 3)

        read = Classifier(model)
        session = one_thread.session(model)
        feeds = [{"image": part.astype(np.float32)[:, None] / 255} for part in np.split(images, range(128, 10000, 128))]
        compare(
            "an array of 10,000, beside onnxruntime",
            lambda: read.predict_proba(images),
            lambda: [session.run(["label_prob"], feed) for feed in feeds],
            1,
        )
    tell({"what": "answers of 1,000 that differ from those of the command", "number": wrong})
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
