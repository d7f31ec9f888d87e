"""The learning rate of each step: warm-up, and decay to the end of the schedule."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aaecli.config.optimiser import Optimiser


def set_rates(optimisers: dict[str, torch.optim.Optimizer], settings: Optimiser, number: int, num_steps: int) -> None:
    """Set every learning rate to that of step ``number`` (from 0) of ``num_steps``."""
    factor = min(1.0, (number + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    if settings.decay == "cosine":
        factor *= (1 + math.cos(math.pi * number / num_steps)) / 2
    for optimiser in optimisers.values():
        for group in optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(group["top_lr"] * factor)
            else:
                group["lr"] = group["top_lr"] * factor
