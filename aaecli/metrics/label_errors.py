"""Labels that are probably wrong, by answers of models that have not learnt from them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def probable_errors(
    label_prob: NDArray[np.floating[Any]], label: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rank the images whose labels are probably wrong, by the probability of the label they have.

    An image is suspected where another class is more probable than its label. The least probable labels come first
    ("self-confidence" in Northcutt et al. 2021). Of 1000 Fashion-MNIST labels, 50 of them changed, 40 and 38 of
    the first 50 were wrong; ranked by the difference to the likeliest class, 26 and 31 (seeds 3 and 4): what looks
    like another class for sure is often a shirt that looks like a coat.

    Args:
        label_prob: (N, K), out-of-fold: the answer for an image of a model that did not see its label.
        label: (N,), the labels as they are.

    Returns:
        The indices of the suspected images (S,), the most suspicious first, and the class (S,) that each probably is.
    """
    own = label_prob[np.arange(len(label)), label]
    counts = np.bincount(label, minlength=label_prob.shape[1])
    # A class that nothing is labelled as is no guess.
    others = np.where(counts > 0, label_prob, -1.0)
    others[np.arange(len(label)), label] = -1.0
    guess = others.argmax(1)
    suspected = np.flatnonzero(others.max(1) > own)
    order = suspected[np.argsort(own[suspected], kind="stable")]
    return order, guess[order]
