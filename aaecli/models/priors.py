"""Draws from the priors on y and z, on the device that trains."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from aaecli.config.prior import Prior
from aaecli.errors import AaeError
from aaecli.priors.style_prior import STYLE_PRIORS


def label_frequency(settings: Prior, label: NDArray[np.int64], num_classes: int, *, follows: bool) -> Tensor | None:
    """Give how often the categorical prior draws each class.

    Args:
        settings: What was asked for.
        label: int64 (L,), the labels that training sees.
        num_classes: Number of classes K.
        follows: Whether ``auto`` stands for the labels' own frequencies.

    Returns:
        (K,), adding up to 1; None where every class is alike. Each class is counted once more than it occurs
        (Laplace's rule): a handful of labels tells little about the pool.

    Raises:
        AaeError: The settings give frequencies of another number of classes.
    """
    if settings.label_frequency:
        given = len(settings.label_frequency)
        if given != num_classes:
            raise AaeError(
                f"prior.label_frequency has {given} entries, but there are {num_classes} classes.",
                "Give one for each class, in the order in which `aaecli data` lists them.",
            )
        frequency = np.asarray(settings.label_frequency, np.float64)
    elif settings.label == "labelled" or (settings.label == "auto" and follows):
        frequency = (np.bincount(label, minlength=num_classes) + 1).astype(np.float64)
    else:
        return None
    if (frequency == frequency[:1]).all():
        return None
    return torch.from_numpy((frequency / frequency.sum()).astype(np.float32))


def as_tuple(frequency: Tensor | None, num_classes: int) -> tuple[float, ...]:
    """Give the prior as it was resolved, as numbers (K,) that add up to 1: also where every class is alike."""
    return (1 / num_classes,) * num_classes if frequency is None else tuple(frequency.tolist())


def style(count: int, style_dim: int, settings: Prior, device: torch.device) -> Tensor:
    """Draw styles (count, style_dim) from the prior of the settings."""
    normal = torch.randn(count, style_dim, device=device)
    prior = STYLE_PRIORS[settings.style]
    drawn: Tensor = prior.draw(normal, lambda: torch.rand(count, device=device), settings.style_std, torch)
    return drawn


class Priors:
    """Both priors of a training, with all that draws from them need.

    Args:
        settings: The prior on the style.
        style_dim: Number of dimensions Z.
        num_classes: Number of values K of the label.
        device: Where draws are made.
        frequency: float32 (K,), how often the categorical prior draws each class; None for all alike.

    Attributes:
        label_frequency: The same, on the device.
    """

    def __init__(
        self,
        settings: Prior,
        style_dim: int,
        num_classes: int,
        device: torch.device,
        frequency: Tensor | None = None,
    ) -> None:
        self.label_frequency = None if frequency is None else frequency.to(device)
        self._settings, self._style_dim, self._num_classes, self._device = settings, style_dim, num_classes, device

    def style(self, count: int) -> Tensor:
        """Draw styles (count, Z)."""
        return style(count, self._style_dim, self._settings, self._device)

    def label(self, count: int) -> Tensor:
        """Draw one-hot labels (count, K)."""
        return one_hot(count, self._num_classes, self._device, self.label_frequency)


def one_hot(count: int, num_classes: int, device: torch.device, frequency: Tensor | None = None) -> Tensor:
    """Draw one-hot labels (count, num_classes): the categorical prior on y.

    Args:
        count: How many.
        num_classes: Number of classes K.
        device: Where to.
        frequency: (K,), how often each class is drawn; every class alike where None.
    """
    if frequency is None:
        label = torch.randint(num_classes, (count,), device=device)
    else:
        label = torch.multinomial(frequency, count, replacement=True)
    return F.one_hot(label, num_classes).float()
