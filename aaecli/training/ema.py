"""The exponential moving average (EMA) of the weights, which is saved and which teaches, and its decay by step."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from aaecli.models.networks import Networks


def decay_at(number: int, ema_decay: float) -> float:
    """Give the decay of step ``number`` (from 0).

    Early on the average would remember the random start, so it forgets faster then.
    """
    return min(ema_decay, (number + 1) / (number + 10))


class EMA(nn.Module):
    """Moving averages of encoder, decoder and the teacher's head, in evaluation mode and out of every gradient.

    The statistics of batch normalisation are averaged with the weights that they belong to.
    """

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(networks.encoder)
        self.decoder = copy.deepcopy(networks.decoder)
        self.teacher_head = copy.deepcopy(networks.teacher_head)
        self.requires_grad_(False).eval()

    @torch.no_grad()
    def move(self, networks: Networks, decay: float) -> None:
        """Keep the share ``decay`` of the average and take the rest from the networks as they are now."""
        for name, kept in self.named_children():
            torch._foreach_lerp_(_values(kept), _values(getattr(networks, name)), 1 - decay)


def _values(module: nn.Module) -> list[Tensor]:
    """Give the parameters of a module, and those of its buffers that can be averaged, always in one order."""
    return [value for value in (*module.parameters(), *module.buffers()) if value.is_floating_point()]
