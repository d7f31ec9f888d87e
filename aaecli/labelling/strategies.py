"""Which unlabelled images to ask the user about: published rules of active learning.

With few labels it pays to ask for typical images of what has no label yet (TypiClust, Hacohen et al. 2022); with more,
for images that the model is unsure of and that differ from each other (BADGE, Ash et al. 2020).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from aaecli.models.batch import image_batches

Rule = Literal["typiclust", "badge", "random"]

CANDIDATES = 20_000
"""Most images that are compared with each other; of more, so many are drawn by lot."""
_MOST_CLUSTERS = 500
_NEIGHBOURS = 20
"""Typicality is the inverse mean distance to so many nearest neighbours (TypiClust's own number)."""
_SMALLEST_CLUSTER = 5
_DIMENSIONS = 64
_LLOYD_STEPS = 25


class Predictions(NamedTuple):
    """What a model makes of N images.

    Attributes:
        label_prob: (N, K).
        feature: (N, D), what its label head reads of the image as it is.
    """

    label_prob: Tensor
    feature: Tensor


def read(encoder: nn.Module, image: Tensor) -> Predictions:
    """Read stored images uint8 (N, H, W) or (N, H, W, 3) with an encoder in evaluation mode."""
    probs: list[Tensor] = []
    features: list[Tensor] = []
    seen: list[Tensor] = []
    head = encoder.get_submodule("label_head")
    hook = head.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].float()))
    try:
        with torch.inference_mode():
            for _, batch in image_batches(image):
                seen.clear()
                probs.append(encoder(batch).label_logits.softmax(1))
                # Where the encoder reads copies of some images too, all images as they are come first.
                features.append(seen[0])
    finally:
        hook.remove()
    return Predictions(torch.cat(probs), torch.cat(features))


def badge(reading: Predictions, count: int, generator: torch.Generator) -> list[int]:
    """Pick images by k-means++ on the gradients that their likeliest label would cause in the label head.

    A gradient is long where the model is unsure, and two are far apart where the images or the likely classes differ.
    It is the outer product of (label_prob − one-hot) and feature; distances need the two factors only.

    Args:
        reading: Of the unlabelled images.
        count: How many.
        generator: Source of chance.

    Returns:
        Places among the images, the most uncertain first.
    """
    error = reading.label_prob.clone()
    rows = torch.arange(len(error))
    error[rows, error.argmax(1)] -= 1  # (N, K)
    feature = reading.feature
    square = error.square().sum(1) * feature.square().sum(1)  # (N,)
    chosen = [int(square.argmax())]
    nearest = torch.full_like(square, torch.inf)
    while len(chosen) < min(count, len(square)):
        last = chosen[-1]
        product = (error @ error[last]) * (feature @ feature[last])
        nearest = torch.minimum(nearest, (square + square[last] - 2 * product).clamp(min=0))
        nearest[last] = 0
        chosen.append(_draw(nearest, chosen, generator))
    return chosen


def typiclust(feature: Tensor, is_labelled: Tensor, count: int, generator: torch.Generator) -> list[int]:
    """Pick the most typical image of each of the largest clusters that no labelled image is in.

    Args:
        feature: (N, D), of labelled and unlabelled images.
        is_labelled: bool (N,).
        count: How many.
        generator: Source of chance.

    Returns:
        Places among the images, that of the largest cluster first.
    """
    point = _reduced(feature)
    num_clusters = min(int(is_labelled.sum()) + count, _MOST_CLUSTERS, len(point))
    cluster = k_means(point, num_clusters, generator)
    taken = is_labelled.clone()
    chosen: list[int] = []
    while len(chosen) < min(count, int((~is_labelled).sum())):
        free = cluster[~taken].bincount(minlength=num_clusters)
        covered = cluster[taken].bincount(minlength=num_clusters)
        # First the clusters that nothing covers, of those the largest; small ones are outliers.
        rank = covered * 1e9 + (free < _SMALLEST_CLUSTER) * 1e6 - free
        rank[free == 0] = torch.inf
        members = torch.nonzero((cluster == rank.argmin()) & ~taken).flatten()
        best = int(members[_typicality(point[members]).argmax()])
        taken[best] = True
        chosen.append(best)
    return chosen


def k_means(point: Tensor, num_clusters: int, generator: torch.Generator) -> Tensor:
    """Cluster points (N, D) by Lloyd's steps from a k-means++ start; gives the cluster of each, int64 (N,)."""
    chosen = [int(torch.randint(len(point), (1,), generator=generator))]
    nearest = torch.full((len(point),), torch.inf)
    while len(chosen) < num_clusters:
        nearest = torch.minimum(nearest, (point - point[chosen[-1]]).square().sum(1))
        chosen.append(_draw(nearest, chosen, generator))
    centre = point[chosen].clone()
    cluster = torch.cdist(point, centre).argmin(1)
    for _ in range(_LLOYD_STEPS):
        size = cluster.bincount(minlength=num_clusters)
        total = torch.zeros_like(centre).index_add_(0, cluster, point)
        centre = torch.where(size[:, None] > 0, total / size.clamp(min=1)[:, None], centre)
        moved = torch.cdist(point, centre).argmin(1)
        if torch.equal(moved, cluster):
            break
        cluster = moved
    return cluster


def _draw(weight: Tensor, chosen: list[int], generator: torch.Generator) -> int:
    """Draw a place in proportion to its weight; by lot among the others where all weights are 0, as of copies."""
    if weight.sum() <= 0:
        weight = torch.ones_like(weight)
        weight[chosen] = 0
    return int(torch.multinomial(weight.double(), 1, generator=generator))


def _reduced(feature: Tensor) -> Tensor:
    """Give the principal components that matter, scaled to unit length: distances then compare directions."""
    centred = feature - feature.mean(0)
    if centred.shape[1] > _DIMENSIONS and len(centred) > _DIMENSIONS:
        _, vectors = torch.linalg.eigh(centred.T @ centred)
        centred = centred @ vectors[:, -_DIMENSIONS:]
    return torch.nn.functional.normalize(centred, dim=1)


def _typicality(point: Tensor) -> Tensor:
    """Inverse mean distance of each point (M, D) to its nearest neighbours among them."""
    if len(point) == 1:
        return torch.ones(1)
    count = min(_NEIGHBOURS, len(point) - 1)
    distance = torch.cdist(point, point).topk(count + 1, largest=False).values[:, 1:]
    return 1 / distance.mean(1).clamp(min=1e-6)
