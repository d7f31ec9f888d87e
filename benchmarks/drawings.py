"""How many of the digits that a model draws are read as the digit asked for, by a network trained apart.

The judge is a plain network that has seen every label; make one first, then name it and the models to be judged:

    aaecli train --model baseline --labels all --epochs 8 --name judge
    python benchmarks/drawings.py runs/judge-001/model.pt runs/supervised-all-001/model.pt
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F

from aaecli.learn import priors
from aaecli.learn.checkpoint import load_model


@torch.no_grad()
def main() -> None:
    """Print a line a model: the share over all classes, and the least of any class."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judge", type=Path)
    parser.add_argument("model", type=Path, nargs="+")
    parser.add_argument("--styles", type=int, default=1000, help="styles drawn from the prior, each in every class")
    options = parser.parse_args()
    judge = load_model(options.judge)
    for path in options.model:
        torch.manual_seed(0)
        model = load_model(path)
        if model.decoder is None:
            parser.error(f"{path} has no decoder")
        num_classes = len(model.classes)
        count = options.styles * num_classes
        style = priors.style(
            options.styles, model.config.network.style_dim, model.config.prior, torch.device("cpu")
        ).repeat_interleave(num_classes, 0)  # (styles * K, Z): the same styles in every class
        label = torch.arange(num_classes).repeat(options.styles)
        image = model.decoder(torch.cat([F.one_hot(label, num_classes).float(), style], 1))
        right = judge.encoder(image).label_logits.argmax(1) == label
        least = min(float(right[label == value].float().mean()) for value in range(num_classes))
        print(f"{path}: {right.float().mean():.2%} of {count:,} read as asked for, least of a class {least:.2%}")


if __name__ == "__main__":
    main()
