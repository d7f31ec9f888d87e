"""Drawing digits: from the style prior, between two points of the latent space, along one dimension of the style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aaecli.errors import AaeError, did_you_mean
from aaecli.files.outputs import Names
from aaecli.priors.style_prior import STYLE_PRIORS
from aaecli.serve.batching import batches
from aaecli.serve.session import Decoder
from aaecli.text import for_file_name

_Float = NDArray[np.float32]
BATCH_SIZE = 500


@dataclass(frozen=True)
class Sheet:
    """Images in rows and columns, each with a name.

    Attributes:
        images: uint8 (R, C, H, W), light on black, or in colour (R, C, H, W, 3). A sheet may end in a row that is
            not full: ``names`` says so.
        names: R rows of up to C names, without suffix: what single files are called.
        frames: What becomes a frame of an animation: each ``row``, each ``column`` or each single ``image``.
        row_captions: What stands before each row of a picture; none where empty.
        column_captions: What stands above each column.
    """

    images: NDArray[np.uint8]
    names: tuple[tuple[str, ...], ...]
    frames: Literal["row", "column", "image"] = "image"
    row_captions: tuple[str, ...] = ()
    column_captions: tuple[str, ...] = ()

    @property
    def num_images(self) -> int:
        """Number of images, without the empty places of the last row."""
        return sum(len(row) for row in self.names)


@dataclass(frozen=True)
class Code:
    """A point of the latent space.

    Attributes:
        label: float32 (K,), probabilities; K is 0 where the model has no label.
        style: float32 (Z,).
    """

    label: _Float
    style: _Float


def class_index(name: str, classes: Sequence[str]) -> int:
    """Find a class by name; of several clusters of that class the first.

    Raises:
        AaeError: There is none of that name; the hint names the nearest one.
    """
    if not classes:
        raise AaeError(
            f"The model was trained without classes, so it cannot generate '{name}'.",
            "Leave out --digit, or train a model with classes: `aaecli train`.",
        )
    if name in classes:
        return list(classes).index(name)
    raise AaeError(f"The model has no class '{name}'.", did_you_mean(name, set(classes)))


def one_class(classes: Sequence[str], index: int | None) -> _Float:
    """Give the label (K,) that asks for one class: the first where None; nothing where there are no classes."""
    return np.eye(len(classes), dtype=np.float32)[index or 0] if classes else np.empty(0, np.float32)


def draw_styles(decoder: Decoder, count: int, seed: int) -> _Float:
    """Draw styles from the prior that the metadata name: (count, Z). The same seed gives the same styles."""
    prior = decoder.metadata
    rng = np.random.default_rng(seed)
    return STYLE_PRIORS[prior.style_prior].sample(count, prior.style_dim, prior.style_std, rng)


def decode(decoder: Decoder, label: _Float, style: _Float) -> NDArray[np.uint8]:
    """Draw any number of images, a batch at a time: uint8 (N, H, W) or (N, H, W, 3)."""
    drawn = [
        np.rint(np.clip(decoder(label[batch], style[batch]), 0, 1) * 255) for batch in batches(len(label), BATCH_SIZE)
    ]
    return np.concatenate(drawn).astype(np.uint8)


def grid(decoder: Decoder, style: _Float) -> Sheet:
    """Draw the article's grid: one style a row, one class a column.

    Args:
        decoder: What draws.
        style: (R, Z), one of each row.
    """
    num_classes = len(decoder.classes)
    # Clusters of one class stand side by side.
    order = sorted(range(num_classes), key=lambda column: decoder.classes.index(decoder.classes[column]))
    one_hot = np.eye(num_classes, dtype=np.float32)[order]
    images = decode(decoder, np.tile(one_hot, (len(style), 1)), np.repeat(style, num_classes, 0))
    columns = _column_names(decoder.classes, order)
    names = tuple(tuple(f"{name}-{row:05d}" for name in columns) for row in range(len(style)))
    return Sheet(images.reshape(len(style), num_classes, *images.shape[1:]), names, "row")


def of_class(decoder: Decoder, index: int, style: _Float, columns: int = 10) -> Sheet:
    """Draw one class, one image a style, in rows of ``columns``.

    Where it has several clusters, these in turn, each as often as the label prior draws it.
    """
    label = clusters_of(decoder, index, len(style))
    return _in_rows(decoder, label, style, for_file_name(decoder.classes[index]), columns)


def clusters_of(decoder: Decoder, index: int, count: int) -> _Float:
    """Give labels (count, K) that ask for one class: its clusters in turn, where it has several."""
    return in_turn(decoder, [k for k, name in enumerate(decoder.classes) if name == decoder.classes[index]], count)


def in_turn(decoder: Decoder, values: Sequence[int], count: int) -> _Float:
    """Give one-hot labels (count, K) that go through values of the label, each as often as the label prior has it."""
    prior = decoder.metadata.label_prior or (1.0,) * len(decoder.classes)
    if not values:
        return np.empty((count, 0), np.float32)
    return np.eye(len(decoder.classes), dtype=np.float32)[_in_turn(values, prior, count)]


def _in_turn(clusters: Sequence[int], prior: Sequence[float], count: int) -> list[int]:
    """Go through clusters so that after any number of draws each was drawn about as often as its share says."""
    total = sum(prior[cluster] for cluster in clusters) or 1.0
    owed, drawn = dict.fromkeys(clusters, 0.0), []
    for _ in range(count):
        for cluster in clusters:
            owed[cluster] += prior[cluster] / total
        drawn.append(max(clusters, key=lambda cluster: round(owed[cluster], 9)))
        owed[drawn[-1]] -= 1
    return drawn


def of_no_class(decoder: Decoder, style: _Float, columns: int = 10) -> Sheet:
    """Draw with a model that has no label, one image a style, in rows of ``columns``."""
    return _in_rows(decoder, np.empty((len(style), 0), np.float32), style, "style", columns)


def _in_rows(decoder: Decoder, label: _Float, style: _Float, stem: str, columns: int) -> Sheet:
    images = decode(decoder, label, style)
    columns = min(columns, len(style))
    empty = -len(style) % columns
    images = np.concatenate((images, np.zeros((empty, *images.shape[1:]), np.uint8)))
    names = [f"{stem}-{number:05d}" for number in range(len(style))]
    rows = tuple(tuple(names[start : start + columns]) for start in range(0, len(names), columns))
    return Sheet(images.reshape(-1, columns, *images.shape[1:]), rows)


def interpolate(decoder: Decoder, start: Code, end: Code, frames: int) -> Sheet:
    """Walk on a straight line between two points of the latent space, both ends included: one row, an image a frame."""
    label, style = between(start.label, end.label, frames), between(start.style, end.style, frames)
    names = tuple(f"frame-{number:03d}" for number in range(frames))
    return Sheet(decode(decoder, label, style)[None], (names,), "column")


def between(start: _Float, end: _Float, steps: int) -> _Float:
    """Give the styles (steps, Z) on a straight line from one style (Z,) to another, both included."""
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return np.asarray((1 - share) * start + share * end, np.float32)


def vary(decoder: Decoder, code: Code, steps: int, reach: float = 2.0) -> Sheet:
    """Walk one style dimension at a time from ``-reach`` to ``reach`` standard deviations of the prior.

    Returns:
        One dimension a row, one step a column; the others keep the style of ``code``.
    """
    style_dim = decoder.metadata.style_dim
    value = np.linspace(-reach, reach, steps, dtype=np.float32) * np.float32(decoder.metadata.style_std)
    style = np.tile(code.style, (style_dim, steps, 1))
    for dimension in range(style_dim):
        style[dimension, :, dimension] = value
    label = np.tile(code.label, (style_dim * steps, 1))
    images = decode(decoder, label, style.reshape(-1, style_dim))
    names = tuple(tuple(f"style{d:02d}-{step:03d}" for step in range(steps)) for d in range(style_dim))
    captions = [f"z{dimension + 1}" for dimension in range(style_dim)]
    above = [f"{share:+.1f}" for share in np.linspace(-reach, reach, steps)]
    return Sheet(images.reshape(style_dim, steps, *images.shape[1:]), names, "column", tuple(captions), tuple(above))


def _column_names(classes: Sequence[str], order: Sequence[int]) -> list[str]:
    """Give the beginning of the file names of each class or, where several are of one class, of each cluster."""
    names, many = Names(), {name for name in classes if list(classes).count(name) > 1}
    stems = [for_file_name(classes[index]) + f"-cluster{index:02d}" * (classes[index] in many) for index in order]
    return [names.take(stem) for stem in stems]
