"""The model card beside an exported pair: what it learnt from, reaches and fails at (Mitchell et al. 2019)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aaecli import __version__
from aaecli.checkpoint.file import Checkpoint
from aaecli.config.models import FAMILY
from aaecli.config.resolve import to_toml
from aaecli.config.schema import Config
from aaecli.data.dataset import Dataset, kept_back
from aaecli.data.loading import load_dataset
from aaecli.errors import AaeError
from aaecli.evaluation.predict import evaluate_predictions, predict_stored
from aaecli.export.reduced_precision import describe_cost
from aaecli.metrics.registry import Metric
from aaecli.metrics.report import calibration_note, columns, shown_numbers
from aaecli.models.cascade import Cascade
from aaecli.text import for_markdown, for_toml

_MNIST_LICENCE = (
    "The weights are under the MIT licence, as the program is. MNIST, by Yann LeCun, Corinna Cortes and Christopher "
    "Burges, is under CC BY-SA 3.0."
)


def describe(checkpoint: Checkpoint, files: dict[str, Any], path: Path, data: str | None = None) -> str:
    """Evaluate a model on images that it did not learn from, and describe it as Markdown.

    They are the test images of its data set, else the labelled pictures that were kept back; where there are neither,
    the card says that nobody knows how accurate the model is.

    Args:
        checkpoint: The model.
        files: What ``export_onnx`` gave.
        path: Its file, for an error.
        data: The folder of its images; None where it was trained, which only this user's own trainings tell.

    Raises:
        AaeError: The data set cannot be loaded.
    """
    dataset = load_dataset(checkpoint.data_folder(data, path), checkpoint.config.image)
    if not len(dataset.test_label):
        try:
            dataset = kept_back(dataset, checkpoint.summary.get("holdout", ()), path)
        except AaeError:
            return model_card(checkpoint, dataset, None, files)
    prediction = predict_stored(checkpoint, dataset.test_image, dataset.test_label, "cpu")
    return model_card(checkpoint, dataset, evaluate_predictions(checkpoint, prediction, dataset.test_label), files)


def model_card(checkpoint: Checkpoint, dataset: Dataset, report: dict[str, Any] | None, files: dict[str, Any]) -> str:
    """Write the card.

    Args:
        checkpoint: The model.
        dataset: Its data set.
        report: What ``evaluate_predictions`` made of its answers for the images of ``test_image``, if any.
        files: What ``export_onnx`` gave.
    """
    config = checkpoint.config
    channels, height, width = checkpoint.image_shape
    which = _which_labels(checkpoint)
    name = for_markdown(dataset.name)
    lines = [f"- `{Path(entry['path']).name}`: {entry['bytes'] / 1e6:.1f} MB{_cost(entry)}" for entry in files.values()]
    ink = ", light strokes on black" if config.image.has_strokes else ""
    parts = [
        f"# Model card: {config.model} on {name}",
        f"Made by `aaecli export` {__version__} from a run with preset `{for_markdown(config.preset)}`, {which} "
        f"and seed {config.seed}: {checkpoint.summary['steps']:,} steps.",
        "## Files",
        "\n".join(lines),
        f"The encoder reads `image`, float32 (batch, {channels}, {height}, {width}) in [0, 1]{ink}, and gives "
        f"`label_prob` (batch, {len(checkpoint.classes)}) and, where the model has one, `style`. The decoder reads "
        "`label` and `style` and gives `image`. The metadata of both files say the rest."
        + _read_again(checkpoint)
        + _temperature(checkpoint),
        "## Use",
        _commands(checkpoint, draws="decoder" in files),
        "## Data",
        f"{name}: {which}; {_others(dataset)}{_origin(config)}",
        "## Accuracy",
        _figures(report, is_kept_back=dataset.images_of == "holdout"),
        "## Limits",
        "- It answers with one of its classes whatever the picture shows; `aaecli classify` warns where a picture "
        "is unlike the training images.\n"
        f"- It classifies one {height} × {width} image of the kind that it was trained on. Accuracy is lower on "
        "pictures of another kind: other handwriting, other pens, other scans.\n"
        "- Generated images resemble the training images; they are no substitute for new training data.",
        "## Licence",
        _MNIST_LICENCE if not config.data else "That of the data it was trained on: its owner's to say.",
        "## Settings",
        f"```toml\n{for_toml(to_toml(config).strip())}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _read_again(checkpoint: Checkpoint) -> str:
    """Say which images are classified again and how, as the next sentences of a paragraph."""
    encoder = checkpoint.encoder
    if isinstance(encoder, Cascade):
        return (
            " The encoder is a cascade: where the largest probability for an image is at most "
            f"{encoder.confidence:g}, a larger encoder gives its `label_prob`; `style` is always the small one's."
        )
    shift, confidence = encoder.test_time_shift, encoder.test_time_confidence
    if not shift:
        return ""
    pixels = "1 pixel" if shift == 1 else f"{shift} pixels"
    return (
        " Test-time augmentation is part of the encoder: where the largest probability for an image is at most "
        f"{confidence:g}, its `label_prob` is the mean over the image and four copies of it, each moved by {pixels} to "
        "one side. Other images are read once. `style` is always that of the image itself."
    )


def _temperature(checkpoint: Checkpoint) -> str:
    """Say what the logits are divided by, as the next sentence of a paragraph."""
    temperature, num_images = checkpoint.encoder.temperature, checkpoint.summary.get("num_temperature_images")
    if temperature == 1 or not num_images:
        return ""
    return (
        f" The logits of `label_prob` are divided by {temperature:.3f}, a temperature fitted on {num_images:,} "
        "labelled validation images (Guo et al. 2017); it changes no class."
    )


def _cost(entry: dict[str, Any]) -> str:
    return f", {entry['precision']}: {describe_cost(entry['cost'])}" if "cost" in entry else ""


def _which_labels(checkpoint: Checkpoint) -> str:
    labels = checkpoint.config.labels
    if not FAMILY[checkpoint.config.model].uses_labels:
        return "no labels"
    return "all labels" if labels == "all" else f"{labels} labelled images"


def _others(dataset: Dataset) -> str:
    if not dataset.is_collection:
        return (
            "the other training images, but those kept for validation, without their labels. The test images were "
            "evaluated once, at the end of training, and decided nothing."
        )
    if dataset.images_of == "holdout":
        return "the pictures without a label too. The labelled pictures of the evaluation were held out from training."
    return "the pictures without a label too."


def _origin(config: Config) -> str:
    """Say what the weights began as, and what was learnt beside the data set, as the next sentences."""
    text = ""
    if config.start.model:
        text += (
            f" The training started from the weights of `{for_markdown(config.start.model)}` (SHA-256 "
            f"`{config.start.sha256}`), so that the model also knows what that one had learnt."
        )
    if config.rehearsal.data:
        text += (
            f" {config.rehearsal.fraction:.0%} of each batch were images of `{for_markdown(config.rehearsal.data)}` "
            "with their labels."
        )
    return text


def _commands(checkpoint: Checkpoint, *, draws: bool) -> str:
    """Give the commands that use the files, typed in their folder."""
    lines = []
    if FAMILY[checkpoint.config.model].encodes_label:
        lines.append("    aaecli classify --model . picture.png")
    if draws:
        lines.append("    aaecli generate --model . --out drawn.png")
    return "\n".join(["In this folder:", "", *lines])


def _notes(report: dict[str, Any], name: str, metric: Metric) -> str:
    notes = [note for note in (metric.note, calibration_note(report, name)) if note]
    return f" ({', '.join(notes)})" if notes else ""


def _figures(report: dict[str, Any] | None, *, is_kept_back: bool = False) -> str:
    if report is None:
        return (
            "Unknown: there are no test images, and no labelled picture was held out from training. "
            "`aaecli eval --folds 5` cross-validates these settings."
        )
    what = "Held-out labelled pictures" if is_kept_back else "Test images"
    if "accuracy" not in report:
        return (
            f"The model has no classes. {what}: mean squared error of their reconstruction "
            f"{report['reconstruction_error']:.5f}."
        )
    low, high = report["accuracy_interval"]
    others = [
        for_markdown(f"{metric.title} {metric.shown(report[name])}{_notes(report, name, metric)}")
        for name, metric in shown_numbers(report, "model_card")
        if name != "accuracy"
    ]
    shown = columns(report)
    rows = [
        " | ".join(
            ["", for_markdown(entry["class"]), *(metric.shown(entry[name]) for name, metric in shown), ""]
        ).strip()
        for entry in report["classes"]
    ]
    return "\n".join(
        [
            f"{what}: **{report['accuracy']:.2%}** of {report['num_images']:,} (95 % interval {low:.2%} to "
            f"{high:.2%}); {', '.join(others)}. One seed: "
            "another seed gives a slightly higher or lower accuracy.",
            "",
            f"| class | {' | '.join(for_markdown(metric.title) for _, metric in shown)} |",
            "|---" * (1 + len(shown)) + "|",
            *rows,
        ]
    )
