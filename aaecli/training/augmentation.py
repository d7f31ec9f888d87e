"""Warping images on the device they live on."""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

_ELASTIC_GRID = 5
"""Control points of the elastic field along each side of the image: bumps about a stroke's length apart."""


def _uniform(count: int, bound: float, like: Tensor) -> Tensor:
    """Draw (count,) from [-bound, bound] on the device of ``like``."""
    return (torch.rand(count, device=like.device) * 2 - 1) * bound


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _spread(size: int, device: torch.device) -> Tensor:
    """Give what ``_cubic`` gives: a compiler that looked into its cache would warn of it."""
    return _cubic(size, device)


@cache
def _cubic(size: int, device: torch.device) -> Tensor:
    """Give the matrix (size, _ELASTIC_GRID) that interpolates control points to pixels, bicubically.

    Two small products with it take a tenth of the time of ``F.interpolate`` on a processor.
    """
    knots = torch.eye(_ELASTIC_GRID)[None, None]
    matrix = F.interpolate(knots, (size, _ELASTIC_GRID), mode="bicubic", align_corners=True)
    return matrix[0, 0].to(device)


def _centres(size: int, like: Tensor) -> Tensor:
    """Give where the centres of a side's pixels lie, (size,), in the units of ``F.grid_sample``: from -1 to 1."""
    return (torch.arange(size, device=like.device) * 2 + 1) / size - 1


def warp(
    image: Tensor,
    *,
    rotation: float = 0.0,
    scale: float = 0.0,
    shear: float = 0.0,
    shift: float = 0.0,
    elastic: float = 0.0,
    horizontal_flip: bool = False,
    vertical_flip: bool = False,
    reflection_padding: bool = False,
) -> Tensor:
    """Rotate, scale, shear, shift, bend and mirror each image by amounts of its own, measured in pixels.

    Args:
        image: float (B, C, H, W); pixels from outside count as 0, or as the image's reflection.
        rotation: Bound of the angle, in degrees.
        scale: Bound of the natural logarithm of the factor along each axis.
        shear: Bound of the tangent of the angle.
        shift: Bound along each axis, in pixels.
        elastic: Standard deviation of the displacement field, in pixels.
        horizontal_flip: Whether every other image is mirrored.
        vertical_flip: Whether every other image is turned upside down.
        reflection_padding: Whether what comes in from outside is the image's reflection.

    Returns:
        float (B, C, H, W).
    """
    num, _, height, width = image.shape
    mirrored = (torch.rand(num, device=image.device) < 0.5) if horizontal_flip else None
    angle = _uniform(num, math.radians(rotation), image)
    lean = _uniform(num, shear, image)
    scale_x = _uniform(num, scale, image).exp()
    if mirrored is not None:
        scale_x = torch.where(mirrored, -scale_x, scale_x)
    scale_y = _uniform(num, scale, image).exp()
    if vertical_flip:
        scale_y = torch.where(torch.rand(num, device=image.device) < 0.5, -scale_y, scale_y)
    # The grid of grid_sample runs from -1 to 1 along either side, so a pixel is 2 / width of it across and 2 / height
    # down. What turns one direction into the other has to change the unit, or an oblong image would be sheared.
    shift_x = _uniform(num, 2 * shift / width, image)
    shift_y = _uniform(num, 2 * shift / height, image)
    cos, sin = angle.cos(), angle.sin()
    by_x = torch.stack([cos * scale_x, sin * scale_y * (width / height)], 1)[..., None]  # (B, 2, 1)
    by_y = torch.stack([(lean * cos - sin) * scale_x * (height / width), (lean * sin + cos) * scale_y], 1)[..., None]
    move = torch.stack([shift_x, shift_y], 1)[..., None]
    # What a column adds and what a row adds: with ``F.affine_grid``'s batched product a warp takes twice the time.
    across = by_x * _centres(width, image) + move  # (B, 2, W)
    down = by_y * _centres(height, image)  # (B, 2, H)
    grid = across[:, :, None] + down[..., None]  # (B, 2, H, W)
    if elastic:
        knots = torch.randn(num, 2, _ELASTIC_GRID, _ELASTIC_GRID, device=image.device)
        pixels = 2 * elastic * knots
        field = torch.stack([pixels[:, 0] / width, pixels[:, 1] / height], 1)
        grid = grid + _spread(height, image.device) @ field @ _spread(width, image.device).T
    padding = "reflection" if reflection_padding else "zeros"
    return F.grid_sample(image, grid.permute(0, 2, 3, 1), padding_mode=padding, align_corners=False)


def stroke_width(image: Tensor, bound: float) -> Tensor:
    """Thicken or thin light strokes by an amount of each image's own, as other pens would.

    Grey-scale dilation and erosion with a square of 3 × 3 pixels, of which images take a share.

    Args:
        image: float (B, C, H, W).
        bound: Largest share, from 0 to 1.

    Returns:
        float (B, C, H, W).
    """
    amount = _uniform(len(image), bound, image)[:, None, None, None]
    thicker, thinner = F.max_pool2d(image, 3, 1, 1), -F.max_pool2d(-image, 3, 1, 1)
    return image + amount.clamp_min(0) * (thicker - image) + amount.clamp_max(0) * (image - thinner)


def brightness_and_contrast(image: Tensor, brightness_bound: float, contrast_bound: float) -> Tensor:
    """Change brightness and contrast of each image (B, C, H, W) in [0, 1], as another hour of the day would."""
    num = len(image)
    brightness = _uniform(num, brightness_bound, image).exp()[:, None, None, None]
    contrast = _uniform(num, contrast_bound, image).exp()[:, None, None, None]
    mean = image.mean((1, 2, 3), keepdim=True)
    return (((image - mean) * contrast + mean) * brightness).clamp(0, 1)


def cutout(image: Tensor, side: int) -> Tensor:
    """Blank a square of ``side`` pixels at a place of its own in each image (B, C, H, W); it may reach outside."""
    num, _, height, width = image.shape

    def covered(size: int) -> Tensor:
        first = torch.randint(size, (num, 1), device=image.device) - side // 2
        position = torch.arange(size, device=image.device)
        return (position >= first) & (position < first + side)  # (B, size)

    square = covered(height)[:, None, :, None] & covered(width)[:, None, None, :]  # (B, 1, H, W)
    return image.masked_fill(square, 0.0)
