"""What the article's dropout does to its plain network, and what leaving it on does to the figure.

python benchmarks/dropout.py --seeds 10-14
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import measured
import torch
from commands import SEEDS, aaecli, seeds

from aaecli.checkpoint.file import load_model
from aaecli.data.loading import load_dataset
from aaecli.experiments.results import fingerprint

SETTINGS = Path(__file__).parent.resolve() / "dropout.toml"


@torch.no_grad()
def with_dropout_left_on(path: Path) -> float:
    """Give the accuracy on the test images in per cent, hidden units dropped as in training."""
    encoder, dataset = load_model(path).encoder.train(), load_dataset()
    torch.manual_seed(0)
    image = torch.from_numpy(dataset.test_image).float().div(255).reshape(-1, 1, 28, 28)
    right = encoder(image).label_logits.argmax(1) == torch.from_numpy(dataset.test_label)
    return 100 * float(right.float().mean())


def main() -> None:
    """Train, judge and write ``results/dropout.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=SEEDS, help="such as 10-14 (the default) or 0,3")
    parser.add_argument("--steps", type=int, help="fewer steps, to try the program out; nothing is written")
    options = parser.parse_args()
    learning, judged = [], []
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as place:
            steps = ("--steps", options.steps) if options.steps else ()
            summary = json.loads(
                aaecli(Path(place), "train", "--config", SETTINGS, "--seed", seed, "--json", "--quiet", *steps)
            )
            path = Path(place) / summary["model_path"]
            learning.append(100 * summary["test_accuracy"])
            judged.append(with_dropout_left_on(path))
            settings = fingerprint(load_model(path).config)
        print(f"seed {seed}: {learning[-1]:.2f} %, with dropout left on {judged[-1]:.2f} %", flush=True)
    if options.steps:
        return
    same = {"command": measured.command(), "seeds": tuple(options.seeds), "settings": settings, **measured.here()}
    what = "test accuracy of the baseline with the article's dropout while it learns"
    left_on = "the same networks, dropout left on while they are judged"
    measured.write(
        [
            measured.Measurement("dropout/learning", what, values=tuple(learning), **same),
            measured.Measurement(
                "dropout/judged",
                left_on,
                values=tuple(judged),
                **same,
            ),
        ]
    )


if __name__ == "__main__":
    main()
