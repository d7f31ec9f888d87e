"""Which images a step sees, as a function of its number alone: a resumed run needs no more than the number."""

from __future__ import annotations

import torch
from torch import Tensor


class Sampler:
    """Walks through shuffled passes over a set of images; a pass begins where the last one ended, inside a batch.

    Args:
        index: int64 (N,), the images to draw from.
        batch_size: Images a step; may exceed N, which then recurs within the batch.
        seed: Seed of the shuffles.
    """

    def __init__(self, index: Tensor, batch_size: int, seed: int) -> None:
        self.index = index
        self.batch_size = batch_size
        self.seed = seed
        self._passes: dict[int, Tensor] = {}

    def batch(self, step: int) -> Tensor:
        """Give the images of a step: int64 (batch_size,) on the device of ``index``."""
        start, num = step * self.batch_size, len(self.index)
        first, last = start // num, (start + self.batch_size - 1) // num
        touched = range(first, last + 1)
        self._passes = {number: self._shuffled(number) for number in touched}
        line = torch.cat([self._passes[number] for number in touched])
        return line[start - first * num :][: self.batch_size]

    def _shuffled(self, number: int) -> Tensor:
        if number in self._passes:
            return self._passes[number]
        return shuffled(self.index, self.seed, number)


def shuffled(index: Tensor, seed: int, number: int) -> Tensor:
    """Give images (N,) in the order of shuffle ``number`` of a seed, the same on every device."""
    generator = torch.Generator().manual_seed((seed * 1_000_003 + number) % 2**63)
    order = torch.randperm(len(index), generator=generator)
    if index.is_cuda:
        # From pinned memory the copy waits for nothing, so the steps already launched run on meanwhile.
        order = order.pin_memory().to(index.device, non_blocking=True)
    return index[order]
