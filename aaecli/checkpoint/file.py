"""Files of weights: plain types and tensors only, so that reading one never runs code from it."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from aaecli import __version__
from aaecli.checkpoint.container import SCHEMA, opened
from aaecli.checkpoint.loading import (
    MAX_MODEL_BYTES,
    checked_frequencies,
    checked_shape,
    checked_summary,
    hold,
    make_networks,
)
from aaecli.checkpoint.provenance import data_folder
from aaecli.checkpoint.tensors import filled, packed_names, plain, unpacked_names
from aaecli.config.models import MAX_CLASSES
from aaecli.config.schema import Config, from_table, to_table
from aaecli.errors import AaeError
from aaecli.files.opening import shown
from aaecli.files.writing import replacing
from aaecli.metrics.clusters import class_prob
from aaecli.models.networks import Encoder
from aaecli.plugins import HOW_TO_LOAD, NotRegisteredError


@dataclass
class Checkpoint:
    """A trained model: everything needed to use it, nothing needed to resume training.

    Attributes:
        config: The settings it was trained with.
        classes: Names of the K classes.
        image_shape: Channels, height and width of its images.
        encoder: The encoder.
        decoder: The decoder, or None where the model has none.
        summary: What was measured: ``validation_accuracy``, ``test_accuracy`` (in [0, 1]), ``steps``, ``seconds``,
            ``novelty`` (quantiles of the reconstruction error on the validation images), ``temperature`` (that of the
            encoder; 1 where it is left out).
        clusters: The class of each cluster, of a model that found clusters; None for every other.
        label_prior: Frequency of each value of the label (class or cluster) in the categorical prior, as resolved from
            settings and labels; they add up to 1. None where it is unknown.
        run_id: The identifier of its run.
    """

    config: Config
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    encoder: Encoder
    decoder: nn.Module | None
    summary: dict[str, Any] = field(default_factory=dict)
    clusters: tuple[int, ...] | None = None
    label_prior: tuple[float, ...] | None = None
    run_id: str | None = None

    @property
    def unfinished(self) -> str:
        """How far the run of the model is; empty where it is done."""
        steps, num_steps = self.summary.get("steps"), self.summary.get("num_steps")
        if type(steps) is not int or type(num_steps) is not int or steps >= num_steps:
            return ""
        return f"step {steps:,} of {num_steps:,}"

    def data_folder(self, given: str | None, path: Path) -> str:
        """Give the folder of the images that it was trained on, as ``provenance.data_folder`` does."""
        return data_folder(self.config.data, self.run_id, given, path)

    def class_prob(self, label_prob: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the probabilities of the classes (N, K) from those of the encoder's label, which may mean clusters."""
        return label_prob if self.clusters is None else class_prob(label_prob, self.clusters, len(self.classes))

    @property
    def label_frequency(self) -> NDArray[np.float64]:
        """Frequency of each value of the label in the categorical prior (K,); uniform where it is unknown."""
        if self.label_prior is None:
            return np.full(len(self.label_names), 1 / len(self.label_names))
        return np.asarray(self.label_prior) / sum(self.label_prior)

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the values of the encoder's label: of the classes, or the class of each cluster."""
        return self.classes if self.clusters is None else tuple(self.classes[index] for index in self.clusters)


def save_model(path: Path, checkpoint: Checkpoint, *, half: bool = False) -> None:
    """Write a model, whole or not at all.

    Args:
        path: Where to.
        checkpoint: The model.
        half: Whether matrices and kernels are stored in float16, in half the space. Whatever is exported should then be
            exported from the file: the weights are rounded.

    Raises:
        AaeError: The file cannot be written.
    """
    weights = {"encoder": checkpoint.encoder.state_dict()}
    if checkpoint.decoder is not None:
        weights["decoder"] = checkpoint.decoder.state_dict()
    if half:
        weights = {part: {name: _halved(value) for name, value in state.items()} for part, state in weights.items()}
    write(
        path,
        "model",
        {
            "config": to_table(checkpoint.config),
            "classes": list(checkpoint.classes),
            "image_shape": list(checkpoint.image_shape),
            "weights": weights,
            "summary": {name: value for name, value in checkpoint.summary.items() if name != "holdout"},
            "holdout": packed_names(checkpoint.summary.get("holdout", ())),
            "clusters": None if checkpoint.clusters is None else list(checkpoint.clusters),
            "label_prior": None if checkpoint.label_prior is None else list(checkpoint.label_prior),
            "run_id": checkpoint.run_id,
        },
    )


def _halved(value: torch.Tensor) -> torch.Tensor:
    """Give a matrix in float16; what has one side, such as a variance, may be too small for it and is little."""
    return value.half() if value.ndim > 1 and value.dtype == torch.float32 else value


def load_model(path: Path) -> Checkpoint:
    """Read a model onto the CPU, in evaluation mode.

    Raises:
        AaeError: The file is missing, is no checkpoint of aaecli, comes from a newer version, or its weights do not
            have the shapes that its settings require.
    """
    hint = "Train or copy the model again."
    with opened(path, "any") as (described, archive):
        content = filled(_of_model(described, path), archive, MAX_MODEL_BYTES)
    try:
        config = from_table(content["config"])
        classes = tuple(content["classes"])
        hold(all(isinstance(name, str) for name in classes) and len(set(classes)) == len(classes) <= MAX_CLASSES)
        image_shape = checked_shape(content["image_shape"])
        networks = make_networks(config, image_shape, config.label_dim(len(classes)), content["weights"])
        summary = checked_summary(content["summary"])
        networks.encoder.temperature = summary.get("temperature", 1.0)
        if names := unpacked_names(content.get("holdout")):
            summary["holdout"] = names
        clusters = _clusters(content.get("clusters"), config, len(classes))
        label_prior = checked_frequencies(content.get("label_prior"), config.label_dim(len(classes)))
    except NotRegisteredError as error:
        raise AaeError(
            f"{path} needs the {error.kind} '{shown(error.name)}' of a plug-in that is not loaded.",
            f"Have the plug-in at hand, and {HOW_TO_LOAD}.",
        ) from error
    except AaeError as error:
        raise AaeError(
            f"{path} is damaged, newer than this aaecli, or of a plug-in that is not loaded: {error.message}",
            f"Where a plug-in trained it, {HOW_TO_LOAD}. {hint}",
        ) from error
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise AaeError(f"{path} is damaged: its weights and its settings do not fit together.", hint) from error
    run_id = content.get("run_id")
    return Checkpoint(
        config, classes, image_shape, networks.encoder, networks.decoder, summary, clusters, label_prior, run_id
    )


def _of_model(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """Leave out of a checkpoint what only training needs; the weights of a run's state are those of the EMA."""
    if content["kind"] == "model":
        return content
    state = content.get("ema") or content.get("networks")
    if not isinstance(state, dict) or not isinstance(content.get("summary"), dict):
        raise AaeError(f"{path} is damaged: it holds no weights.", "Train or copy the model again.")
    if content.get("clusters") is None and content["config"].get("model") == "clustering":
        raise AaeError(f"{path} has no names for its clusters yet.", "`aaecli train --resume` goes on with it.")
    weights: dict[str, dict[Any, Any]] = {}
    for name, value in state.items():
        part, _, inner = str(name).partition(".")
        if part in ("encoder", "decoder"):
            weights.setdefault(part, {})[inner] = value
    kept = ("config", "classes", "image_shape", "summary", "clusters", "label_prior", "run_id", "holdout")
    return {name: content.get(name) for name in kept} | {"weights": weights}


def _clusters(stored: Any, config: Config, num_classes: int) -> tuple[int, ...] | None:
    if config.model != "clustering":
        return None
    clusters = tuple(int(index) for index in stored)
    if len(clusters) != config.clusters or not all(0 <= index < num_classes for index in clusters):
        raise ValueError("the names of the clusters do not fit")
    return clusters


def write(path: Path, kind: str, content: dict[str, Any]) -> None:
    """Write a checkpoint of the given kind, whole or not at all.

    Raises:
        AaeError: The file cannot be written.
    """
    whole = {"format": "aaecli", "schema": SCHEMA, "kind": kind, "version": __version__} | content
    with replacing(path) as temporary:
        try:
            torch.save(plain(whole), temporary)
        except RuntimeError as error:  # torch's zip writer reports a full disk this way
            raise OSError(errno.ENOSPC, "the disk is full or the file too large", str(temporary)) from error


def read(path: Path, kind: str, max_bytes: int) -> dict[str, Any]:
    """Read a checkpoint without running any code that may be in it.

    Args:
        path: The file.
        kind: ``model`` or ``training``.
        max_bytes: Largest file that is read.

    Raises:
        AaeError: The file is missing, unreadable, no checkpoint of this kind, too large, or from a newer version.
    """
    with opened(path, kind, max_bytes) as (content, archive):
        return filled(content, archive, max_bytes)
