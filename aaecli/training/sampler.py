"""Which images a step sees, as a function of its number alone: a resumed run needs no more than the number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

LARGE = 2**22
"""Images above which a pass is shuffled by blocks."""
BLOCK = 2**12
"""Images in a block, which are stored one behind the other: 3 MB of 28 × 28."""
WINDOW = 2**8
"""Blocks that are shuffled together: 800 MB, which the system can keep in memory while they are read."""
Ahead = Callable[[int, int], None]
"""Receives the first and the last of images that are going to be wanted."""


class Sampler:
    """Walks through shuffled passes over a set of images; a pass begins where the last one ended, inside a batch.

    Args:
        index: int64 (N,), the images to draw from.
        batch_size: Images a step; may exceed N, which then recurs within the batch.
        seed: Seed of the shuffles.
        ahead: Is called with each block of many images, a window before its turn.
    """

    def __init__(self, index: Tensor, batch_size: int, seed: int, ahead: Ahead | None = None) -> None:
        self.index = index
        self.batch_size = batch_size
        self.seed = seed
        self._ahead = ahead
        self._passes: dict[int, Shuffle] = {}

    def batch(self, step: int) -> Tensor:
        """Give the images of a step: int64 (batch_size,) on the device of ``index``."""
        start, num = step * self.batch_size, len(self.index)
        first, last = start // num, (start + self.batch_size - 1) // num
        self._passes = {number: self._shuffle(number) for number in range(first, last + 1)}
        parts, left, begin = [], self.batch_size, start - first * num
        for shuffle in self._passes.values():
            count = min(left, num - begin)
            parts.append(shuffle.part(begin, count))
            left, begin = left - count, 0
        return torch.cat(parts)

    def _shuffle(self, number: int) -> Shuffle:
        return self._passes.get(number) or Shuffle(self.index, self.seed, number, self._ahead)


class Shuffle:
    """One order of images, of which a part at a time is worked out.

    Up to ``LARGE`` images are shuffled as one. Of more, blocks are shuffled, and then the images within windows of
    blocks: a disk reads a block at a time, and no order of hundreds of millions is kept.

    Args:
        index: int64 (N,), the images.
        seed: Seed of the shuffles.
        number: Which of them.
        ahead: See ``Sampler``.
    """

    def __init__(self, index: Tensor, seed: int, number: int, ahead: Ahead | None = None) -> None:
        self._index, self._seed, self._number = index, seed, number
        self._ahead, self._num_ahead = ahead, 0
        self._windows: dict[int, Tensor] = {}
        self._blocks = torch.empty(0, dtype=torch.int64)
        if len(index) > LARGE:
            generator = torch.Generator().manual_seed((seed * 1_000_003 + number) % 2**63)
            self._blocks = torch.randperm(-(-len(index) // BLOCK), generator=generator)
            sizes = (len(index) - self._blocks * BLOCK).clamp(max=BLOCK)
            self._ends = torch.stack([part.sum() for part in torch.split(sizes, WINDOW)]).cumsum(0)
        else:
            self._ends = torch.tensor([len(index)])

    def part(self, start: int, count: int) -> Tensor:
        """Give so many images of the order from a position on, as far as it goes: int64 (count,) on their device."""
        stop = min(start + count, len(self._index))
        if stop <= start:
            return self._index[:0]
        first, last = torch.searchsorted(self._ends, torch.tensor([start, stop - 1]), right=True).tolist()
        touched = range(first, last + 1)
        self._windows = {number: self._window(number) for number in touched}
        self._announce(first * WINDOW, max(start // BLOCK + WINDOW, (last + 1) * WINDOW))
        # Cut first: a window is of a million images, and a batch of some hundred.
        begins = [int(self._ends[number - 1]) if number else 0 for number in touched]
        return torch.cat(
            [
                self._windows[number][max(start - begin, 0) : stop - begin]
                for number, begin in zip(touched, begins, strict=True)
            ]
        )

    def _window(self, number: int) -> Tensor:
        if number in self._windows:
            return self._windows[number]
        if len(self._index) <= LARGE:
            return shuffled(self._index, self._seed, self._number)
        blocks = self._blocks[number * WINDOW : (number + 1) * WINDOW]
        position = (blocks[:, None] * BLOCK + torch.arange(BLOCK)).reshape(-1)
        position = position[position < len(self._index)]
        state = np.random.SeedSequence([self._seed, self._number, number]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(state[0]) % 2**63)
        return _taken(self._index, position[torch.randperm(len(position), generator=generator)])

    def _announce(self, first: int, stop: int) -> None:
        """Say which blocks are wanted soon: those of this window, and of the next one as many as are read of this."""
        if self._ahead is None:
            return
        for block in self._blocks[max(first, self._num_ahead) : stop].tolist():
            last = min((block + 1) * BLOCK, len(self._index)) - 1
            self._ahead(int(self._index[block * BLOCK]), int(self._index[last]))
        self._num_ahead = max(self._num_ahead, stop)


def drawn(index: Tensor, seed: int, number: int, count: int) -> Tensor:
    """Give the first so many images of shuffle ``number`` of a seed."""
    return Shuffle(index, seed, number).part(0, count)


def shuffled(index: Tensor, seed: int, number: int) -> Tensor:
    """Give images (N,) in the order of shuffle ``number`` of a seed, the same on every device."""
    generator = torch.Generator().manual_seed((seed * 1_000_003 + number) % 2**63)
    return _taken(index, torch.randperm(len(index), generator=generator))


def _taken(index: Tensor, order: Tensor) -> Tensor:
    if index.is_cuda:
        # From pinned memory the copy waits for nothing, so the steps already launched run on meanwhile.
        order = order.pin_memory().to(index.device, non_blocking=True)
    return index[order]
