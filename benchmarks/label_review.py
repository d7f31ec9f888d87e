"""How many wrong labels `aaecli eval --folds --review` finds: some are changed at random, and the list is compared.

    python benchmarks/label_review.py --seeds 10-12

Of 1000 labels of MNIST and of Fashion-MNIST (from Debian's package of it), and of all of scikit-learn's digits, 5 % are
changed to another class. Preset `quick` is cross-validated on them. As many of the most suspicious labels are looked at
as were changed: precision is the share of these that were changed, recall the share of the changed ones among them.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "suite"))

import measured
import numpy as np
import sources
from commands import seeds
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from aaecli.api.progress import Watcher
from aaecli.config.resolve import resolve
from aaecli.data.dataset import Dataset
from aaecli.data.loading import load_dataset
from aaecli.data.split import split
from aaecli.experiments.cross_validation import cross_validate
from aaecli.metrics.label_errors import probable_errors

LABELS = 1000
FRACTION = 0.05
TITLES = {"mnist": "MNIST, 1000 labels", "fashion": "Fashion-MNIST, 1000 labels", "digits": "scikit-learn's digits"}


def labelled_few(dataset: Dataset, seed: int) -> Dataset:
    """Forget the labels of all training images but ``LABELS``; validation images keep theirs."""
    parts = split(dataset, LABELS, seed)
    label, is_validation = np.full_like(dataset.train_label, -1), np.zeros(len(dataset.train_label), bool)
    is_validation[parts.validation] = True
    known = np.concatenate([parts.labelled, parts.validation])
    label[known] = dataset.train_label[known]
    return replace(dataset, train_label=label, is_validation=is_validation)


def make(name: str, seed: int) -> Dataset:
    """Load a data set with the labels that a run learns from."""
    if name == "digits":
        digits = load_digits()
        image = (digits.images * 15).astype(np.uint8)
        names = tuple(f"{number:04d}.png" for number in range(len(image)))
        none = np.zeros(0, np.int64)
        label = digits.target.astype(np.int64)
        return Dataset("digits", tuple("0123456789"), image, label, image[:0], none, names)
    folder = "" if name == "mnist" else str(sources.fashion())
    return labelled_few(load_dataset(folder), seed)


def with_errors(dataset: Dataset, seed: int) -> tuple[Dataset, NDArray[np.int64]]:
    """Change labels that are learnt from to another class; gives the indices of their images too."""
    rng = np.random.default_rng(seed)
    learnt = split(dataset, "all", seed, 0.0 if dataset.is_collection else "auto").labelled
    chosen = rng.choice(learnt, round(FRACTION * len(learnt)), replace=False)
    label, num_classes = dataset.train_label.copy(), len(dataset.classes)
    label[chosen] = (label[chosen] + rng.integers(1, num_classes, len(chosen))) % num_classes
    return replace(dataset, train_label=label), chosen


def review(name: str, seed: int, num_folds: int, steps: int | None) -> tuple[float, float]:
    """Cross-validate once; give precision and recall in per cent."""
    dataset, chosen = with_errors(make(name, seed), seed)
    flags = {"seed": seed, "threads": 1, "labels": "all"} | ({"schedule": {"steps": steps}} if steps else {})
    left_out = cross_validate(resolve(preset="quick", flags=flags), dataset, num_folds, lambda *_: Watcher(None))
    order, _ = probable_errors(left_out.label_prob, left_out.label)
    listed = left_out.image_index[order[: len(chosen)]]
    hits = np.isin(listed, chosen).sum()
    return float(100 * hits / max(len(listed), 1)), float(100 * hits / len(chosen))


def main() -> None:
    """Measure, and write ``results/label_review.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=range(10, 13), help="such as 10-12 (the default) or 0,3")
    parser.add_argument("--data", choices=TITLES, action="append", help="may be given again [default: all]")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="for a try")
    parser.add_argument("--dry", action="store_true", help="write no results")
    options = parser.parse_args()
    for name in options.data or TITLES:
        rows = []
        for seed in options.seeds:
            rows.append(review(name, seed, options.folds, options.steps))
            print(f"{name}, seed {seed}: precision {rows[-1][0]:.1f} %, recall {rows[-1][1]:.1f} %", flush=True)
        entries = [
            measured.Measurement(
                f"label_review/{name}-{kind}",
                f"{kind} of `eval --folds {options.folds} --review` with 5 % of the labels changed: {TITLES[name]}",
                command=measured.command(),
                values=values,
                digits=1,
                seeds=tuple(options.seeds),
                **measured.here(),
            )
            for kind, values in zip(("precision", "recall"), zip(*rows, strict=True), strict=True)
        ]
        if not options.dry:
            measured.write(entries)


if __name__ == "__main__":
    main()
