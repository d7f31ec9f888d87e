"""Strokes added to drawings of a single straight stroke, on the device that the images live on."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

_WIDEST = 1.5
"""Largest standard deviation across the stroke, in pixels of an image of 28: of MNIST's ones 94 % are below, of its
other digits 1 in 1,000. A standard deviation of 1.6 would add 1 % of the ones, and twice as many others."""
_NARROWEST, _SHORTEST = 0.3, 3.8
"""Smallest standard deviations across and along the stroke, likewise."""
_THINNEST, _THICKEST = 0.7, 3.0
"""Bounds of half the width of a pen, likewise."""
_FLATTEST = math.cos(math.radians(50))
_SIDE = 28


class Stroke(NamedTuple):
    """What is drawn in each image, if it is a single stroke.

    Attributes:
        is_straight: bool (B,), whether it is one straight stroke, 50 degrees from upright at most.
        top: float (B, 2), x and y of its upper end.
        bottom: float (B, 2), the same of its lower end.
        radius: float (B,), half its width.
    """

    is_straight: Tensor
    top: Tensor
    bottom: Tensor
    radius: Tensor


def find_stroke(image: Tensor) -> Stroke:
    """Find the straight stroke of each image, by the moments of its ink up to the second.

    Args:
        image: float (B, H, W), light strokes on black.
    """
    _, height, width = image.shape
    unit = min(height, width) / _SIDE
    moments = image.flatten(1) @ _monomials(height, width, image)  # (B, 6)
    mass = moments[:, 0].clamp_min(1e-6)
    x, y, xx, yy, xy = (moments[:, 1:] / mass[:, None]).unbind(1)
    xx, yy, xy = xx - x * x, yy - y * y, xy - x * y
    middle, spread = (xx + yy) / 2, (((xx - yy) / 2).square() + xy.square()).sqrt()
    along, across = (middle + spread).clamp_min(0).sqrt(), (middle - spread).clamp_min(0).sqrt()
    angle = torch.atan2(2 * xy, xx - yy) / 2
    down = torch.stack([angle.cos(), angle.sin()], 1)
    down = torch.where(down[:, 1:] < 0, -down, down)
    is_straight = (across < _WIDEST * unit) & (across > _NARROWEST * unit) & (along > _SHORTEST * unit)
    # Ink that is spread evenly along a line of length l has the standard deviation l / √12.
    length = math.sqrt(12) * along
    radius = (mass / length.clamp_min(1) / 2).clamp(_THINNEST * unit, _THICKEST * unit)
    # The ends of the middle line lie half a width inside.
    half = ((length / 2 - radius).clamp_min(0))[:, None] * down
    centre = torch.stack([x, y], 1)
    return Stroke(is_straight & (down[:, 1] > _FLATTEST), centre - half, centre + half, radius)


def _monomials(height: int, width: int, like: Tensor) -> Tensor:
    """Give 1, x, y, x², y² and xy at each pixel: (H * W, 6)."""
    y, x = torch.meshgrid(
        torch.arange(height, device=like.device, dtype=like.dtype),
        torch.arange(width, device=like.device, dtype=like.dtype),
        indexing="ij",
    )
    return torch.stack([torch.ones_like(x), x, y, x * x, y * y, x * y], -1).flatten(0, 1)


def draw_line(image: Tensor, start: Tensor, stop: Tensor, radius: Tensor) -> Tensor:
    """Draw a line with round ends into each image (B, H, W), from and to points (B, 2), of half widths (B,)."""
    _, height, width = image.shape
    y = torch.arange(height, device=image.device, dtype=image.dtype)[None, :, None]
    x = torch.arange(width, device=image.device, dtype=image.dtype)[None, None, :]
    from_x, from_y = (start[:, axis, None, None] for axis in (0, 1))
    way_x, way_y = ((stop - start)[:, axis, None, None] for axis in (0, 1))
    share = ((x - from_x) * way_x + (y - from_y) * way_y) / (way_x.square() + way_y.square()).clamp_min(1e-6)
    share = share.clamp(0, 1)
    distance = ((x - from_x - share * way_x).square() + (y - from_y - share * way_y).square()).sqrt()
    return image.maximum((radius[:, None, None] + 0.5 - distance).clamp(0, 1))


def centred(image: Tensor) -> Tensor:
    """Move each image (B, H, W) by whole pixels so that its ink's centre of mass is in the middle."""
    count, height, width = image.shape
    mass = image.sum((1, 2)).clamp_min(1e-6)
    for axis, size in ((1, height), (2, width)):
        coordinate = torch.arange(size, device=image.device, dtype=image.dtype)
        shape = [1, 1, 1]
        shape[axis] = size
        centre = (image * coordinate.view(shape)).sum((1, 2)) / mass
        move = (centre - (size - 1) / 2).round().long()
        index = torch.arange(size, device=image.device) + move[:, None]  # (B, size)
        outside = (index < 0) | (index >= size)
        shape[0], index = count, index.clamp(0, size - 1)
        moved = image.gather(axis, index.view(shape).expand_as(image))
        image = moved.masked_fill(outside.view(shape), 0)
    return image


def add_flags(image: Tensor, fraction: float) -> Tensor:
    """Give single straight strokes a flag at their upper end, and some a foot: the 1 that most of Europe writes.

    The flag leaves the stroke at 25 to 75 degrees, to the left, is a fifth to two thirds as long, and falls by 20
    degrees at least: a flat one would make a 7. A quarter of the flagged strokes stand on a foot. The result is centred
    by its mass, as MNIST's images are. Other images stay; so do those beyond a quarter of the batch.

    Args:
        image: float (B, C, H, W), light strokes on black.
        fraction: Fraction of such strokes that get one, from 0 to 1.

    Returns:
        float (B, C, H, W).
    """
    grey = image.mean(1)
    stroke = find_stroke(grey)
    is_flagged = stroke.is_straight & (torch.rand(len(image), device=image.device) < fraction)
    # A fixed number of images is worked on, so that nobody has to wait for how many there are.
    chosen = is_flagged.float().topk(math.ceil(len(image) / 4)).indices  # (M,)
    top, bottom, radius = stroke.top[chosen], stroke.bottom[chosen], stroke.radius[chosen]
    turn, size, has_foot, foot_turn, foot_size, foot_move, pen = torch.rand(7, len(chosen), device=image.device)
    stem = bottom - top
    length = stem.square().sum(1).sqrt().clamp_min(1e-6)
    down = stem / length[:, None]
    left = torch.stack([-down[:, 1], down[:, 0]], 1)
    lean = torch.rad2deg(torch.atan2(-down[:, 0], down[:, 1]))
    angle = torch.deg2rad(25 + ((70 - lean).clamp(30, 75) - 25) * turn)
    reach = length * (0.2 + (2 / 3 - 0.2) * size)
    tip = top + reach[:, None] * (angle.cos()[:, None] * down + angle.sin()[:, None] * left)
    radius = radius * (0.8 + 0.3 * pen)
    drawn = draw_line(grey[chosen], top, tip, radius)  # (M, H, W)
    tilt, half = torch.deg2rad(20 * foot_turn - 10), length * (0.15 + 0.2 * foot_size)
    side = torch.stack([tilt.cos(), tilt.sin()], 1) * half[:, None]
    middle = bottom + side * (0.6 * foot_move - 0.3)[:, None]
    footed = draw_line(drawn, middle - side, middle + side, radius)
    drawn = centred(torch.where((has_foot < 0.25)[:, None, None], footed, drawn))
    kept = is_flagged[chosen][:, None, None, None]
    return image.index_copy(0, chosen, torch.where(kept, drawn[:, None].to(image.dtype), image[chosen]))
