"""The distributions that the discriminators hold y and z to. A new prior on z is one function and one entry."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from aaecli.config import Prior


def gaussian(count: int, style_dim: int, settings: Prior, device: torch.device) -> Tensor:
    """Draw styles (count, style_dim) from N(0, style_std² I)."""
    return settings.style_std * torch.randn(count, style_dim, device=device)


STYLE_PRIORS: dict[str, Callable[[int, int, Prior, torch.device], Tensor]] = {"gaussian": gaussian}


def one_hot(count: int, num_classes: int, device: torch.device) -> Tensor:
    """Draw one-hot labels (count, num_classes), every class alike: the categorical prior on y."""
    label = torch.randint(num_classes, (count,), device=device)
    return F.one_hot(label, num_classes).float()
