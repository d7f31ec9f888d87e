"""How well ``AAEClassifier`` reads scikit-learn's digits from ten labels a class, beside scikit-learn's own methods.

Each seed divides the 1,797 digits of 8 × 8 pixels, a third of each class for the test, and draws ten labelled rows a
class from the rest. All methods see the same rows; a plain SVC sees the labelled ones alone. The figures go to
``results/estimator.json``, from which ``write_docs.py`` writes the table of the docs.

    python benchmarks/estimator.py --seeds 10-14
"""

from __future__ import annotations

import argparse

import measured
import numpy as np
from commands import SEEDS, seeds
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC

from aaecli import AAEClassifier

LABELS = 10


def accuracies(seed: int, preset: str, steps: int) -> dict[str, float]:
    """Give the test accuracy of each method, in per cent."""
    image, label = load_digits(return_X_y=True)
    train, test, known, true = train_test_split(image / 16, label, test_size=1 / 3, stratify=label, random_state=seed)
    rng = np.random.default_rng(seed)
    given = np.concatenate([rng.choice(np.flatnonzero(known == k), LABELS, replace=False) for k in range(10)])
    marked: NDArray[np.int64] = np.full(len(known), -1)
    marked[given] = known[given]
    methods = {
        "AAEClassifier": AAEClassifier(preset=preset, steps=steps, random_state=seed),
        "LabelSpreading": LabelSpreading(kernel="knn", n_neighbors=7),
        "SelfTrainingClassifier(SVC)": SelfTrainingClassifier(SVC(probability=True, gamma="scale", random_state=seed)),
    }
    found = {name: method.fit(train, marked).score(test, true) for name, method in methods.items()}
    found["SVC"] = SVC(gamma="scale").fit(train[given], known[given]).score(test, true)
    return {name: 100 * float(share) for name, share in found.items()}


def main() -> None:
    """Print a line a seed, and the mean and deviation of each method; keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=SEEDS, help="such as 10-14 (the default) or 0,3")
    parser.add_argument("--preset", default="auto")
    parser.add_argument("--steps", type=int, default=800)
    options = parser.parse_args()
    rows = []
    for seed in options.seeds:
        rows.append(accuracies(seed, options.preset, options.steps))
        print(f"seed {seed}: " + ", ".join(f"{name} {share:.2f} %" for name, share in rows[-1].items()), flush=True)
    what = f"test accuracy on scikit-learn's digits from {LABELS} labels a class"
    same = {"command": measured.command(), "digits": 1, "seeds": tuple(options.seeds), **measured.here()}
    found = [
        measured.Measurement(f"estimator/{name}", f"{what}, {name}", values=tuple(row[name] for row in rows), **same)
        for name in rows[0]
    ]
    measured.write(found)
    for name, entry in zip(rows[0], found, strict=True):
        print(f"{name:28} {entry.text}")


if __name__ == "__main__":
    main()
