"""How quickly ``classify`` starts, and how well it keeps up with a full folder; run by ``nox -s bench``.

Both are ratios to what the libraries alone take on the same machine in the same minute, so that they can be compared
between machines. Prints one JSON object a line.

    python benchmarks/serve.py [--model exports/encoder.onnx] [--runs 15]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from aaecli.data.loading import load_dataset
from aaecli.serve.discovery import find_encoder

BARE = """
import os, sys
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import numpy, onnxruntime
from PIL import Image
image = numpy.asarray(Image.open(sys.argv[2]), numpy.float32)[None, None] / 255
onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"]).run(None, {"image": image})
"""


def tell(found: dict[str, object]) -> None:
    """Print one JSON object."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def seconds(command: list[str]) -> float:
    """Run a command and give its wall time."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def decode(names: list[Path]) -> None:
    """Decode with Pillow alone."""
    for name in names:
        with Image.open(name) as image:
            image.load()


def paired(name: str, ours: list[str], bare: list[str], runs: int) -> None:
    """Time two commands in turn and print the median of the ratios of neighbours."""
    times = [(seconds(ours), seconds(bare)) for _ in range(runs + 1)][1:]
    ratio = statistics.median(one / other for one, other in times)
    one, other = (statistics.median(column) for column in zip(*times, strict=True))
    tell({"what": name, "seconds": round(one, 4), "bare_seconds": round(other, 4), "ratio": round(ratio, 3)})


def main() -> None:
    """Measure start-up, help and a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    model = find_encoder(options.model)
    aaecli = [sys.executable, "-m", "aaecli"]
    images = load_dataset().test_image
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "digits")
        folder.mkdir()
        names = [folder / f"{number:05d}.png" for number in range(len(images))]
        for name, image in zip(names, images, strict=True):
            Image.fromarray(image).save(name)
        classify = [*aaecli, "classify", "--model", str(model), "--json"]
        bare = [sys.executable, "-c", BARE, str(model), str(names[0])]
        paired("classify one picture", [*classify, str(names[0])], bare, options.runs)
        paired("aaecli --help", [*aaecli, "--help"], [sys.executable, "-c", "import typer"], options.runs)

        rates = []
        for _ in range(5):
            start = time.perf_counter()
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(decode, (names[::2], names[1::2])))
            pillow = len(names) / (time.perf_counter() - start)
            whole = seconds([*classify, str(folder)])
            one = seconds([*classify, str(names[0])])
            rates.append((len(names) / whole, len(names) / (whole - one), pillow))
        whole_rate, steady_rate, pillow = (statistics.median(column) for column in zip(*rates, strict=True))
        tell(
            {
                "what": f"classify a folder of {len(names):,} PNG files",
                "images_per_second": round(whole_rate),
                "images_per_second_once_started": round(steady_rate),
                "pillow_images_per_second": round(pillow),
                "ratio": round(statistics.median(one / other for one, _, other in rates), 3),
                "ratio_once_started": round(statistics.median(one / other for _, one, other in rates), 3),
                "max_memory_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
            }
        )


if __name__ == "__main__":
    main()
