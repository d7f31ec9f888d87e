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
    labelled as this class have for it. An image is suspected where another class than its label is, and its label is
    less probable than that class.

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
    # Of a class that nothing is labelled as, nothing is confident.
    threshold = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    others = np.where(label_prob >= threshold, label_prob, -1.0)
    others[np.arange(len(label)), label] = -1.0
    guess = others.argmax(1)
    margin = others.max(1) - own
    suspected = np.flatnonzero((others.max(1) >= 0) & (margin > 0))
    order = suspected[np.argsort(-margin[suspected], kind="stable")]
    return order, guess[order]
