"""Seconds that `aaecli train --labels 1000` takes, the whole command, and the accuracy that it ends with.

    python benchmarks/training_time.py                                   # while the machine does nothing else
    python benchmarks/training_time.py --preset quick --precision bf16   # a processor with bfloat16 units

Figures are drawn, as they are for a user. Writes ``results/training_time.json``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import measured
from commands import SEEDS, aaecli, seeds


def train(preset: str, precision: str, seed: int) -> tuple[float, float]:
    """Train once; gives the seconds of the command, and the percentage of the test images that are right."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["--labels", 1000, "--preset", preset, "--precision", precision, "--seed", seed, "--figures", "--json"]
        start = time.perf_counter()
        summary = json.loads(aaecli(Path(folder), "train", *words))
        return time.perf_counter() - start, 100 * summary["test_accuracy"]


def main() -> None:
    """Measure, and write the figures of a preset after its last seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", nargs="+", default=["quick", "default"])
    parser.add_argument("--precision", nargs="+", choices=("fp32", "bf16"), default=["fp32"])
    parser.add_argument("--seeds", type=seeds, default=tuple(SEEDS))
    options = parser.parse_args()
    for preset in options.preset:
        for precision in options.precision:
            found = []
            for seed in options.seeds:
                found.append(train(preset, precision, seed))
                print(preset, precision, seed, "{:.1f} s {:.2f} %".format(*found[-1]), flush=True)
            seconds, accuracy = zip(*found, strict=True)
            what = f"`aaecli train --labels 1000 --preset {preset} --precision {precision}`"
            common = {"command": measured.command(), "seeds": tuple(options.seeds), **measured.here()}
            name = f"training_time/{preset}-{precision}"
            measured.write(
                [
                    measured.Measurement(
                        name, f"{what}: seconds of the command", values=seconds, unit="s", digits=0, **common
                    ),
                    measured.Measurement(
                        f"{name}-accuracy", f"{what}: test images classified correctly", values=accuracy, **common
                    ),
                ]
            )


if __name__ == "__main__":
    main()
