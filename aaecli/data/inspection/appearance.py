"""How the images of a data set look, measured without a network: it decides how they may be changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aaecli.config.automatic import DARK, Appearance
from aaecli.data.inspection.class_invariance import class_invariance
from aaecli.data.inspection.orientation_histograms import grey_values, orientation_histograms

_SAMPLE = 2000
"""Pictures that are looked at; their nearest neighbours are found by comparing all with all."""
_QUERIES = 400
"""Pictures whose mirror images are looked up among them."""


def appearance(image: NDArray[np.uint8], label: NDArray[np.int64]) -> Appearance:
    """Measure images.

    Args:
        image: uint8 (N, H, W) or (N, H, W, 3), N at least 1.
        label: int64 (N,), -1 for images without a label.
    """
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(image))[:_SAMPLE]
    sample = image[chosen]
    border = _border(sample)
    labelled = rng.permutation(np.flatnonzero(label >= 0))[:_SAMPLE]
    known, known_label = image[labelled], label[labelled]
    invariance = class_invariance(known, known_label)
    grey = grey_values(sample)
    feature = orientation_histograms(grey)
    queries = grey[:_QUERIES]
    near = _nearest(feature[: len(queries)], feature)
    return Appearance(
        size=max(image.shape[1:3]),
        in_colour=image.ndim == 4,
        black=float((grey <= DARK / 255).mean()),
        ground_variation=float(border.std(0).mean()),
        ground_says_class=_agreement(_border(known), known_label),
        mirrored=_at_home(queries[:, :, ::-1], feature, near),
        upturned=_at_home(queries[:, ::-1], feature, near),
        mirroring_p_value=invariance.mirroring,
        upturning_p_value=invariance.upturning,
        recolouring_p_value=invariance.recolouring,
        num_labelled=int((label >= 0).sum()),
    )


def _border(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the mean colour of each picture's outermost pixels in [0, 1]: (N, 1) or (N, 3)."""
    scaled = (image if image.ndim == 4 else image[..., None]).astype(np.float32) / 255
    sides = np.concatenate([scaled[:, 0], scaled[:, -1], scaled[:, :, 0], scaled[:, :, -1]], axis=1)
    return np.asarray(sides.mean(1), np.float32)


def _nearest(query: NDArray[np.float32], feature: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each query's highest cosine (Q,) with the features; query i is never compared with feature i."""
    cosine = query @ feature.T
    own = np.arange(len(query))
    cosine[own, own] = -1
    return np.asarray(cosine.max(1), np.float32)


def _at_home(changed: NDArray[np.float32], feature: NDArray[np.float32], near: NDArray[np.float32]) -> float:
    """Give the fraction of changed pictures (Q, H, W) that are nearer to the others than they were unchanged."""
    return float((_nearest(orientation_histograms(changed), feature) > near).mean())


def _agreement(colour: NDArray[np.float32], label: NDArray[np.int64]) -> float:
    """Give how much more often than by chance the nearest colour is that of a picture of the same class."""
    if len(label) < 2:
        return 0.0
    distance = ((colour[:, None] - colour) ** 2).sum(-1)
    np.fill_diagonal(distance, np.inf)
    fraction = np.bincount(label) / len(label)
    return float((label[distance.argmin(1)] == label).mean() - (fraction**2).sum())
