"""The images that a step reads: as they are stored, and as a network reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

BATCH_SIZE = 250
"""Images that are encoded at once: of 1000 large ones, the shifted copies of test-time augmentation take gigabytes."""


class Images(Protocol):
    """Stored images uint8 (N, H, W) or (N, H, W, 3), of which some come to a device: a tensor is such a set."""

    @property
    def device(self) -> torch.device:
        """The device that they come to."""

    def __len__(self) -> int:
        """Number of images N."""

    def __getitem__(self, index: Tensor | slice, /) -> Tensor:
        """Give some of them."""


class Batch(NamedTuple):
    """The images of one step, on the device, as stored.

    Attributes:
        unlabelled: uint8 (U, H, W) or, in colour, (U, H, W, 3), from the pool; None for a model that learns from
            labelled images alone.
        labelled: uint8 (L, H, W) or (L, H, W, 3); None for a model that learns without labels.
        label: int64 (L,), or None likewise.
        pool_label: int64 (U,), the labels of the images from the pool where every one of them has one; else None.
        propagated_label: int64 (U,), what their neighbours say of the images from the pool, -1 where they say nothing;
            None where they are not asked.
    """

    unlabelled: Tensor | None
    labelled: Tensor | None
    label: Tensor | None
    pool_label: Tensor | None = None
    propagated_label: Tensor | None = None


def to_float(image: Tensor) -> Tensor:
    """Turn stored images uint8 (B, H, W) or (B, H, W, 3) into what a network reads: float32 (B, C, H, W) in [0, 1]."""
    planes = image.unsqueeze(1) if image.ndim == 3 else image.permute(0, 3, 1, 2)
    return planes.float() / 255


def image_batches(image: Images, size: int = BATCH_SIZE) -> Iterator[tuple[slice, Tensor]]:
    """Cut stored images uint8 (N, H, W) or (N, H, W, 3) into batches as a network reads them, each with its rows."""
    for start in range(0, len(image), size):
        rows = slice(start, start + size)
        yield rows, to_float(image[rows])
