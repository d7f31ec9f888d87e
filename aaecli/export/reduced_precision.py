"""One exported part in reduced precision: calibrated, compared with float32, refused where it loses too much."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from aaecli.checkpoint.file import Checkpoint
from aaecli.config.models import FAMILY
from aaecli.data.loading import load_dataset
from aaecli.errors import AaeError
from aaecli.export.parts import Build
from aaecli.export.quantisation import Cost, Images, Precision, choose_images, compare, reduce_precision, run
from aaecli.priors.style_prior import STYLE_PRIORS
from aaecli.serve.session import to_float

_Feed = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class ReducedPrecision:
    """Reduced precision for an export.

    Attributes:
        precision: ``fp16`` or ``int8``.
        images: Training images to calibrate with, and others to compare on.
        max_loss: Largest loss of accuracy, as a fraction.
    """

    precision: Precision
    images: Images
    max_loss: float = 0.001


def requested(
    precision: str, max_loss: float, checkpoint: Checkpoint, path: Path, data: str | None = None
) -> ReducedPrecision | None:
    """Give the reduced precision that a user asks for; None for float32.

    Args:
        precision: ``fp32``, ``fp16`` or ``int8``.
        max_loss: Largest loss of accuracy, in percentage points.
        checkpoint: The model.
        path: Its file, for an error.
        data: As in ``training_images``.

    Raises:
        AaeError: There is no such precision, the loss is out of range, or as from ``training_images``.
    """
    if precision not in get_args(Precision):
        raise AaeError(f"There is no precision {precision!r}.", f"Choose one of {', '.join(get_args(Precision))}.")
    if not 0 <= max_loss <= 100:
        raise AaeError(f"The largest loss of accuracy cannot be {max_loss} percentage points.", "Give 0 to 100.")
    if precision == "fp32":
        return None
    return ReducedPrecision(cast(Precision, precision), training_images(checkpoint, path, data), max_loss / 100)


def reduce_part(
    build: Build,
    body: bytes,
    encoder: bytes,
    part: str,
    checkpoint: Checkpoint,
    reduced: ReducedPrecision,
    path: Path,
) -> tuple[bytes, dict[str, Any]]:
    """Give a part in reduced precision, with its cost in the metadata.

    Args:
        build: Puts the part together from its graphs.
        body: The part in float32.
        encoder: encoder.onnx in float32, whose codes calibrate the decoder.
        part: ``encoder`` or ``decoder``.
        checkpoint: The model that is exported.
        reduced: The precision, and images for it.
        path: The file that the part becomes, for the error.

    Returns:
        The file, and its cost as ``--json`` and the model card say it.

    Raises:
        AaeError: It loses more accuracy than ``max_loss``.
    """
    images, label = reduced.images, None
    if part == "encoder":
        calibration, evaluation = feed_of_images(images.calibration), feed_of_images(images.evaluation)
        # The columns of a clustering are no classes.
        label = images.label if checkpoint.clusters is None else None
    else:
        has_label = FAMILY[checkpoint.config.model].decoder_label != "none"
        prior, frequency = checkpoint.config.prior, checkpoint.label_frequency if has_label else None
        calibration, evaluation = (
            feed_of_codes(encoder, part_of, (prior.style, prior.style_std), frequency)
            for part_of in (images.calibration, images.evaluation)
        )
    found = build(lambda graph: reduce_precision(graph, reduced.precision, calibration))
    cost = compare(reduced.precision, body, found.SerializeToString(), evaluation, label)
    check_loss(cost, reduced.max_loss, path)
    for key, value in (("precision", reduced.precision), ("cost", json.dumps(as_json(cost)))):
        found.metadata_props.add(key=f"aaecli.{key}", value=value)
    return found.SerializeToString(), as_json(cost)


def training_images(checkpoint: Checkpoint, path: Path, data: str | None = None) -> Images:
    """Choose images of a model's own data set to calibrate with and to compare on.

    Args:
        checkpoint: The model.
        path: Its file, for the error.
        data: Folder of the images; where None, where this machine remembers them to be.

    Raises:
        AaeError: The images are not known or cannot be read, are of other classes, or are too few.
    """
    dataset = load_dataset(checkpoint.data_folder(data, path), checkpoint.config.image)
    if dataset.classes != checkpoint.classes or dataset.image_shape != checkpoint.image_shape:
        raise AaeError(
            f"{dataset.name} does not hold what {path} learnt: its classes or its images differ.",
            "Name the training data with --data.",
        )
    return choose_images(dataset)


def describe_cost(cost: Mapping[str, Any]) -> str:
    """Say what reduced precision costs, in a sentence's middle.

    Args:
        cost: ``as_json`` of it.
    """
    compared = f"on {cost['num_images']:,} training images"
    if cost["accuracy"] is not None:
        before, after = cost["accuracy"]
        return f"{after:.2%} right where float32 has {before:.2%}, {cost['agreement']:.2%} the same class, {compared}"
    if cost["agreement"] is not None:
        return f"{cost['agreement']:.2%} the same class as float32 {compared}"
    return f"differs from float32 by {cost['difference']:.4f} on average on {cost['num_images']:,} inputs"


def check_loss(cost: Cost, max_loss: float, path: Path) -> None:
    """Refuse a model that loses more accuracy than asked for.

    Args:
        cost: What ``compare`` found.
        max_loss: Largest loss, as a fraction.
        path: The file, for the error.

    Raises:
        AaeError: It loses more.
    """
    if cost.loss > max_loss:
        raise AaeError(
            f"{path} in {cost.precision} would lose {100 * cost.loss:.2f} points of accuracy "
            f"on {cost.num_images:,} images, more than {100 * max_loss:.2f}.",
            f"Nothing was written. Export fp32 or fp16, or allow it with --max-loss {100 * cost.loss + 0.005:.2f}.",
        )


def feed_of_images(images: NDArray[np.uint8]) -> _Feed:
    """Give the encoder's input, float32 (N, C, H, W) in [0, 1], for uint8 (N, H, W) or (N, H, W, 3)."""
    stored = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    return {"image": to_float(stored)}


def feed_of_codes(
    encoder: bytes, images: NDArray[np.uint8], prior: tuple[str, float], frequency: NDArray[np.float64] | None
) -> _Feed:
    """Give the decoder's inputs: the codes of images, and as many draws of the priors.

    Args:
        encoder: encoder.onnx in float32.
        images: uint8 (N, H, W) or (N, H, W, 3).
        prior: Name and standard deviation of the prior of the style.
        frequency: (K,), how often the prior of the label draws each value; None for a decoder that reads no label.

    Returns:
        ``style``, float32 (2 N, Z), and with a label ``label``, float32 (2 N, K).
    """
    codes, rng = run(encoder, feed_of_images(images)), np.random.default_rng(0)
    num, style_dim = codes["style"].shape
    feed = {"style": np.concatenate([codes["style"], STYLE_PRIORS[prior[0]].sample(num, style_dim, prior[1], rng)])}
    if frequency is not None:
        one_hot = np.eye(len(frequency), dtype=np.float32)[rng.choice(len(frequency), 2 * num, p=frequency)]
        # Of a decoder that learnt with the true label, the encoder gives none.
        feed = {"label": np.concatenate([codes.get("label_prob", one_hot[:num]), one_hot[num:]])} | feed
    return feed


def as_json(cost: Cost) -> dict[str, Any]:
    """Give what metadata, ``--json`` and the model card say of it."""
    return {
        "num_images": cost.num_images,
        "agreement": cost.agreement,
        "accuracy": None if cost.accuracy is None else list(cost.accuracy),
        "difference": cost.difference,
    }
