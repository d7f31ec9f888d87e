"""How many pictures `aaecli label --clusters 30` labels, and how many of the labels are right.

    python benchmarks/clusters.py --seeds 10-12

The pictures are the first 10,000 training images of MNIST, without labels. Whoever names a cluster sees 16 members, as
on the sheet, and gives it the class of most of them; a cluster with fewer than 12 of one class is called mixed.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import measured
import numpy as np
from commands import aaecli, seeds
from PIL import Image

from aaecli.checkpoint.file import load_model
from aaecli.data.loading import load_dataset
from aaecli.experiments.results import fingerprint
from aaecli.labelling.clusters import MIXED, find_clusters, shown_members

NUM_PICTURES, NUM_CLUSTERS = 10_000, 30
NUM_SHOWN, NUM_ALIKE = 16, 12
KINDS = {
    "labelled": "share of 10,000 pictures that names of 30 clusters label",
    "right": "share of these labels that are right",
    "named": "clusters that got a name",
}


def label(seed: int) -> tuple[dict[str, float], str]:
    """Find clusters, name them and take the labels; give the figures, and the fingerprint of the settings."""
    with tempfile.TemporaryDirectory() as place:
        folder, mnist = Path(place), load_dataset()
        (folder / "digits").mkdir()
        for index in range(NUM_PICTURES):
            Image.fromarray(mnist.train_image[index]).save(folder / f"digits/{index:05d}.png")
        words = ("label", "digits", "--clusters", NUM_CLUSTERS)
        aaecli(folder, *words, "--seed", seed, "--threads", 1, "--out", "ask.csv")
        (path,) = folder.glob("runs/*/model.pt")
        model = load_model(path)
        dataset = load_dataset(folder / "digits", model.config.image)
        label = mnist.train_label[[int(Path(name).stem) for name in dataset.train_name]]
        names = {}
        for cluster in find_clusters(model, dataset).clusters:
            counts = np.bincount(label[shown_members(cluster, NUM_SHOWN)], minlength=10)
            if counts.sum():
                names[cluster.number] = str(counts.argmax()) if counts.max() >= NUM_ALIKE else MIXED
        rows = [("cluster", "label"), *names.items()]
        (folder / "names.csv").write_text("".join(f"{number},{name}\n" for number, name in rows), encoding="utf-8")
        aaecli(folder, *words, "--model", path, "--names", "names.csv")
        with (folder / "digits/labels.csv").open(encoding="utf-8", newline="") as file:
            given = [(int(Path(row["path"]).stem), int(row["label"])) for row in csv.DictReader(file)]
    right = np.mean([mnist.train_label[index] == name for index, name in given])
    named = sum(name != MIXED for name in names.values())
    found = {"labelled": 100 * len(given) / NUM_PICTURES, "right": 100 * float(right), "named": float(named)}
    print(f"seed {seed}: {found}", flush=True)
    return found, fingerprint(model.config)


def main() -> None:
    """Measure, and write ``results/clusters.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=range(10, 13), help="such as 10-12 (the default) or 0,3")
    parser.add_argument("--dry", action="store_true", help="write no results")
    options = parser.parse_args()
    rows, settings = zip(*(label(seed) for seed in options.seeds), strict=True)
    entries = [
        measured.Measurement(
            f"clusters/{kind}",
            what,
            command=measured.command(),
            values=tuple(row[kind] for row in rows),
            unit="" if kind == "named" else "%",
            digits=1,
            seeds=tuple(options.seeds),
            settings=settings[0],
            **measured.here(),
        )
        for kind, what in KINDS.items()
    ]
    if not options.dry:
        measured.write(entries)


if __name__ == "__main__":
    main()
