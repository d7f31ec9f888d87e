"""What labelled images say of a change: does a class stay what it is in a mirror, and in other colours?

A kernel classifier answers each labelled image by the others. If it takes changed copies of images for examples of the
same class too, it has more examples, and does better; unless the change makes one class look like another.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aaecli.data.inspection.orientation_histograms import grey_values, orientation_histograms

_MOST = 600
"""Labelled images that are looked at."""
_WIDTH = 3.0
"""The kernel is exp(-_WIDTH d²), of features of length 1."""
_RIDGE = 0.1
"""What is added to the kernel's diagonal, as a fraction of its mean."""
_LEVELS = {1: 8, 3: 3}
"""Levels a channel in a histogram of colours, by the number of channels: 8 and 27 colours."""
_CENTRE = 1 / 3
"""Standard deviation of the weight of pixels around the centre, as a fraction of each side: the middle counts most."""


class Invariance(NamedTuple):
    """P-values, each in (0, 1]: low where the classifier does worse with changed images as further examples.

    Attributes:
        mirroring: Images with left and right exchanged.
        upturning: Images turned upside down.
        recolouring: Images in other colours: with the channels in every order. Of grey ones, the negatives.
    """

    mirroring: float
    upturning: float
    recolouring: float


def class_invariance(image: NDArray[np.uint8], label: NDArray[np.int64]) -> Invariance:
    """Test which changes leave an image in its class.

    Args:
        image: uint8 (N, H, W) or (N, H, W, 3), all with a label.
        label: int64 (N,), from 0; N may be 0.
    """
    chosen = np.random.default_rng(0).permutation(len(image))[:_MOST]
    image, label = image[chosen], label[chosen]
    feature = orientation_histograms(grey_values(image))
    edges = _kernel(feature, feature)

    def by_turning(axis: int) -> float:
        turned = orientation_histograms(grey_values(np.flip(image, axis)))
        return _p_value(edges, edges + _kernel(feature, turned), label)

    return Invariance(by_turning(2), by_turning(1), _by_recolouring(image, label, edges))


def _by_recolouring(image: NDArray[np.uint8], label: NDArray[np.int64], edges: NDArray[np.float64]) -> float:
    if image.ndim == 4:
        others = [image[..., list(order)] for order in itertools.permutations(range(3))]
    else:
        others = [image, 255 - image]
    colour, *changed = (_colours(other) for other in others)
    same = _kernel(colour, colour)
    mean = sum((_kernel(colour, other) for other in changed), same) / len(others)
    return _p_value(edges + same, edges + mean, label)


def _colours(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Describe images by the colours of their middle: (N, 27), or (N, 8) by the tones of grey ones, of length 1."""
    image = image if image.ndim == 4 else image[..., None]
    num, height, width, channels = image.shape
    levels = _LEVELS[channels]
    level = image.astype(np.int64) * levels // 256
    number = (level * levels ** np.arange(channels)).sum(-1).reshape(num, height * width)  # (N, H W)
    down, across = (((np.arange(size) - (size - 1) / 2) / (size * _CENTRE)) ** 2 for size in (height, width))
    weight = np.exp(-(down[:, None] + across)).ravel()
    size = levels**channels
    cell = number + np.arange(num)[:, None] * size
    found = np.bincount(cell.ravel(), np.tile(weight, num), num * size).reshape(num, size)
    feature = np.sqrt(found)
    return np.asarray(feature / np.linalg.norm(feature, axis=1, keepdims=True), np.float32)


def _kernel(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.exp(-_WIDTH * (2 - 2 * (one @ other.T).astype(np.float64)))


def _p_value(kernel: NDArray[np.float64], invariant: NDArray[np.float64], label: NDArray[np.int64]) -> float:
    """Test that answers by an invariant kernel are no worse (sign test, one-sided).

    The mean of a kernel over changes is the kernel of a classifier that does not notice them (Haasdonk and Burkhardt
    2007).
    """
    right, right_invariant = (_left_out(part, label) == label for part in (kernel, invariant))
    lost, won = int((right & ~right_invariant).sum()), int((right_invariant & ~right).sum())
    num = lost + won
    return math.ldexp(sum(math.comb(num, count) for count in range(lost, num + 1)), -num)


def _left_out(kernel: NDArray[np.float64], label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Answer each image by all the others: ridge regression on the classes (Rifkin and Lippert 2007)."""
    num = len(label)
    if not num:
        return label
    target = np.eye(label.max() + 1)[label] - np.bincount(label) / num
    inverse = np.linalg.inv((kernel + kernel.T) / 2 + _RIDGE * kernel.trace() / num * np.eye(num))
    answer = target - inverse @ target / inverse.diagonal()[:, None]
    return np.asarray(answer.argmax(1), np.int64)
