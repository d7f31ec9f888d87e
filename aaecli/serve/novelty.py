"""How unlike the training images a picture is: what the decoder cannot draw again is strange to the model."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aaecli.serve.session import Decoder, Encoder, open_decoder, to_float

_MNIST_PIXELS = 28 * 28
CERTAIN = 0.99
"""Probability from which on an answer is believed without a second look."""
NOVEL = 0.999
"""Quantile of the validation images above which a picture is called strange: one real digit of a thousand is."""


def reconstruction_error(
    decoder: Decoder,
    images: NDArray[np.uint8] | NDArray[np.float32],
    label_prob: NDArray[np.float32] | None,
    style: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Mean squared difference of the pixels between each image and the decoder's drawing of it: (N,), in [0, 1]."""
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


def evaluate_onnx(
    encoder: Encoder,
    images: NDArray[np.uint8],
    label: NDArray[np.int64],
    classes: tuple[str, ...],
    batch_size: int = 500,
) -> tuple[NDArray[np.float32] | None, NDArray[np.float64] | None]:
    """Read a whole data set in batches, as ``aaecli eval`` does with an ONNX file.

    The decoder is the one that was exported beside the encoder, if there is one.

    Args:
        encoder: An open encoder.
        images: uint8 (N, H, W) or (N, H, W, 3).
        label: (N,), which only a decoder that was told the label while it learnt gets to see.
        classes: Names of the K classes of the data set; all names of the encoder are among them.
        batch_size: Images of a call, fewer where they are larger than MNIST's.

    Returns:
        The probabilities of what the encoder tells apart, its classes or clusters (N, C), or None from a model that
        knows none; the reconstruction error of each image (N,), or None without a decoder.

    Raises:
        AaeError: The decoder is damaged.
    """
    from aaecli.serve.discovery import decoder_beside

    beside = decoder_beside(encoder.path) if encoder.has_style else None
    decoder = open_decoder(beside, encoder.device) if beside else None
    probs, errors = [], []
    # Large images take as much memory a batch as small ones.
    batch_size = max(1, batch_size * _MNIST_PIXELS // max(_MNIST_PIXELS, math.prod(images.shape[1:])))
    for start in range(0, len(images), batch_size):
        batch = slice(start, start + batch_size)
        label_prob, style = encoder(images[batch])
        if label_prob is not None:
            probs.append(label_prob)
        elif encoder.classes:
            label_prob = np.eye(len(classes), dtype=np.float32)[label[batch]]
        if decoder is not None and style is not None:
            errors.append(reconstruction_error(decoder, images[batch], label_prob, style))
    return np.concatenate(probs) if probs else None, np.concatenate(errors) if errors else None
