"""How well the novelty score of the released pair tells other images from digits: the area under the ROC curve.

    python benchmarks/novelty.py

MNIST's 10,000 test images are the digits, Fashion-MNIST's test images and printed letters the others. Letters and, for
a fair comparison, printed digits are rendered from the same fonts. Letters that some font draws as a digit are left
out. 1 is a score that is larger for all other images, 0.5 one that says nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "suite"))

import measured
import numpy as np
import sources
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from written_digits import printed

from aaecli.data.loading import load_dataset
from aaecli.serve.discovery import decoder_beside, find_encoder
from aaecli.serve.novelty import novelty_score, novelty_threshold, reconstruction_error
from aaecli.serve.session import open_decoder, open_encoder

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYabcdefhijkmnpqrtuvwxy"
DIGITS = "0123456789"
NUM_PRINTED = 3000
_BATCH = 500
COMPARED = {
    "fashion": ("digits", "fashion", "Fashion-MNIST among MNIST's test images"),
    "letters": ("digits", "letters", "printed letters among MNIST's test images"),
    "printed": ("printed digits", "letters", "printed letters among printed digits"),
}
SCORES = {"error": "reconstruction error alone", "entropy": "entropy of the answer alone", "novelty": "novelty score"}


def rendered(letters: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Print letters in turn, each in the next font: (N, 28, 28)."""
    fonts = sources.fonts()
    each = ((letters[number % len(letters)], number // len(letters)) for number in range(NUM_PRINTED))
    return np.stack([printed(letter, fonts[turn % len(fonts)], rng) for letter, turn in each])


def scores(images: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """Give each score (N,) of images by the released pair."""
    path = find_encoder(None)
    beside = decoder_beside(path)
    if beside is None:
        raise SystemExit(f"{path} has no decoder.")
    encoder, decoder = open_encoder(path, "cpu"), open_decoder(beside, "cpu")
    threshold = novelty_threshold(encoder.metadata.novelty)
    if threshold is None:
        raise SystemExit(f"{path} has no scale for the novelty score.")
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in SCORES}
    for start in range(0, len(images), _BATCH):
        part = images[start : start + _BATCH]
        label_prob, style = encoder(part)
        error = reconstruction_error(decoder, part, label_prob, style)
        found["error"].append(error)
        found["entropy"].append(novelty_score(np.zeros(len(part)), encoder.by_name(label_prob), threshold))
        found["novelty"].append(novelty_score(error, encoder.by_name(label_prob), threshold))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def main() -> None:
    """Print a line a figure, and write them."""
    rng = np.random.default_rng(0)
    fashion = load_dataset(str(sources.fashion()))
    images = {
        "digits": load_dataset().test_image,
        "fashion": fashion.test_image,
        "letters": rendered(LETTERS, rng),
        "printed digits": rendered(DIGITS, rng),
    }
    found = {name: scores(each) for name, each in images.items()}
    same = {"command": measured.command(), "unit": "", "digits": 3, **measured.here()}
    entries = []
    for key, (known, other, what) in COMPARED.items():
        is_other = np.repeat([0, 1], [len(images[known]), len(images[other])])
        for score, name in SCORES.items():
            value = roc_auc_score(is_other, np.concatenate([found[known][score], found[other][score]]))
            print(f"{what}, {name}: {value:.3f}", flush=True)
            entries.append(
                measured.Measurement(f"novelty/{key}-{score}", f"AUROC of {what}, {name}", values=(value,), **same)
            )
    for key, name in {
        "digits": "MNIST's test images",
        "fashion": "Fashion-MNIST",
        "letters": "printed letters",
    }.items():
        value = 100 * float((found[key]["novelty"] > 1).mean())
        print(f"{name} above 1: {value:.2f} %")
        entries.append(
            measured.Measurement(
                f"novelty/{key}-above",
                f"{name} with a novelty score above 1",
                values=(value,),
                **(same | {"unit": "%", "digits": 1}),
            )
        )
    measured.write(entries)


if __name__ == "__main__":
    main()
