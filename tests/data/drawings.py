"""Folders of small pictures to test with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def drawing(kind: int, number: int, size: int = 28) -> np.ndarray:
    """Give a grey picture, light on black: a bar (kind 0), a ring (1) or a cross (2), a little different each time."""
    rng = np.random.default_rng(1000 * kind + number)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    far = np.hypot(y, x) / size
    width = rng.uniform(0.05, 0.09)
    masks = (
        (abs(x) < width * size) & (far < 0.36),
        abs(far - rng.uniform(0.24, 0.3)) < width,
        (np.minimum(abs(x - y), abs(x + y)) < 1.4 * width * size) & (far < 0.36),
    )
    return np.where(masks[kind], rng.integers(200, 256), rng.integers(0, 5, (size, size))).astype(np.uint8)


def write_pictures(folder: Path, names: dict[str, np.ndarray]) -> Path:
    """Write pictures by name."""
    for name, pixels in names.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


def write_classes(folder: Path, labelled: int = 4, unlabelled: int = 6, test: int = 0) -> Path:
    """Write bars, rings and crosses into a folder as people keep them."""
    kinds = ("bar", "ring", "cross")
    names = {}
    for kind, title in enumerate(kinds):
        for number in range(labelled + unlabelled + test):
            part = f"{title}/" if number < labelled else "unlabelled/"
            if number >= labelled + unlabelled:
                part = f"test/{title}/"
            names[f"{part}{title}{number}.png"] = drawing(kind, number)
    return write_pictures(folder, names)
