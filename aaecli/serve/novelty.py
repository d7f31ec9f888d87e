"""The novelty score: an image that the decoder reconstructs badly is unlike the training images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aaecli.serve.session import Decoder, to_float

CERTAIN = 0.99
"""Probability from which on an answer is believed without a second look."""
NOVEL = 0.999
"""Quantile of the validation images above which a picture is called novel: one digit of a thousand is."""


def reconstruction_error(
    decoder: Decoder,
    images: NDArray[np.uint8] | NDArray[np.float32],
    label_prob: NDArray[np.float32] | None,
    style: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Mean squared difference of the pixels between each image and its reconstruction: (N,), in [0, 1]."""
    drawn = decoder(label_prob, style)
    difference = drawn - to_float(images).reshape(drawn.shape)
    squared: NDArray[np.float64] = np.square(difference, out=difference).mean(
        tuple(range(1, drawn.ndim)), dtype=np.float64
    )
    return squared


def is_doubtful(label_prob: NDArray[np.float32], style: NDArray[np.float32], style_std: float) -> NDArray[np.bool_]:
    """Tell which images deserve a second look: read without certainty, or of a style that the prior hardly has.

    Args:
        label_prob: (N, K).
        style: (N, Z).
        style_std: Standard deviation of the prior.

    Returns:
        (N,). The mean of Z squares of standard normal values has the deviation √(2/Z); beyond three of them is rare,
        and more so of the other priors, whose tails are shorter.
    """
    square = np.square(style / np.float32(style_std)).mean(1)
    doubtful: NDArray[np.bool_] = (label_prob.max(1) < CERTAIN) | (square > 1 + 3 * (2 / style.shape[1]) ** 0.5)
    return doubtful


def novelty_threshold(quantiles: tuple[tuple[float, float], ...], quantile: float = NOVEL) -> float | None:
    """Give the error that the share ``quantile`` of the validation images stays below.

    Args:
        quantiles: ``Metadata.novelty``.
        quantile: The highest stored quantile that does not exceed this is used.

    Returns:
        The error, or None where the model was exported without a scale.
    """
    below = [error for stored, error in quantiles if stored <= quantile]
    return below[-1] if below else None
