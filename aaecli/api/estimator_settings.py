"""The settings of a training on a table: those of a preset, fitted to its images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.config.augmentation import Augmentation
from aaecli.config.automatic import AUTOMATIC, choose
from aaecli.config.registries import AUGMENTATION_SETS
from aaecli.config.schema import Config
from aaecli.data.inspection.appearance import appearance
from aaecli.errors import AaeError
from aaecli.training.starting_model import resolve_with_start

_MNIST_SIDE = 28
_SMALLEST_WARPED = 8
_SMALLEST_PICTURE = 8
"""Side from which the preset for pictures has something to convolve."""
_OF_TABLES = "quick"
"""What ``auto`` is where rows are no pictures."""
_OWN = ("model", "labels", "seed", "data", "holdout", "device", "image", "preset", "clusters", "start", "rehearsal")
"""Settings that the estimator gives itself, or that say nothing of arrays."""


def settings_for(
    image: NDArray[np.uint8],
    label: NDArray[np.int64],
    *,
    seed: int,
    preset: str,
    steps: int | None,
    style_dim: int,
    augment: str,
    settings: Mapping[str, Any],
    device: str,
    start: str | os.PathLike[str] | None = None,
) -> Config:
    """Complete the settings of an estimator.

    Args:
        image: (N, H, W) or (N, H, W, 3), the rows as images.
        label: (N,), -1 for none.
        seed: As in ``Config``.
        preset: As in ``AAEClassifier``, and so are the others.
        steps: Training steps, or None.
        style_dim: Dimensions of the style.
        augment: Name of an augmentation set, or ``auto``.
        settings: Nested tables.
        device: Where to train.
        start: The model to start from, whose number of style dimensions takes the place of ``style_dim``.

    Raises:
        AaeError: One is unknown, out of range, or has no effect.
        ValueError: ``steps`` is less than 1.
    """
    for name in _OWN:
        if name in settings:
            raise AaeError(f"settings['{name}'] has no effect in an estimator.", "Leave it out.")
    if steps is not None and steps < 1:
        raise ValueError(f"steps is 1 or more, not {steps}.")
    labels = "all" if (label >= 0).all() else int((label >= 0).sum())
    flags: dict[str, Any] = {"labels": labels, "seed": seed, "device": device, "data": "arrays"}
    if steps is not None:
        flags["schedule"] = {"steps": steps}
    if style_dim != settings.get("network", {}).get("style_dim", style_dim):
        raise AaeError("style_dim and settings['network']['style_dim'] differ.", "Give one of them.")
    shape = image.shape[1:]
    adapted = None
    if start is not None:
        flags["start"] = {"model": os.fspath(start)}
    else:
        flags["network"] = {"style_dim": style_dim}
        if preset == AUTOMATIC and min(shape[:2]) < _SMALLEST_PICTURE:
            preset = _OF_TABLES
        elif preset == AUTOMATIC:
            adapted = choose(appearance(image, label)).settings
    config = resolve_with_start(preset=preset, config_file=settings, flags=flags, adapted=adapted)
    config = replace(config, image=replace(config.image, normalise="none", channels=3 if len(shape) == 3 else 1))
    if "augmentation" in settings and augment != "auto":
        raise AaeError("augment and settings['augmentation'] both say how images are changed.", "Give one of them.")
    if "augmentation" in settings or (augment == "auto" and adapted is not None):
        return config
    return replace(config, augmentation=Augmentation.from_table(_scaled(_chosen(augment, shape), min(shape[:2]))))


def _chosen(augment: str, shape: tuple[int, ...]) -> Mapping[str, Any]:
    if augment == "auto":
        is_drawing = len(shape) == 2 and shape[0] == shape[1] >= _SMALLEST_WARPED
        augment = "strokes" if is_drawing else "none"
    return AUGMENTATION_SETS[augment]


def _scaled(bounds: Mapping[str, Any], side: int) -> dict[str, Any]:
    """Scale what is measured in pixels, which the sets of changes give for images of MNIST's size."""
    factor = side / _MNIST_SIDE
    in_pixels: dict[str, Any] = {name: bounds[name] * factor for name in ("shift", "elastic") if name in bounds}
    if "cutout" in bounds:
        in_pixels["cutout"] = round(bounds["cutout"] * factor)
    return {**bounds, **in_pixels}
