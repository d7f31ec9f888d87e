"""Another data set that is learnt beside one's own, so that what a model knew of it is not forgotten."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aaecli.config.schema import Config
from aaecli.data.dataset import Dataset, with_classes
from aaecli.data.inspection.duplicates import has_copy
from aaecli.data.loading import load_named
from aaecli.data.split import split
from aaecli.errors import AaeError

_MOST_VALIDATION = 2000


@dataclass(frozen=True)
class RehearsalImages:
    """The images of the other data set, with labels that are indices into the classes of both together.

    Attributes:
        name: What to call it.
        classes: Names of the classes of both, one's own first.
        image: uint8 (M, H, W) or (M, H, W, 3), the labelled ones of its training set, without copies of one's own.
        label: int64 (M,).
        validation_image: uint8 (V, H, W) or (V, H, W, 3), of its validation set.
        validation_label: int64 (V,).
    """

    name: str
    classes: tuple[str, ...]
    image: NDArray[np.uint8]
    label: NDArray[np.int64]
    validation_image: NDArray[np.uint8]
    validation_label: NDArray[np.int64]

    def sha256(self) -> str:
        """Give a SHA-256 of all that is learnt from."""
        digest = hashlib.sha256(repr((self.classes, self.image.shape)).encode())
        for values in (self.image, self.label):
            digest.update(np.ascontiguousarray(values).view(np.uint8).data)
        return digest.hexdigest()


def load_rehearsal(config: Config, dataset: Dataset, path: str | Path | None = None) -> RehearsalImages | None:
    """Load the other data set of the settings; None where they name none.

    Args:
        config: The settings.
        dataset: One's own.
        path: Where the other one is, if not where the settings say.

    Raises:
        AaeError: It cannot be loaded, or its images have another shape than one's own.
    """
    if not config.rehearsal.data:
        return None
    other = load_named(path or config.rehearsal.data, config.image)
    if other.image_shape != dataset.image_shape:
        channels, height, width = other.image_shape
        raise AaeError(
            f"The images of {other.name} are {_form(other)}, those of {dataset.name} {_form(dataset)}.",
            f"Bring your pictures to the same form: --size {max(height, width)} --channels {channels}.",
        )
    classes = (*dataset.classes, *(name for name in other.classes if name not in dataset.classes))
    parts = split(other, "all", config.seed)
    other = with_classes(other, classes)
    is_own = has_copy(other.train_image, dataset.train_image) | has_copy(other.train_image, dataset.test_image)
    learnt = parts.labelled[~is_own[parts.labelled]]
    if not len(learnt):
        raise AaeError(
            f"{other.name} has no labelled image that {dataset.name} does not have.",
            "Leave out --with, or name another data set.",
        )
    kept = parts.validation[np.random.default_rng(config.seed).permutation(len(parts.validation))[:_MOST_VALIDATION]]
    return RehearsalImages(
        other.name,
        classes,
        other.train_image[learnt],
        other.train_label[learnt],
        other.train_image[kept],
        other.train_label[kept],
    )


def widened(dataset: Dataset, rehearsal: RehearsalImages | None) -> Dataset:
    """Give one's own data set with the classes of both."""
    return dataset if rehearsal is None else with_classes(dataset, rehearsal.classes)


def joint_frequency(
    own: NDArray[np.int64], rehearsal: RehearsalImages, fraction: float, *, follows: bool
) -> NDArray[np.float32]:
    """Give how frequent the classes are in the batches of both.

    Args:
        own: int64 (L,), the labels of one's own images.
        rehearsal: The other images.
        fraction: Fraction of the other images.
        follows: Whether one's own labels tell how frequent their classes are; if not, all of these are alike.

    Returns:
        (K,), adding up to 1; none is 0.
    """
    counts = np.bincount(own, minlength=len(rehearsal.classes)).astype(np.float64)
    # Laplace's rule, for classes that are one's own.
    of_own = np.where(counts > 0, counts + 1 if follows else 1.0, 0.0)
    of_other = np.bincount(rehearsal.label, minlength=len(rehearsal.classes)) + 1.0
    frequency: NDArray[np.float64] = fraction * of_other / of_other.sum()
    if of_own.sum():
        frequency = frequency + (1 - fraction) * of_own / of_own.sum()
    return np.asarray(frequency / frequency.sum(), np.float32)


def _form(dataset: Dataset) -> str:
    channels, height, width = dataset.image_shape
    return f"{width} × {height} in {'colour' if channels == 3 else 'grey'}"
