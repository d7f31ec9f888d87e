"""Edges without sign or colour: what an encoder may see in place of pixels, so that ground and colours say nothing."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

CHANNELS = 3
_WINDOW = 9
"""Side in pixels of the neighbourhood by whose mean strength edges are divided."""
_LEAST_STRENGTH = 0.01
"""Strength of an edge, as a difference of colour in [0, 1] over two pixels, below which it has no direction."""
_FAINT = 0.1
"""Mean strength of a neighbourhood below which its edges stay faint."""


def edges(image: Tensor) -> Tensor:
    """Give the strength and direction of the edges of images, whichever of their sides is the lighter one.

    The gradients of all colours together make the structure tensor (Di Zenzo 1986). Its strength, and its direction as
    cosine and sine of twice the angle times the strength, are the three channels. Dividing them by the mean strength
    around makes faint and strong contrasts alike, as histograms of oriented gradients do (Dalal and Triggs 2005).

    Args:
        image: float (B, C, H, W) in [0, 1].

    Returns:
        float (B, 3, H, W); 0 to about 9, the directions with either sign.
    """
    framed = F.pad(image, (1, 1, 1, 1), mode="replicate")
    across = framed[:, :, 1:-1, 2:] - framed[:, :, 1:-1, :-2]
    down = framed[:, :, 2:, 1:-1] - framed[:, :, :-2, 1:-1]  # (B, C, H, W)
    xx, yy, xy = ((one * other).sum(1, keepdim=True) for one, other in ((across, across), (down, down), (across, down)))
    strength = (xx + yy + _LEAST_STRENGTH**2).sqrt()  # (B, 1, H, W)
    tensor = torch.cat([(xx - yy) / strength, 2 * xy / strength, strength], 1)
    around = min(_WINDOW, max(1, min(image.shape[2:]) // 2 * 2 - 1))
    mean = _mean_around(strength, around)
    return tensor / (mean + _FAINT)


def _mean_around(values: Tensor, side: int) -> Tensor:
    """Give the mean over the square of ``side`` pixels around each pixel (B, 1, H, W), as far as it is in the image."""
    # First down, then across: as many additions a side as the square has in all.
    down = F.avg_pool2d(values, (side, 1), 1, (side // 2, 0), count_include_pad=False)
    return F.avg_pool2d(down, (1, side), 1, (0, side // 2), count_include_pad=False)
