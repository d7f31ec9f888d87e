"""Labels for many images from those of a few, by who lies next to whom: Poisson learning with known class sizes.

Calder, Cook, Thorpe and Slepčev 2020 ("Poisson learning", algorithms 1 and 2). With one label a class it reads far more
than a classifier that learns from the same labels: the many images without any say where one class ends.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_ROWS = 1000
"""Rows of the distance matrix that are in memory at a time."""
_PRINCIPAL = 128
"""Directions that are kept of features which are more than twice as wide: what lies next to what, they tell as well."""
_SPREADING = 500
"""Iterations of algorithm 1: by then the labels have reached whatever hangs together."""
_OUTER, _INNER = 20, 40
"""Iterations of algorithm 2, the paper's."""
_BALANCING, _STEP = 100, 10.0
"""Iterations and first step of the search for how much each class is favoured: not in the paper, but in its authors'
code (``volume_label_projection`` in Calder's GraphLearning), with bounds of 0.5 and 2. With a step of 1 a class that
is one in 256 and goes to no image would gain 0.004 an iteration."""
_MARGIN = 1.0001
"""For the rounding of a product, where it is to be ruled out that it changes which is the largest."""
_COLUMNS = 32
"""Classes that are spread together. They do not depend on each other, and the values of so many stay in the cache: with
256 classes and 20,000 images, a step takes a third of the time."""


class Graph:
    """A symmetric graph of nearest neighbours with weights from 0 to 1, kept row by row.

    Its products run on the processor, whatever the features came from: they are a few million operations each, and
    a product that adds up in another order every time would make another training.

    Args:
        feature: float32 (N, D), of which the directions count; N is more than ``num_neighbours``.
        num_neighbours: Neighbours that every image looks at; those that look at it are added.
    """

    def __init__(self, feature: Tensor, num_neighbours: int = 10) -> None:
        num = len(feature)
        neighbour, distance = nearest(feature, num_neighbours)  # (N, n), (N, n)
        weight = edge_weights(distance)
        start = torch.arange(num).repeat_interleave(num_neighbours)
        edge = torch.cat([start * num + neighbour.flatten(), neighbour.flatten() * num + start])
        # What is seen from both ends occurs twice and adds up.
        edge, occurrence = torch.unique(edge, return_inverse=True)
        self.weight = torch.zeros(len(edge)).index_add_(0, occurrence, weight.flatten().repeat(2))
        self.column = edge % num
        self.first = torch.searchsorted(edge, torch.arange(num) * num)
        self.degree = self @ torch.ones(num, 1)  # (N, 1)

    def __matmul__(self, value: Tensor) -> Tensor:
        """Add up the neighbours' values (N, K), weighted, for every image."""
        return F.embedding_bag(self.column, value, self.first, mode="sum", per_sample_weights=self.weight)


def edge_weights(distance: Tensor) -> Tensor:
    """Give the paper's weights of neighbours by their squared distances (N, n), the farthest last.

    The scale is each image's own, so dense and thin regions hang together alike.
    """
    return torch.exp(-4 * distance / distance[:, -1:].clamp_min(1e-12))


def principal_axes(feature: Tensor) -> Tensor | None:
    """Find the directions (D, 128) that tell most of features (N, D); None where these are narrow enough as they are.

    Every image is compared with many others, which takes as much longer as the features are wider.
    """
    direction = F.normalize(feature, dim=1)
    if direction.shape[1] <= 2 * _PRINCIPAL:
        return None
    _, principal = torch.linalg.eigh(direction.T @ direction)  # the largest come last
    axes: Tensor = principal[:, -_PRINCIPAL:]
    return axes


def directions(feature: Tensor, axes: Tensor | None) -> Tensor:
    """Bring features (N, D) to length 1, along some axes alone where there are any."""
    direction = F.normalize(feature, dim=1)
    return direction if axes is None else F.normalize(direction @ axes, dim=1)


def nearest(feature: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Find the images whose features point most nearly the same way, on the device of the features.

    Returns:
        int64 (N, count) and float32 (N, count) on the processor: the others, nearest first, and the squared distances
        between the features brought to length 1.
    """
    direction = directions(feature, principal_axes(feature))
    found, cosines = [], []
    for start in range(0, len(direction), _ROWS):
        cosine = direction[start : start + _ROWS] @ direction.T  # (_ROWS, N)
        own = torch.arange(len(cosine), device=cosine.device)
        cosine[own, start + own] = -2.0
        best = cosine.topk(count, dim=1)
        cosines.append(best.values)
        found.append(best.indices)
    return torch.cat(found).cpu(), (2 - 2 * torch.cat(cosines).cpu()).clamp_min(0)


def propagate(graph: Graph, label: Tensor, frequency: Tensor, max_class_weight: float = 2.0) -> Tensor:
    """Label every image that hangs together with a labelled one.

    Args:
        graph: Of N images.
        label: int64 (N,) on the processor; -1 where it is not known.
        frequency: float32 (K,), the share of the images that is of each class.
        max_class_weight: Factor of 1 or more, up to which a class is weighted, or down to its inverse, to come out that
            large. 2 is the paper's; the nearer to 1, the less the frequency counts.

    Returns:
        int64 (N,); -1 for images that no label reaches. What was known stays as it was.
    """
    num_classes = len(frequency)
    known = label >= 0
    given = F.one_hot(label[known], num_classes).float()
    source = torch.zeros(len(label), num_classes)
    source[known] = given - given.mean(0)
    value = torch.cat([_spread(graph, part) for part in torch.split(source, _COLUMNS, 1)], 1)
    reached = value.abs().sum(1) > 0
    frequency = frequency / frequency.sum()
    # A class counts by its frequency, not by how many labels it happens to have (the paper, section 2.2: diag(b / ȳ)).
    value = value * (frequency / given.mean(0).clamp_min(1 / len(given)))
    value = _assigned(value, reached, frequency, max_class_weight)
    pace = 1 / graph.degree.max()
    for _ in range(_OUTER):
        before = value
        parts = zip(torch.split(value, _COLUMNS, 1), torch.split(source, _COLUMNS, 1), strict=True)
        value = torch.cat([_diffused(graph, *part, pace) for part in parts], 1)
        value = _assigned(value, reached, frequency, max_class_weight)
        if torch.equal(value, before):
            break
    read = value.argmax(1).masked_fill(~reached, -1)
    return torch.where(known, label, read)


def _spread(graph: Graph, source: Tensor) -> Tensor:
    """Run algorithm 1 for some classes (N, C)."""
    inflow = source / graph.degree
    value = torch.zeros_like(inflow)
    for _ in range(_SPREADING):
        value = (graph @ value).div_(graph.degree).add_(inflow)
    return value


def _diffused(graph: Graph, value: Tensor, source: Tensor, pace: Tensor) -> Tensor:
    """Run the inner iterations of algorithm 2 for some classes (N, C)."""
    value, source = value.contiguous(), source.contiguous()
    for _ in range(_INNER):
        change = graph.degree * value
        change -= graph @ value
        change -= source
        value = value - change.mul_(pace)
    return value


def _assigned(value: Tensor, reached: Tensor, frequency: Tensor, limit: float) -> Tensor:
    """Give each image its largest class (N, K), one-hot, the classes weighted so that they come out as frequent."""
    factor = _class_weights(value[reached], frequency, limit)
    return F.one_hot((value * factor).argmax(1), len(frequency)).float()


def _class_weights(value: Tensor, frequency: Tensor, limit: float) -> Tensor:
    """Find the factors (K,) in [1 / limit, limit] with which the largest classes of (N, K) come out as frequent.

    The authors' step is right for ten classes: with two it goes too far, and back, and too far again; with hundreds it
    is slow. So it is only the first. From there on each class has a step of its own, which grows while the class is
    still too small or still too large, and is halved when that changes (Rprop, Riedmiller and Braun 1993).
    """
    num_classes, first = len(frequency), value.argmax(1)
    others = value.scatter(1, first[:, None], -math.inf).amax(1)
    largest = value.gather(1, first[:, None])[:, 0]
    # No factors make another class the largest of these.
    is_settled = (largest > 0) & (largest > _MARGIN * limit**2 * others)
    settled, contested = torch.bincount(first[is_settled], minlength=num_classes), value[~is_settled]
    factor = best = torch.ones_like(frequency)
    step, before, least = torch.zeros_like(frequency), torch.zeros_like(frequency), math.inf
    for number in range(_BALANCING):
        count = settled + torch.bincount((contested * factor).argmax(1), minlength=num_classes)
        share = count / max(len(value), 1)
        missing = frequency - share
        if (gap := float(missing.abs().sum())) < least:
            least, best = gap, factor
        turned = before * missing < 0
        step = torch.where(turned, step / 2, step * 1.2).clamp_max(limit) if number else _STEP * missing.abs()
        factor = (factor + step * missing.sign()).clamp(1 / limit, limit)
        before = missing
    return best
