"""Train the two released models and write ``exports/pretrained``: checkpoint, encoder, decoder and model card.

Both learn from every label of MNIST's training images but the last 10,000, which are for validation, and from digits
that a program draws: skeletons under several pens, fonts, sevens with a bar. Lone strokes get flags while they train.
``encoder.onnx`` is the cascade of the two, ``decoder.onnx`` the small one's, ``model.pt`` the large one. The test
images are evaluated once, at the end. With the same ``--out`` a run that was stopped goes on:

    python benchmarks/release.py --out release                  # trains, then writes release/exports
    python benchmarks/release.py --out release --publish        # writes exports/pretrained too
    python benchmarks/release.py --out release --strangers DIR  # evaluates a folder of other people's digits too

The fonts are those of Debian's fonts-dejavu, fonts-liberation and fonts-freefont; from FreeFont nothing is learnt.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "suite"))

import measured
import sources
from written_digits import barred, printed, written

import aaecli
from aaecli.checkpoint.file import Checkpoint, load_model, save_model
from aaecli.data.dataset import all_labelled
from aaecli.data.loading import load_dataset
from aaecli.evaluation.predict import evaluate_predictions, predict_stored
from aaecli.export.cascade import CONFIDENCE, cascade
from aaecli.export.model_card import model_card
from aaecli.export.onnx import export_onnx
from aaecli.files.outputs import Outputs
from aaecli.files.own_files import sealed

PUBLISHED = Path(__file__).parents[1] / "exports" / "pretrained"
DIGITS = "0123456789"
SETTINGS: dict[str, Any] = {"labels": "all", "seed": 0, "augmentation": "digits"}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    # 15 passes over the images; `best` takes 29
    "release": ("best", {"schedule": {"steps": 3000, "min_labelled_epochs": 0}}),
    "small": (
        "default",
        {
            "objective": {"consistency": 1.0},
            "schedule": {
                "steps": 4000,
                "min_labelled_epochs": 0,
                "batch_size": 128,
                "labelled_batch_size": 128,
                "decoder_batch_size": 48,
            },
        },
    ),
}
"""Preset of each model, and what differs from it beside ``SETTINGS``."""
HELD_OUT = "freefont"
"""Fonts whose path contains this are not learnt from."""
_WRITTEN = {digit: 2000 if digit in "17" else 1000 for digit in DIGITS}
_COMMAND = "python benchmarks/release.py --out release --strangers DIR --publish"
_PRINTED = 12
"""Pictures of each digit in each font."""
_DATA = (
    "Both encoders of the cascade learnt from the same: 50,000 training images of MNIST with their labels; "
    "{written:,} digits that a program wrote from skeletons, with "
    "pens of several kinds; {printed:,} digits printed in the {fonts} fonts of DejaVu and Liberation (Debian's "
    "fonts-dejavu and fonts-liberation); {barred:,} of MNIST's sevens with a bar drawn through the stem. During "
    "training, half of the lone upright strokes, nearly all of them ones, got a flag, and a quarter of these a foot. "
    "The other 10,000 training images of MNIST were for validation. The test images were evaluated once, at the end of "
    "training, and decided nothing."
)


def draw(path: Path) -> dict[str, int]:
    """Write the data set that is learnt from, and a sheet of what was drawn; gives how many of each kind."""
    rng = np.random.default_rng(SETTINGS["seed"])
    mnist = load_dataset()
    image, label = mnist.train_image[:50_000], mnist.train_label[:50_000]
    fonts = [font for font in sources.fonts() if HELD_OUT not in str(font)]
    kinds: dict[str, list[tuple[int, NDArray[np.uint8]]]] = {
        "written": [(int(digit), written(digit, rng)) for digit, count in _WRITTEN.items() for _ in range(count)],
        "printed": [
            (int(digit), printed(digit, font, rng)) for font in fonts for digit in DIGITS for _ in range(_PRINTED)
        ],
        "barred": [(7, drawn) for seven in image[label == 7] if (drawn := barred(seven, rng)) is not None],
    }
    drawn = [pair for pairs in kinds.values() for pair in pairs]
    np.savez_compressed(
        path,
        x_train=np.concatenate([image, [picture for _, picture in drawn]]),
        y_train=np.concatenate([label, [digit for digit, _ in drawn]]).astype(np.uint8),
        x_val=mnist.train_image[50_000:],
        y_val=mnist.train_label[50_000:].astype(np.uint8),
        x_test=mnist.test_image,
        y_test=mnist.test_label.astype(np.uint8),
    )
    shown = [pairs[index] for pairs in kinds.values() for index in rng.permutation(len(pairs))[:200]]
    sheet = np.stack([picture for _, picture in shown]).reshape(-1, 40, 28, 28).swapaxes(1, 2).reshape(-1, 40 * 28)
    Image.fromarray(sheet).save(path.with_suffix(".png"))
    return {kind: len(pairs) for kind, pairs in kinds.items()} | {"fonts": len(fonts)}


def train(name: str, folder: Path, data: Path, steps: int | None, threads: int) -> aaecli.Run:
    """Train a model, or go on with a training that was stopped; one that is done stays as it is."""
    runs = sorted((folder / "runs").glob(f"{name}-*/config.toml"))
    if runs:
        run = aaecli.load_run(runs[-1].parent)
        return run if run.state == "done" else aaecli.resume(run, data=data, progress=say)
    preset, own = MODELS[name]
    schedule = own["schedule"] | ({"steps": steps} if steps else {})
    settings = {**SETTINGS, **own, "schedule": schedule, "threads": threads}
    return aaecli.train(data, preset=preset, settings=settings, out=folder / "runs", name=name, progress=say)


def say(progress: aaecli.Progress) -> None:
    """Print a line for each look at the validation images."""
    if progress.row:
        print(
            f"step {progress.step:,} of {progress.num_steps:,}: {progress.row['validation_accuracy']:.2%} of the "
            f"validation images, {progress.row['seconds']:,.0f} s",
            flush=True,
        )


def export(large: aaecli.Run, small: aaecli.Run, folder: Path, counts: dict[str, int]) -> Checkpoint:
    """Write the released files, from weights in half precision, and give the model that they are of."""
    folder.mkdir(exist_ok=True)
    models = []
    for run in (large, small):
        model = load_model(run.path / "model.pt")
        # Evaluated on MNIST, which is in the package; the card says what was learnt from.
        model.config = dataclasses.replace(model.config, data="")
        model.run_id = None
        models.append(_halved(model, folder / "model.pt"))
    evaluated(models[0])
    save_model(folder / "model.pt", models[0], half=True)
    model = cascade(models[1], load_model(folder / "model.pt"), CONFIDENCE, folder / "model.pt")
    report = evaluated(model)
    outputs = Outputs(force=True)
    files = export_onnx(model, folder, print, outputs)
    card = model_card(model, load_dataset(), report, files)
    head, rest = card.split("## Data\n\n")
    tail = rest.split("\n\n## Accuracy", 1)[1]
    bytes_of = (folder / "model.pt").stat().st_size
    head = head.replace(
        "\n\nThe encoder reads",
        f"\n- `model.pt`: {bytes_of / 1e6:.1f} MB, the large model, to start from: `aaecli train --start released`"
        "\n\nThe encoder reads",
        1,
    )
    outputs.write(folder / "README.md", sealed(f"{head}## Data\n\n{_DATA.format(**counts)}\n\n## Accuracy{tail}"))
    return model


def _halved(model: Checkpoint, path: Path) -> Checkpoint:
    """Round the weights to half precision, by way of a file."""
    save_model(path, model, half=True)
    return load_model(path)


def evaluated(model: Checkpoint) -> dict[str, Any]:
    """Evaluate on MNIST's test images: half precision may classify another image in another class."""
    mnist = load_dataset()
    report = evaluate_predictions(model, predict_stored(model, mnist.test_image, mnist.test_label), mnist.test_label)
    model.summary["test_accuracy"] = report["accuracy"]
    return report


def right(model: Checkpoint, image: NDArray[np.uint8], label: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which images are classified as their labels say: bool (N,)."""
    label_prob = np.asarray(predict_stored(model, image, label).label_prob)
    return np.asarray(label_prob.argmax(1) == label)


def evaluate(model: Checkpoint, strangers: Path | None) -> list[measured.Measurement]:
    """Evaluate on MNIST's test images, on every font upright, and on a folder of other people's digits."""
    mnist, rng = load_dataset(), np.random.default_rng(1)
    found = {"mnist": ("the released encoder on MNIST's test images", right(model, mnist.test_image, mnist.test_label))}
    for name, fonts in {
        "fonts": sources.fonts(),
        "unseen-fonts": [font for font in sources.fonts() if HELD_OUT in str(font)],
    }.items():
        pictures = np.stack([printed(digit, font, rng) for font in fonts for digit in DIGITS])
        label = np.tile(np.arange(10), len(fonts))
        found[name] = (f"the released encoder on digits in {len(fonts)} fonts", right(model, pictures, label))
    if strangers is not None:
        others = all_labelled(load_dataset(strangers, model.config.image))
        # A folder that lacks a class has other numbers.
        label = np.array([int(others.classes[index]) for index in others.test_label])
        is_right = right(model, others.test_image, label)
        found["strangers"] = (f"the released encoder on {len(label)} digits of strangers", is_right)
        for digit in (1, 7):
            found[f"strangers-{digit}"] = (f"the same, the digit {digit} alone", is_right[label == digit])
    return [
        measured.Measurement(
            f"release/{name}",
            what,
            _COMMAND,
            (float(100 * is_right.mean()),),
            "%",
            digits=2,
            seeds=(int(SETTINGS["seed"]),),
            **measured.here(),
        )
        for name, (what, is_right) in found.items()
    ]


def main() -> None:
    """Draw, train, export, evaluate: what is there already is not done again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, help="steps, for a try")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--strangers", type=Path, help="a folder of pictures, a sub-folder for each digit")
    parser.add_argument("--publish", action="store_true", help="write exports/pretrained and results/release.json")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    counts = draw(options.out / "digits.npz")
    print(", ".join(f"{count:,} {kind}" for kind, count in counts.items()), flush=True)
    runs = [train(name, options.out, options.out / "digits.npz", options.steps, options.threads) for name in MODELS]
    model = export(*runs, PUBLISHED if options.publish else options.out / "exports", counts)
    measurements = evaluate(model, options.strangers)
    for entry in measurements:
        print(f"{entry.what}: {entry.text}")
    if options.publish:
        measured.write(measurements)


if __name__ == "__main__":
    main()
