"""What autoencoder, aae, supervised and clustering reach, which are not compared by their accuracy from few labels.

python benchmarks/series.py --seeds 10-14
python benchmarks/series.py --model aae --seeds 10,11,12
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path

import measured
from commands import SEEDS, aaecli, seeds

from aaecli.checkpoint.file import load_model
from aaecli.experiments.results import fingerprint

MODELS = {
    "autoencoder": ("--model", "autoencoder"),
    "aae": ("--model", "aae"),
    "supervised": ("--model", "supervised"),
    "clustering-16": ("--model", "clustering", "--clusters", 16),
    "clustering-30": ("--model", "clustering", "--clusters", 30),
}
KINDS = {
    "error": ("reconstruction error of `{}` on the test images", "", 4),
    "distance": ("energy distance of the codes of `{}` to their prior", "", 4),
    "": ("error of `{}` on the test images", "%", 2),
    "time": ("time of a training of `{}`", "s", 0),
}
"""Of each kind of figure what it is, its unit and its digits after the point."""


def train(name: str, seed: int, steps: int | None) -> tuple[dict[str, float], float, str]:
    """Train one model; give its figures by kind, the distance between two draws of its prior, and its fingerprint."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        fewer = ("--steps", steps) if steps else ()
        words = ("train", *MODELS[name], "--seed", seed, *fewer, "--json", "--quiet")
        summary = json.loads(aaecli(folder, *words))
        found, between = {"time": summary["seconds"]}, 0.0
        if "test_accuracy" in summary:
            found[""] = 100 * (1 - summary["test_accuracy"])
        else:
            found["error"] = summary["test_reconstruction_error"]
            told = json.loads(aaecli(folder, "plot", "distributions", summary["run"], "--json"))
            facts = told["metrics"][summary["run"]]["distributions"]
            found["distance"], between = facts["style_energy_distance"], facts["prior_energy_distance"]
        return found, between, fingerprint(load_model(folder / summary["model_path"]).config)


def main() -> None:
    """Train, and write ``results/series.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=SEEDS, help="such as 10-14 (the default) or 0,3")
    parser.add_argument("--model", choices=MODELS, action="append", help="may be given several times [default: all]")
    parser.add_argument("--steps", type=int, help="fewer steps, to try the program out; nothing is written")
    options = parser.parse_args()
    for name in options.model or MODELS:
        values, between = defaultdict(list), []
        for seed in options.seeds:
            found, distance, settings = train(name, seed, options.steps)
            between.append(distance)
            for kind, value in found.items():
                values[kind].append(value)
            print(f"{name}, seed {seed}: {found}", flush=True)
        if options.steps:
            continue
        same = {"command": measured.command(), "seeds": tuple(options.seeds), "settings": settings, **measured.here()}
        written = [
            measured.Measurement(
                f"series/{name}-{kind}".removesuffix("-"),
                KINDS[kind][0].format(name),
                values=tuple(entries),
                unit=KINDS[kind][1],
                digits=KINDS[kind][2],
                **same,
            )
            for kind, entries in values.items()
        ]
        if name == "aae":
            what = "largest of twenty energy distances between two draws of N(0, 1)"
            written.append(
                measured.Measurement("series/prior-distance", what, values=(max(between),), unit="", digits=3, **same)
            )
        if name.startswith("clustering"):
            errors = values[""]
            low, high = f"{min(errors):.1f}", f"{max(errors):.1f}"
            what = f"error of `{name}`, lowest to highest run"
            written.append(measured.Measurement(f"series/{name}-range", what, stated=f"{low} to {high} %", **same))
        measured.write(written)


if __name__ == "__main__":
    main()
