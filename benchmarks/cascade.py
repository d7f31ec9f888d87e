"""What a cascade gains: how many images its large encoder reads, its accuracy, and its speed beside both encoders.

    python benchmarks/cascade.py SMALL.pt exports/pretrained/model.pt

Both models are exported, and the two as a cascade. All three answer MNIST's validation images, and take turns on one
thread. The test images are not read. Writes ``results/cascade.json``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measured
import one_thread
from looks import NUM_VALIDATION, images, read

from aaecli.checkpoint.file import Checkpoint, load_model
from aaecli.export.cascade import CONFIDENCE, cascade
from aaecli.export.onnx import export_onnx

_BATCH, _NUM_TIMED, _ROUNDS = 100, 2000, 9


def session(model: Checkpoint, folder: Path) -> Any:
    """Export a model and open its encoder on one thread."""
    export_onnx(model, folder, lambda text: None)
    return one_thread.session(folder / "encoder.onnx")


def seconds(run: Callable[[], object]) -> float:
    """Time a run, in seconds of the processor."""
    began = time.process_time()
    run()
    return time.process_time() - began


def main() -> None:
    """Print a line a figure, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("small", type=Path)
    parser.add_argument("large", type=Path)
    options = parser.parse_args()
    image, label = (part[-NUM_VALIDATION:] for part in images())
    small, large = load_model(options.small), load_model(options.large)
    with tempfile.TemporaryDirectory() as home:
        opened = {"large": session(large, Path(home, "large"))}
        joined = cascade(small, large, CONFIDENCE, options.large)
        opened |= {"small": session(small, Path(home, "small")), "cascade": session(joined, Path(home, "cascade"))}
    found: dict[str, tuple[str, tuple[float, ...], str, int]] = {}
    for name, encoder in opened.items():
        right = read(encoder, image).argmax(1) == label
        what = f"validation images that the {name} encoder classifies correctly"
        found[f"{name}-accuracy"] = (what, (100 * float(right.mean()),), "%", 2)
    again = float((read(opened["small"], image).max(1) <= CONFIDENCE).mean())
    found["again"] = ("validation images that the cascade classifies again", (100 * again,), "%", 1)
    timed = image[:_NUM_TIMED]
    times: dict[str, list[float]] = {name: [] for name in opened}
    for _ in range(_ROUNDS):
        for name, encoder in opened.items():
            times[name].append(
                seconds(
                    lambda encoder=encoder: [
                        encoder.run(["label_prob", "style"], {"image": timed[at : at + _BATCH]})
                        for at in range(0, _NUM_TIMED, _BATCH)
                    ]
                )
            )
    for name in ("small", "cascade"):
        ratios = [all_large / one for all_large, one in zip(times["large"], times[name], strict=True)]
        what = f"speed of the {name} encoder relative to the large one, one thread"
        found[f"{name}-speed"] = (what, (statistics.median(ratios),), "×", 1)
    command = "python benchmarks/cascade.py SMALL.pt exports/pretrained/model.pt"
    entries = [
        measured.Measurement(f"cascade/{key}", what, command, values, unit, digits, **measured.here())
        for key, (what, values, unit, digits) in found.items()
    ]
    for entry in entries:
        print(f"{entry.what}: {entry.text}")
    measured.write(entries)


if __name__ == "__main__":
    main()
