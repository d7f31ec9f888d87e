"""What a model finds in pictures, as columns for other programs: probabilities, style, features, novelty score."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aaecli.data.preprocessing.normalise import BLANK
from aaecli.data.preprocessing.prepare import Batch
from aaecli.errors import AaeError
from aaecli.serve.classify import UNSURE, forget_blank
from aaecli.serve.novelty import novelty_score, reconstruction_error
from aaecli.serve.session import Decoder, Encoder
from aaecli.text import as_text, for_csv

Columns: TypeAlias = Mapping[str, list[str] | NDArray[np.float32] | NDArray[np.float64]]
"""By name, for N pictures: N texts, or numbers (N,) or (N, D)."""


class Codes(NamedTuple):
    """What a model finds in G images; what it lacks is None.

    Attributes:
        label_prob: float32 (G, C), of the classes.
        style: float32 (G, Z).
        features: float32 (G, F), the last layer of the encoder.
        reconstruction_error: float64 (G,).
    """

    label_prob: NDArray[np.float32] | None
    style: NDArray[np.float32] | None
    features: NDArray[np.float32] | None
    reconstruction_error: NDArray[np.float64] | None


Encode: TypeAlias = Callable[[NDArray[np.uint8]], Codes]
"""Finds the codes of images uint8 (G, H, W) or (G, H, W, 3)."""


def encode_onnx(encoder: Encoder, decoder: Decoder | None) -> Encode:
    """Give the function that encodes by an exported pair, or by an encoder alone."""

    def encode(images: NDArray[np.uint8]) -> Codes:
        label_prob, style = encoder(images)
        error = None
        # A decoder that was trained on true labels draws nothing without them.
        if decoder is not None and style is not None and not (decoder.has_label and label_prob is None):
            error = reconstruction_error(decoder, images, label_prob, style)
        return Codes(None if label_prob is None else encoder.by_name(label_prob), style, None, error)

    return encode


def embed(
    prepared: Iterable[Batch],
    encode: Encode,
    classes: tuple[str, ...],
    threshold: float | None,
    on_picture: Callable[[AaeError | None], None],
) -> Columns:
    """Encode pictures.

    Args:
        prepared: The pictures, in order.
        encode: The model.
        classes: Names of its C classes.
        threshold: See ``novelty_score``; None for no score.
        on_picture: Called for each picture, with the reason where it cannot be read; such a picture has no row.

    Returns:
        ``image``; then as far as the model has them ``label``, the likeliest class, ``unsure`` where nothing is in the
        picture, ``label_prob`` (N, C), ``style`` (N, Z), ``features`` (N, F), ``reconstruction_error`` and
        ``novelty``, both (N,).
    """
    names: list[str] = []
    labels: list[str] = []
    parts: list[Codes] = []
    scores: list[NDArray[np.float64]] = []
    for batch in prepared:
        for name, outcome in zip(batch.names, batch.outcomes, strict=True):
            is_read = not isinstance(outcome, AaeError)
            names += [as_text(name)] * is_read
            on_picture(None if is_read else outcome)  # type: ignore[arg-type]
        if not len(batch.images):
            continue
        codes = encode(batch.images)
        parts.append(codes)
        # One class of which all is certain has no entropy.
        prob = np.ones((len(batch.images), 1), np.float32)
        if codes.label_prob is not None:
            prob = codes.label_prob
            forget_blank(batch, prob)
            labels += _labels(batch, prob, classes)
        if codes.reconstruction_error is not None and threshold is not None:
            scores.append(novelty_score(codes.reconstruction_error, prob, threshold))
    columns: dict[str, list[str] | NDArray[np.float32] | NDArray[np.float64]] = {"image": names}
    if parts and parts[0].label_prob is not None:
        columns["label"] = labels
    for field in Codes._fields:
        found = [getattr(codes, field) for codes in parts if getattr(codes, field) is not None]
        if found:
            columns[field] = np.concatenate(found)
    if scores:
        columns["novelty"] = np.concatenate(scores)
    return columns


def _labels(batch: Batch, prob: NDArray[np.float32], classes: tuple[str, ...]) -> list[str]:
    readable = [outcome for outcome in batch.outcomes if not isinstance(outcome, AaeError)]
    best = prob.argmax(1).tolist()
    return [UNSURE if BLANK in warnings else classes[k] for k, warnings in zip(best, readable, strict=True)]


def encode_csv(columns: Columns, classes: tuple[str, ...]) -> str:
    """Give columns as CSV: one for each number, such as ``style_0``; probabilities have the names of their classes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head: list[str] = []
    cells: list[Iterable[object]] = []
    for name, column in columns.items():
        if isinstance(column, list):
            head.append(name)
            cells.append(for_csv(cell) for cell in column)
        elif column.ndim == 1:
            head.append(name)
            cells.append(f"{value:.6g}" for value in column.tolist())
        else:
            ends = classes if name == "label_prob" else range(column.shape[1])
            head += [f"{name}_{end}" for end in ends]
            cells += [(f"{value:.6g}" for value in part.tolist()) for part in column.T]
    writer.writerow([for_csv(name) for name in head])
    writer.writerows(zip(*cells, strict=True))
    return text.getvalue()


def encode_npy(columns: Columns) -> bytes:
    """Give columns as a structured array (N,) in a .npy file: ``numpy.load(path)["style"]`` is (N, Z)."""
    arrays = {
        name: np.asarray(column, dtype=str if isinstance(column, list) else None) for name, column in columns.items()
    }
    table = np.empty(len(arrays["image"]), [(name, array.dtype, array.shape[1:]) for name, array in arrays.items()])
    for name, array in arrays.items():
        table[name] = array
    body = io.BytesIO()
    np.save(body, table, allow_pickle=False)
    return body.getvalue()
