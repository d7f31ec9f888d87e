"""Labels for images beside those of a graph: what is propagated to some ten thousand tells of any number more.

The induction formula of Delalleau, Bengio and Le Roux 2005 ("Efficient non-parametric function induction in
semi-supervised learning"), with the nearest neighbours alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from aaecli.training.propagation.inverted_lists import InvertedLists
from aaecli.training.propagation.poisson import directions, edge_weights, principal_axes

_MOST_VOTES = 10


class Extension:
    """Labels images by their nearest neighbours in a graph, whose labels are weighted as its edges are.

    Args:
        feature: float32 (N, D), of the images of the graph; only the directions count.
        label: int64 (N,) on the processor, what was propagated to them; -1 where no label came.
        num_classes: K.
        num_neighbours: Images that an image looks at; no more than ten.
    """

    def __init__(self, feature: Tensor, label: Tensor, num_classes: int, num_neighbours: int) -> None:
        self._axes = principal_axes(feature)
        self._lists = InvertedLists(directions(feature, self._axes))
        self._label, self._num_classes = label, num_classes
        self._count = min(num_neighbours, _MOST_VOTES)

    def label(self, feature: Tensor) -> Tensor:
        """Label images by their features (M, D): int64 (M,) on the processor; -1 where the neighbours have no label."""
        found, cosine = (part.cpu() for part in self._lists.search(directions(feature, self._axes), self._count))
        weight = edge_weights((2 - 2 * cosine).clamp_min(0)) * (cosine >= -1)
        # The first column is for neighbours without a label, whose votes do not count.
        votes = torch.zeros(len(found), self._num_classes + 1).scatter_add_(1, self._label[found] + 1, weight)
        votes[:, 0] = 0
        return votes.argmax(1) - 1
