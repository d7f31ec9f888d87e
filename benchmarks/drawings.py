"""How many of the digits that a model draws are read as the digit asked for, by a network trained apart.

The judge is a plain network that has seen every label; make one first, then name it and the models to be judged:

    aaecli train --model baseline --labels all --epochs 8 --name judge
    python benchmarks/drawings.py runs/judge-001/model.pt runs/supervised-all-00*/model.pt --save supervised

``--save NAME`` writes the figures of all models, which differ by their seeds alone, and of the judge into
``results/drawings.json``. The docs name `default-1000` and `best-1000`, read by the judge of ``judge.toml``, and
`supervised`, read by one as above.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import measured
import torch
import torch.nn.functional as F

from aaecli.checkpoint.file import Checkpoint, load_model
from aaecli.experiments.results import fingerprint
from aaecli.models import priors


@torch.no_grad()
def read_as_asked(model: Checkpoint, judge: Checkpoint, num_styles: int) -> tuple[float, float]:
    """Draw and read; give the share read as asked for, in per cent, over all classes and of the worst one."""
    torch.manual_seed(0)
    num_classes = len(model.classes)
    style = priors.style(
        num_styles, model.config.network.style_dim, model.config.prior, torch.device("cpu")
    ).repeat_interleave(num_classes, 0)  # (styles * K, Z): the same styles in every class
    label = torch.arange(num_classes).repeat(num_styles)
    image = model.decoder(torch.cat([F.one_hot(label, num_classes).float(), style], 1))
    right = (judge.encoder(image).label_logits.argmax(1) == label).float()
    return 100 * float(right.mean()), 100 * min(float(right[label == value].mean()) for value in range(num_classes))


def main() -> None:
    """Print a line a model, and write what ``--save`` asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", type=Path)
    parser.add_argument("model", type=Path, nargs="+")
    parser.add_argument("--styles", type=int, default=1000, help="styles drawn from the prior, each in every class")
    parser.add_argument("--save", metavar="NAME", help="name of the figures in results/drawings.json")
    options = parser.parse_args()
    judge, models = load_model(options.judge), [load_model(path) for path in options.model]
    found = []
    for path, model in zip(options.model, models, strict=True):
        if model.decoder is None:
            parser.error(f"{path} has no decoder")
        found.append(read_as_asked(model, judge, options.styles))
        print(f"{path}: {found[-1][0]:.2f} % read as asked for, least of a class {found[-1][1]:.2f} %", flush=True)
    if options.save:
        if len({fingerprint(model.config) for model in models}) > 1:
            parser.error("models of different settings have no figure in common")
        save(options.save, judge, models, found)


def save(name: str, judge: Checkpoint, models: list[Checkpoint], found: list[tuple[float, float]]) -> None:
    """Write the figures of the models, and of the judge."""
    settings = fingerprint(models[0].config)
    seeds = tuple(model.config.seed for model in models)
    same = {"command": "python benchmarks/drawings.py JUDGE MODEL…", **measured.here()}
    what = f"digits drawn (`{name}`) that are read as the class asked for"
    all_classes, worst = zip(*found, strict=True)
    reader = "judge" if judge.config.preset == "default" else "plain-judge"
    accuracy = 100 * judge.summary["test_accuracy"]
    measured.write(
        [
            measured.Measurement(f"drawings/{name}", what, values=all_classes, seeds=seeds, settings=settings, **same),
            measured.Measurement(
                f"drawings/{name}-least", f"{what}, worst class", values=worst, seeds=seeds, settings=settings, **same
            ),
            measured.Measurement(
                f"drawings/{reader}",
                f"test accuracy of the network that reads them (preset `{judge.config.preset}`)",
                values=(accuracy,),
                seeds=(judge.config.seed,),
                settings=fingerprint(judge.config),
                **same,
            ),
        ]
    )


if __name__ == "__main__":
    main()
