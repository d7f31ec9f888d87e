"""Batch normalisation by the statistics of the whole step, whichever process its images are in."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from aaecli.training.distributed.world import World


class SynchronisedBatchNorm(_BatchNorm):
    """What ``nn.BatchNorm1d`` and ``nn.BatchNorm2d`` are, over all processes; ``nn.SyncBatchNorm`` refuses processors.

    Args:
        like: The layer that it replaces; its weights and statistics become its own.
        world: The processes, which hold equally many images.
    """

    def __init__(self, like: _BatchNorm, world: World) -> None:
        super().__init__(like.num_features, like.eps, like.momentum, like.affine, like.track_running_stats)
        self.world = world
        self.weight, self.bias = like.weight, like.bias
        for name, value in like.named_buffers(recurse=False):
            setattr(self, name, value)
        self.train(like.training)

    def _check_input_dim(self, image: Tensor) -> None:
        """Take what either layer takes: (B, C) and (B, C, …)."""

    def forward(self, image: Tensor) -> Tensor:
        """Normalise (B, C) or (B, C, H, W)."""
        if not (self.training or self.running_mean is None):
            return super().forward(image)
        normalised, mean, variance = _Normalise.apply(image, self.eps, self.world)  # type: ignore[no-untyped-call]
        if self.training and self.running_mean is not None and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            fraction = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
            count = image.numel() // self.num_features * self.world.size
            self.running_mean.lerp_(mean, fraction)
            cast(Tensor, self.running_var).lerp_(variance * (count / max(count - 1, 1)), fraction)
        if self.affine:
            normalised = normalised * _wide(self.weight, image) + _wide(self.bias, image)
        return cast(Tensor, normalised).to(image.dtype)


class _Normalise(torch.autograd.Function):
    """Subtract the mean and divide by the standard deviation of each channel, over all processes, in float32."""

    @staticmethod
    def forward(context: Any, image: Tensor, eps: float, world: World) -> tuple[Tensor, Tensor, Tensor]:
        value = image.float()
        own = torch.stack(torch.var_mean(value, _all_but_channels(image), correction=0))  # (2, C)
        variances, means = world.stacked(own).unbind(1)  # (size, C) each
        mean = means.mean(0)
        # Exact where a sum of squares less the square of the sum would cancel.
        variance = (variances + (means - mean).square()).mean(0)
        scale = (variance + eps).rsqrt()
        normalised = (value - _wide(mean, value)) * _wide(scale, value)
        context.save_for_backward(normalised, scale)
        context.world, context.dtype = world, image.dtype
        context.mark_non_differentiable(mean, variance)
        return normalised, mean, variance

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        normalised, scale = context.saved_tensors
        gradient, sides = gradients[0], _all_but_channels(normalised)
        means = torch.stack([gradient.mean(sides), (gradient * normalised).mean(sides)])  # (2, C)
        context.world.mean_([means])
        mean, slope = (_wide(value, normalised) for value in means)
        return ((gradient - mean - normalised * slope) * _wide(scale, normalised)).to(context.dtype), None, None


def synchronise(module: nn.Module, world: World) -> None:
    """Replace the batch normalisations of a network by synchronised ones, in place; alone, nothing is replaced."""
    if world.size == 1:
        return
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                setattr(parent, name, SynchronisedBatchNorm(child, world))


def _all_but_channels(image: Tensor) -> list[int]:
    return [side for side in range(image.ndim) if side != 1]


def _wide(channel: Tensor, image: Tensor) -> Tensor:
    """Give a value a channel (C,) the sides of an image (B, C, …)."""
    return channel.view(1, -1, *[1] * (image.ndim - 2))
