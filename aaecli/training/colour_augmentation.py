"""Changes of colour and ground, for pictures in which the class depends on neither."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_OWN_CHANNEL = 3.0
"""Logit of a channel's own weight in ``mix_channels``: without noise, 0.91 of it stays."""
_SAME, _OTHER = 0.06, 0.16
"""Differences of colour, in [0, 1], up to which a pixel counts as ground, and from which it does not."""
_BLUR = 4
"""Side in pixels of the squares to which another picture is averaged before it serves as ground."""


def mix_channels(image: Tensor, deviation: float) -> Tensor:
    """Make each channel of each image (B, 3, H, W) in [0, 1] a random weighted mean of the three.

    The weights are the softmax of a 3 × 3 Gaussian matrix plus a multiple of the identity. Grey images stay.

    Args:
        image: float (B, C, H, W).
        deviation: Standard deviation of the matrix.
    """
    num, channels = image.shape[:2]
    logits = torch.randn(num, channels, channels, device=image.device) * deviation
    weight = (logits + _OWN_CHANNEL * torch.eye(channels, device=image.device)).softmax(2)  # (B, C, C)
    return (weight @ image.flatten(2)).view_as(image)


def permute_channels(image: Tensor) -> Tensor:
    """Put the channels of each image (B, C, H, W) in a random order of its own."""
    order = torch.rand(image.shape[:2], device=image.device).argsort(1)  # (B, C)
    return image.gather(1, order[:, :, None, None].expand_as(image))


def invert(image: Tensor, fraction: float) -> Tensor:
    """Turn light into dark in a fraction of the images (B, C, H, W) in [0, 1], drawn by lot."""
    chosen = torch.rand(len(image), 1, 1, 1, device=image.device) < fraction
    return torch.where(chosen, 1 - image, image)


def replace_ground(image: Tensor, fraction: float) -> Tensor:
    """Put another ground behind what a fraction of the images (B, C, H, W) in [0, 1] show.

    Ground is what has the colour of one of eight pixels of the border, two on each side; the new ground is another
    image of the batch, blurred. Nothing here knows what is drawn: a thing of the border's colour becomes ground too.
    """
    num, _, height, width = image.shape
    chosen = torch.rand(num, 1, 1, 1, device=image.device) < fraction
    rows = torch.randint(height, (4,), device=image.device)
    columns = torch.randint(width, (4,), device=image.device)
    top, bottom = image[:, :, 0, columns[:2]], image[:, :, -1, columns[2:]]
    left, right = image[:, :, rows[:2], 0], image[:, :, rows[2:], -1]
    ground = torch.cat((top, bottom, left, right), 2)  # (B, C, 8)
    difference = torch.ones_like(image[:, :1])
    for colour in ground.unbind(2):
        difference = torch.minimum(difference, (image - colour[:, :, None, None]).abs().amax(1, keepdim=True))
    thing = ((difference - _SAME) / (_OTHER - _SAME)).clamp(0, 1)  # (B, 1, H, W)
    coarse = F.avg_pool2d(image, min(_BLUR, height, width), ceil_mode=True)
    other = F.interpolate(coarse, (height, width), mode="bilinear").roll(1, 0)
    return torch.where(chosen, other + thing * (image - other), image)


def random_erasing(image: Tensor, side: int) -> Tensor:
    """Hide a rectangle behind a random colour in each image (B, C, H, W) (Zhong et al. 2020).

    Args:
        image: float (B, C, H, W) in [0, 1].
        side: Its longest side in pixels; the shortest is half as long. It may reach outside.
    """
    num, channels, height, width = image.shape

    def covered(size: int) -> Tensor:
        length = torch.randint(side // 2, side + 1, (num, 1), device=image.device)
        first = torch.randint(size, (num, 1), device=image.device) - length // 2
        position = torch.arange(size, device=image.device)
        return (position >= first) & (position < first + length)  # (B, size)

    hidden = covered(height)[:, None, :, None] & covered(width)[:, None, None, :]  # (B, 1, H, W)
    return torch.where(hidden, torch.rand(num, channels, 1, 1, device=image.device), image)
