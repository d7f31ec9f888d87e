"""The novelty score: an image that is reconstructed badly, or read without certainty, is unlike the training images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aaecli.errors import AaeError
from aaecli.serve.session import Decoder, Encoder, to_float

CERTAIN = 0.99
"""Probability from which on an answer is believed without a second look."""
NOVEL = 0.999
"""Quantile of the validation images above which a picture is called novel: one digit of a thousand is."""
_LEAST_THRESHOLD = 1e-6
"""Of the reconstruction error: images of one shade alone may be reconstructed exactly."""


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


def novelty_score(error: NDArray[np.float64], prob: NDArray[np.float32], threshold: float) -> NDArray[np.float64]:
    """Give the novelty score of images (N,), 0 or more: above 1, an image is called unlike the training images.

    It is √(e² + h) of the reconstruction error e in units of the threshold, and of the entropy h of the probabilities
    in units of the largest one, which all classes alike have. The entropy tells letters from digits, which the decoder
    draws well enough; its root made more of that on MNIST's validation images (`benchmarks/novelty.py`).

    Args:
        error: (N,), what ``reconstruction_error`` gives.
        prob: (N, C), the probabilities of the classes.
        threshold: The error that one validation image of a thousand exceeds.
    """
    share = np.maximum(prob, np.finfo(np.float32).tiny, dtype=np.float64)
    entropy = -(share * np.log(share)).sum(1) / np.log(max(prob.shape[1], 2))
    score: NDArray[np.float64] = np.sqrt(np.square(error / max(threshold, _LEAST_THRESHOLD)) + entropy)
    return score


def check_scores(encoder: Encoder, decoder: Decoder | None) -> None:
    """Check that a model can give a novelty score.

    Args:
        encoder: The encoder.
        decoder: The decoder beside it; None where there is none.

    Raises:
        AaeError: It has no decoder, or was exported without the errors that a score is compared with.
    """
    if novelty_threshold(encoder.metadata.novelty) is None:
        raise AaeError(
            f"{encoder.path} gives no novelty score: its model does not reconstruct images.",
            "Train one that does, such as `aaecli train --labels 1000`, and export it.",
        )
    if decoder is None:
        raise AaeError(
            f"{encoder.path} has no decoder.onnx beside it, and the novelty score needs one.",
            "Keep the two files that `aaecli export --onnx` writes in one folder.",
        )


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
