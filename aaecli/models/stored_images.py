"""The images of a data set as a network gets them: on the device, or a few at a time from where they are stored."""

from __future__ import annotations

import mmap

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aaecli.models.batch import Images

RESIDENT_BYTES = 3 * 2**28
"""Images of a store that take more are read from it by the processor: the system keeps in memory what fits there."""
_ROWS = 2**14


def stored_images(
    image: NDArray[np.uint8], device: torch.device, others: NDArray[np.uint8] | None = None
) -> Tensor | MappedImages:
    """Give images to a device: all of them where they fit, else some at a time. The values are the same.

    A GPU gets them all where they take up to half of its free memory. On the processor, images in memory are used as
    they are.

    Args:
        image: uint8 (N, H, W) or (N, H, W, 3), in memory or mapped from a file.
        device: Where they are to be.
        others: More images (M, …), which follow those.
    """
    size = image.nbytes + (0 if others is None else others.nbytes)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        fits = size <= free // 2
    else:
        fits = image.flags.writeable or size <= RESIDENT_BYTES
    if not fits:
        return MappedImages(image, device, others)
    parts = [_on_device(part, device) for part in (image, others) if part is not None]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


class MappedImages:
    """Images that stay where they are stored; those that are wanted come to the device.

    Args:
        image: uint8 (N, H, W) or (N, H, W, 3).
        device: Where they are wanted.
        others: More images (M, …), which follow those.
    """

    def __init__(self, image: NDArray[np.uint8], device: torch.device, others: NDArray[np.uint8] | None = None) -> None:
        self._image, self._others = image, others
        self._mapping = _mapping(image)
        self.device = device

    def __len__(self) -> int:
        """Number of images."""
        return len(self._image) + (0 if self._others is None else len(self._others))

    def __getitem__(self, index: Tensor | slice, /) -> Tensor:
        """Bring images to the device: uint8 (B, H, W) or (B, H, W, 3)."""
        rows = np.arange(*index.indices(len(self))) if isinstance(index, slice) else index.cpu().numpy()
        found = torch.from_numpy(self._rows(rows))
        if self.device.type == "cuda":
            # From pinned memory the copy waits for nothing, so the steps already launched run on meanwhile.
            return found.pin_memory().to(self.device, non_blocking=True)
        return found.to(self.device)

    def fetch(self, first: int, last: int) -> None:
        """Have the system read images from the disk, without waiting for it: no value depends on that."""
        mapping, row = self._mapping, self._image.nbytes // max(1, len(self._image))
        if mapping is None or first >= len(self._image):
            return
        start = first * row // mmap.PAGESIZE * mmap.PAGESIZE
        mapping.madvise(mmap.MADV_WILLNEED, start, min((last + 1) * row + 2 * mmap.PAGESIZE, len(mapping)) - start)

    def _rows(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        if self._others is None:
            return self._image[rows]
        found = np.empty((len(rows), *self._image.shape[1:]), np.uint8)
        is_own = rows < len(self._image)
        found[is_own] = self._image[rows[is_own]]
        found[~is_own] = self._others[rows[~is_own] - len(self._image)]
        return found


class ChosenImages:
    """Some of the images of another set, of which no copy is made.

    Args:
        image: That set.
        index: int64 (C,), which of them.
    """

    def __init__(self, image: Images, index: Tensor) -> None:
        self._image = image
        # What is not on the device is looked up by the processor.
        self._index = index.to(image.device) if isinstance(image, Tensor) else index.cpu()

    def __len__(self) -> int:
        """Number of images."""
        return len(self._index)

    def __getitem__(self, index: Tensor | slice, /) -> Tensor:
        """Bring images to the device: uint8 (B, H, W) or (B, H, W, 3)."""
        return self._image[self._index[index]]

    @property
    def device(self) -> torch.device:
        """Where they are wanted."""
        return self._image.device


def _mapping(image: NDArray[np.uint8]) -> mmap.mmap | None:
    """Give what maps the file that images are in; None for images in memory, and where nothing can be announced."""
    base: object = image
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_WILLNEED") else None


def _on_device(image: NDArray[np.uint8], device: torch.device) -> Tensor:
    if image.flags.writeable:
        return torch.from_numpy(image).to(device)
    # torch has no tensors that cannot be written to, and the whole need not be in memory twice.
    found = torch.empty(image.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(image), _ROWS):
        part = image[start : start + _ROWS]
        found[start : start + len(part)] = torch.from_numpy(np.array(part))
    return found
