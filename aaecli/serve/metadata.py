"""What an exported model says about itself in its ``metadata_props``."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aaecli.config.models import MAX_CLASSES
from aaecli.data.preprocessing.prepare import Recipe
from aaecli.errors import AaeError
from aaecli.files.opening import open_regular

SCHEMA = "1"
MAX_SIDE = 1024
"""Largest height or width of the images of a model, in pixels."""
_TAIL = 2**16
_MAX_NAME = 255
Part = Literal["encoder", "decoder"]
Transpose = Literal["auto", "yes", "no"]
_TRANSPOSE: dict[str, Transpose] = {"auto": "auto", "yes": "yes", "no": "no"}


@dataclass(frozen=True)
class Metadata:
    """The description that both files of an exported pair carry.

    Attributes:
        part: Which of the two this file is.
        classes: Name of each class; column k of ``label_prob`` belongs to ``classes[k]``. Columns that are clusters
            carry the name of their class, so that one name may stand several times. Empty without a label.
        image_shape: Channels (1 or 3), height and width of an image.
        normalise: Whether pictures are brought into the form of strokes, light on black; otherwise they are resized.
        transpose: Whether rows and columns of images in IDX files are swapped, to be what the model learnt from.
        label_prior: How often the categorical prior drew each of the classes, or clusters, adding up to 1; all alike
            in a file that does not say.
        style_dim: Number of dimensions of the style; 0 where the model has none (a baseline).
        style_prior: Name of their prior, a name in ``aaecli.priors.style_prior.STYLE_PRIORS``.
        style_std: Standard deviation of that prior in each of them.
        novelty: Pairs (quantile, reconstruction error) measured on the validation images, both rising; empty
            where the model cannot reconstruct.
        model: Row of the family of models.
        preset: Preset that it was trained with.
        labels: How many labels it saw: a number or ``all``.
        seed: Seed of the training.
        test_accuracy: Share of the test images that the exported model reads correctly, in [0, 1]; None if unknown.
        version: Version of aaecli that wrote the file.
        temperature: What the logits of the label are divided by inside the graph, fitted on validation images; 1 in a
            file that does not say.
        precision: Of the weights: ``fp32``, ``fp16`` or ``int8``; inputs and outputs are float32 in all three.
        data: Name of the data set that it was trained on; empty if unknown.
        on_embedded: Whether that is the embedded MNIST.
    """

    part: Part
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    normalise: bool
    transpose: Transpose
    style_dim: int
    style_prior: str
    style_std: float
    novelty: tuple[tuple[float, float], ...]
    model: str
    preset: str
    labels: str
    seed: str
    test_accuracy: float | None
    precision: str
    version: str
    data: str = ""
    on_embedded: bool = False
    temperature: float = 1.0
    label_prior: tuple[float, ...] = ()

    @property
    def recipe(self) -> Recipe:
        """How a picture becomes the model's input."""
        return Recipe(self.image_shape[1:], normalise=self.normalise, channels=self.image_shape[0])


def read_metadata(props: Mapping[str, str], path: Path) -> Metadata:
    """Check and unpack the ``metadata_props`` of an ONNX file.

    Raises:
        AaeError: The file was not written by ``aaecli export``, or by a newer one, or its description is damaged.
    """
    schema = props.get("aaecli.schema")
    if schema is None or "aaecli.part" not in props:
        raise AaeError(
            f"{path} is an ONNX model, but none that `aaecli export` wrote.",
            "Name an encoder.onnx from `aaecli export --onnx` with --model.",
        )
    if schema != SCHEMA:
        raise AaeError(
            f"{path} follows schema {schema}; this aaecli reads schema {SCHEMA}.",
            "Upgrade aaecli, or export the model again.",
        )
    try:
        return _unpack(props)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise AaeError(
            f"{path} describes itself wrongly in its metadata ({type(error).__name__}: {error}).",
            "Export the model again with `aaecli export --onnx`.",
        ) from error


def peek_recipe(path: Path) -> Recipe | None:
    """Look for the description of the image at the end of an ONNX file, where an export has its metadata.

    A hint only, for what can begin while the model is being opened; None where it is not found.
    """
    try:
        with open_regular(path) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            found = re.search(rb"aaecli\.image\x12.{1,2}?(\{[^{}]*\})", file.read(), re.DOTALL)
            image = json.loads(found[1]) if found else {}
        return _recipe(image)
    except (AaeError, OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _recipe(image: Mapping[str, Any]) -> Recipe:
    # Files from before pictures could be left as they are do not say that theirs are strokes.
    normalise = {"strokes": True, "none": False}[image.get("normalise", "strokes")]
    shape = (int(image["height"]), int(image["width"]))
    if not all(1 <= size <= MAX_SIDE for size in shape) or image["channels"] not in (1, 3):
        raise ValueError("the image's size is out of range")
    return Recipe(shape, normalise=normalise, channels=int(image["channels"]))


def _unpack(props: Mapping[str, str]) -> Metadata:
    part = props["aaecli.part"]
    if part not in ("encoder", "decoder"):
        raise ValueError(f"the part is {part!r}")
    classes = json.loads(props["aaecli.classes"])
    if not isinstance(classes, list) or len(classes) == 1 or not all(isinstance(name, str) for name in classes):
        raise ValueError("the classes are no list of names")
    if len(classes) > MAX_CLASSES:
        raise ValueError(f"it has more than {MAX_CLASSES:,} classes")
    image = json.loads(props["aaecli.image"])
    recipe = _recipe(image)
    if recipe.normalise and recipe.channels != 1:
        raise ValueError("strokes have no colour")
    prior: dict[str, Any] = json.loads(props.get("aaecli.style_prior") or "null") or {}
    # Which priors there are, plug-ins say, and only who draws from one has to have it.
    if prior and not (isinstance(prior.get("name"), str) and len(prior["name"]) <= _MAX_NAME):
        raise ValueError("the style prior has no name")
    scale: dict[str, Any] = json.loads(props.get("aaecli.novelty") or "null") or {}
    pairs = zip(scale.get("quantile", ()), scale.get("reconstruction_error", ()), strict=True)
    accuracy = float(props["aaecli.test_accuracy"]) if props.get("aaecli.test_accuracy") else None
    data: dict[str, Any] = json.loads(props.get("aaecli.data") or "null") or {}
    if not isinstance(data.get("name", ""), str) or len(data.get("name", "")) > _MAX_NAME:
        raise ValueError("the data set has no name")
    precision = props.get("aaecli.precision", "fp32")
    if precision not in ("fp32", "fp16", "int8"):
        raise ValueError("the precision is unknown")
    std, temperature = float(prior.get("std", 1.0)), float(props.get("aaecli.temperature", 1.0))
    if not 0 < std < math.inf or not 0 < temperature < math.inf or not (accuracy is None or 0 <= accuracy <= 1):
        raise ValueError("a number is out of range")
    novelty = tuple(sorted((float(quantile), float(error)) for quantile, error in pairs))
    if not all(math.isfinite(value) for pair in novelty for value in pair):
        raise ValueError("a number is out of range")
    frequencies = json.loads(props.get("aaecli.label_prior") or "null")
    if frequencies is None:
        frequencies = [1 / len(classes) for _ in classes]
    label_prior = tuple(float(share) for share in frequencies)
    if len(label_prior) != len(classes) or not all(0 <= share <= 1 for share in label_prior):
        raise ValueError("the label prior does not fit the classes")
    return Metadata(
        part="encoder" if part == "encoder" else "decoder",
        classes=tuple(classes),
        image_shape=(recipe.channels, *recipe.shape),
        normalise=recipe.normalise,
        transpose=_TRANSPOSE[image.get("transpose", "auto")],
        style_dim=int(prior.get("dim", 0)),
        style_prior=prior.get("name", "gaussian"),
        style_std=std,
        novelty=novelty,
        model=props.get("aaecli.model", ""),
        preset=props.get("aaecli.preset", ""),
        labels=props.get("aaecli.labels", ""),
        seed=props.get("aaecli.seed", ""),
        test_accuracy=accuracy,
        precision=precision,
        version=props.get("aaecli.version", ""),
        data=data.get("name", ""),
        on_embedded=data.get("embedded") is True,
        temperature=temperature,
        label_prior=label_prior,
    )
