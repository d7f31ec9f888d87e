"""The model card beside an exported pair: what it learnt from, reaches and fails at (Mitchell et al. 2019)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aaecli import __version__
from aaecli.data.dataset import load_dataset
from aaecli.errors import AaeError
from aaecli.learn.checkpoint import Checkpoint
from aaecli.learn.predict import judge, predict_stored
from aaecli.paths import replacing
from aaecli.settings import to_toml
from aaecli.text import for_markdown, for_toml

CARD = "README.md"

_MNIST_LICENCE = (
    "The weights are under the MIT licence, as the program is. MNIST, by Yann LeCun, Corinna Cortes and Christopher "
    "Burges, is under CC BY-SA 3.0."
)


def write_card(checkpoint: Checkpoint, folder: Path, files: dict[str, Any]) -> Path:
    """Judge a model on the test images of its data set, and write the card beside its exported files.

    Args:
        checkpoint: The model.
        folder: Where its files are.
        files: What ``export_onnx`` gave.

    Raises:
        AaeError: The data set has no test images, or the card cannot be written.
    """
    dataset = load_dataset(checkpoint.data_folder(None, Path("the model")), checkpoint.config.image)
    if not len(dataset.test_image):
        raise AaeError(f"{dataset.name} has no test images for the card to speak of.", "Leave out --card.")
    prediction = predict_stored(checkpoint, dataset.test_image, dataset.test_label, "cpu")
    report = judge(checkpoint, prediction, dataset.test_label)
    with replacing(folder / CARD) as temporary:
        temporary.write_text(model_card(checkpoint, dataset.name, report, files), encoding="utf-8")
    return folder / CARD


def model_card(checkpoint: Checkpoint, dataset: str, report: dict[str, Any], files: dict[str, Any]) -> str:
    """Write the card, as Markdown.

    Args:
        checkpoint: The model.
        dataset: Name of its data set.
        report: What ``aaecli.learn.predict.judge`` made of its answers for the test images.
        files: What ``export_onnx`` gave.
    """
    config = checkpoint.config
    channels, height, width = checkpoint.image_shape
    which = "all labels" if config.labels == "all" else f"{config.labels} labelled images"
    lines = [f"- `{Path(facts['path']).name}`: {facts['bytes'] / 1e6:.1f} MB" for facts in files.values()]
    parts = [
        f"# Model card: {config.model} on {for_markdown(dataset)}",
        f"Made by `aaecli export` {__version__} from a training with preset `{config.preset}`, {which} and seed "
        f"{config.seed}: {checkpoint.facts['steps']:,} steps.",
        "## Files",
        "\n".join(lines),
        f"The encoder reads `image`, float32 (batch, {channels}, {height}, {width}) in [0, 1], and gives `label_prob` "
        f"(batch, {len(checkpoint.classes)}) and, where the model has one, `style`. The decoder reads `label` and "
        "`style` and gives `image`. The metadata of both files say the rest.",
        "## Data",
        f"{for_markdown(dataset)}: {which}; the other training images, but those kept for validation, without their "
        "labels. The test images were read once, when the training was done, and decided nothing.",
        "## Accuracy",
        _figures(report),
        "## Limits",
        "- It answers with one of its classes whatever the picture shows; `aaecli classify` warns where a picture "
        "looks unlike what the model saw.\n"
        f"- It reads one {height} × {width} image of the kind that it was trained on. Pictures of another kind, other "
        "handwriting, other pens, other scans, are read less well than the test images.\n"
        "- What the decoder draws resembles the training images; it is no source of new handwriting to learn from.",
        "## Licence",
        _MNIST_LICENCE if dataset == "MNIST" else "That of the data it was trained on: its owner's to say.",
        "## Settings",
        f"```toml\n{for_toml(to_toml(config).strip())}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _figures(report: dict[str, Any]) -> str:
    if "accuracy" not in report:
        return (
            "The model names no classes. Mean squared error of its drawings of the test images: "
            f"{report['reconstruction_error']:.5f}."
        )
    low, high = report["accuracy_interval"]
    rows = [
        f"| {for_markdown(entry['class'])} | {entry['precision']:.2%} | {entry['recall']:.2%} | {entry['f1']:.2%} "
        f"| {entry['num_images']:,} |"
        for entry in report["classes"]
    ]
    return "\n".join(
        [
            f"Test images: **{report['accuracy']:.2%}** of {report['num_images']:,} (95 % interval {low:.2%} to "
            f"{high:.2%}); expected calibration error {report['expected_calibration_error']:.4f}. One seed: "
            "another training of these settings comes out a little higher or lower.",
            "",
            "| class | precision | recall | F1 | images |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )
