"""Evaluating exported files on a data set, without torch."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset, all_labelled, with_classes
from aaecli.data.fit import check_fit
from aaecli.data.loading import load_dataset
from aaecli.data.readers.image_folder.collection import image_of
from aaecli.errors import AaeError
from aaecli.metrics.clusters import class_prob
from aaecli.metrics.report import calibration, evaluate
from aaecli.serve.batching import batches
from aaecli.serve.discovery import decoder_beside
from aaecli.serve.novelty import reconstruction_error
from aaecli.serve.session import Encoder, open_decoder, open_encoder
from aaecli.suggestions import suggest
from aaecli.text import for_terminal

_MNIST_PIXELS = 28 * 28


def evaluate_onnx(
    path: Path, data: str | None, device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
) -> tuple[Dataset, dict[str, Any], list[str]]:
    """Evaluate an exported encoder, and the decoder beside it, on the test images of a data set.

    Args:
        path: The encoder's file.
        data: The data set; None for the embedded MNIST.
        device: Where to compute: ``cpu`` or ``cuda``, or ``auto``.

    Returns:
        The data set, whose ``test_image`` are those that were used; what ``aaecli.metrics.report.evaluate``
        gives, ``trained_on`` and ``reconstruction_error``, as far as the model has them; and what the user should know.

    Raises:
        AaeError: A file or the data set cannot be used, or they do not fit each other.
    """
    if device == "mps":
        raise AaeError("An .onnx file runs on cpu or cuda, not on mps.", "Use --device auto, or name the .pt file.")
    encoder = open_encoder(path, device)
    trained_on = encoder.metadata.data
    if trained_on and not data and not encoder.metadata.on_embedded:
        raise AaeError(
            f"{path} was trained on {for_terminal(trained_on)}, not on MNIST, and no data set is named.",
            f"Name its folder: {suggest('aaecli', 'eval', path, '--data', 'DIR')}",
        )
    image = image_of(encoder.metadata.recipe) or Image()
    dataset = load_dataset(data, replace(image, transpose=encoder.metadata.transpose))
    notes = []
    if trained_on != dataset.name or encoder.metadata.on_embedded != (not data):
        origin = f"was trained on {trained_on}" if trained_on else "does not say what it was trained on"
        notes.append(f"note: {path} {origin}; it is evaluated on {dataset.name}.")
    if not len(dataset.test_label):
        dataset = all_labelled(dataset)
        if not trained_on or trained_on == dataset.name:
            notes.append(
                f"warning: {path} may have been trained on these pictures of {data}; if so, this evaluation "
                "says nothing. For that folder, name the model.pt that it was exported from."
            )
    dataset = with_classes(dataset, tuple(dict.fromkeys(encoder.names)))
    # Of clusters a class may have several or none; a model without classes fits any.
    several = len(encoder.names) < len(encoder.classes) or not encoder.classes
    fits = several and set(encoder.names) <= set(dataset.classes)
    check_fit(path, dataset.classes if fits else encoder.names, encoder.image_shape, dataset)
    label_prob, errors = predict_onnx(encoder, dataset.test_image, dataset.test_label, dataset.classes)
    report: dict[str, Any] = {"trained_on": trained_on or None, "num_images": len(dataset.test_label)}
    if label_prob is not None:
        class_index = [dataset.classes.index(name) for name in encoder.classes]
        prob = class_prob(label_prob, class_index, len(dataset.classes))
        cluster_prob = label_prob if encoder.metadata.model == "clustering" else None
        report |= evaluate(prob, dataset.test_label, dataset.classes, cluster_prob)
        if cluster_prob is None:
            report |= calibration(prob, dataset.test_label, encoder.metadata.temperature)
    if errors is not None:
        report["reconstruction_error"] = float(errors.mean())
    return dataset, report, notes


def predict_onnx(
    encoder: Encoder,
    images: NDArray[np.uint8],
    label: NDArray[np.int64],
    classes: tuple[str, ...],
    batch_size: int = 500,
) -> tuple[NDArray[np.float32] | None, NDArray[np.float64] | None]:
    """Classify and reconstruct all images of a data set, a batch at a time.

    The decoder is the one that was exported beside the encoder, if there is one.

    Args:
        encoder: An open encoder.
        images: uint8 (N, H, W) or (N, H, W, 3).
        label: (N,), which only a decoder that was trained on the true labels receives.
        classes: Names of the K classes of the data set; all names of the encoder are among them.
        batch_size: Images of a call, fewer where they are larger than MNIST's.

    Returns:
        The probabilities of the classes or clusters of the encoder (N, C), or None from a model without; the
        reconstruction error of each image (N,), or None without a decoder.

    Raises:
        AaeError: The decoder is damaged.
    """
    beside = decoder_beside(encoder.path) if encoder.has_style else None
    decoder = open_decoder(beside, encoder.device) if beside else None
    probs, errors = [], []
    # Large images take as much memory a batch as small ones.
    batch_size = max(1, batch_size * _MNIST_PIXELS // max(_MNIST_PIXELS, math.prod(images.shape[1:])))
    for batch in batches(len(images), batch_size):
        label_prob, style = encoder(images[batch])
        if label_prob is not None:
            probs.append(label_prob)
        elif encoder.classes:
            label_prob = np.eye(len(classes), dtype=np.float32)[label[batch]]
        if decoder is not None and style is not None:
            errors.append(reconstruction_error(decoder, images[batch], label_prob, style))
    return np.concatenate(probs) if probs else None, np.concatenate(errors) if errors else None
