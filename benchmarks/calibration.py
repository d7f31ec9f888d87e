"""The expected calibration error on test images, before and after the temperature that training fits.

    python benchmarks/calibration.py --seeds 10-12

It trains preset `quick` with 1000 labels on MNIST and on Fashion-MNIST, which is taken from Debian's package of it. The
temperature is fitted on the labels of the validation images, which training does not see otherwise.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "suite"))

import measured
import sources
from commands import aaecli, seeds

from aaecli.checkpoint.file import load_model
from aaecli.experiments.results import fingerprint

LABELS = 1000
TITLES = {"mnist": "MNIST", "fashion": "Fashion-MNIST"}
KINDS = {
    "before": ("expected calibration error on the test images of {} without the temperature", 4),
    "after": ("the same with the temperature", 4),
    "temperature": ("temperature fitted on the validation images of {}", 2),
}


def options_of(name: str) -> tuple[object, ...]:
    """Give the options of ``train`` that name the data set."""
    if name == "mnist":
        return ()
    return ("--data", sources.fashion(), "--no-normalise")


def train(name: str, preset: str, seed: int) -> tuple[dict[str, float], str]:
    """Train once; give its figures by kind, and the fingerprint of its settings."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        words = ("--preset", preset, "--labels", LABELS, "--seed", seed, "--threads", 1, "--json", "--quiet")
        summary = json.loads(aaecli(folder, "train", *options_of(name), *words))
        settings = fingerprint(load_model(folder / summary["model_path"]).config)
    error = "test_expected_calibration_error"
    found = {"before": summary[f"{error}_uncalibrated"], "after": summary[error], "temperature": summary["temperature"]}
    print(f"{name}, seed {seed}: accuracy {summary['test_accuracy']:.4f}, {found}", flush=True)
    return found, settings


def main() -> None:
    """Train, and write ``results/calibration.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=range(10, 13), help="such as 10-12 (the default) or 0,3")
    parser.add_argument("--data", choices=TITLES, action="append", help="may be given twice [default: both]")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--dry", action="store_true", help="write no results")
    options = parser.parse_args()
    for name in options.data or TITLES:
        rows, settings = zip(*(train(name, options.preset, seed) for seed in options.seeds), strict=True)
        entries = [
            measured.Measurement(
                f"calibration/{name}-{kind}",
                f"{what.format(TITLES[name])}, {LABELS} labels, preset `{options.preset}`",
                command=measured.command(),
                values=tuple(row[kind] for row in rows),
                unit="",
                digits=digits,
                seeds=tuple(options.seeds),
                settings=settings[0],
                **measured.here(),
            )
            for kind, (what, digits) in KINDS.items()
        ]
        if not options.dry:
            measured.write(entries)


if __name__ == "__main__":
    main()
