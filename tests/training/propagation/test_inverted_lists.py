"""Inverted lists find nearly all of the nearest points, and say where there are too few."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from aaecli.training.propagation import inverted_lists
from aaecli.training.propagation.inverted_lists import InvertedLists


def points(num, num_dims=12, seed=0):
    """Points of length 1 in some heaps, as features are."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.randn(20, num_dims, generator=torch.Generator().manual_seed(9))
    heap = torch.randint(0, 20, (num,), generator=generator)
    return F.normalize(centre[heap] + 0.5 * torch.randn(num, num_dims, generator=generator), dim=1)


def test_where_all_lists_are_read_the_search_is_exact(monkeypatch):
    monkeypatch.setattr(inverted_lists, "_PROBES", 10**6)
    point, query = points(300), points(50, seed=1)
    found, cosine = InvertedLists(point).search(query, 7)
    wanted = (query @ point.T).topk(7, dim=1)
    assert torch.equal(found, wanted.indices)
    torch.testing.assert_close(cosine, wanted.values)


def test_a_few_lists_hold_nearly_all_neighbours():
    point, query = points(4000), points(500, seed=1)
    found, cosine = InvertedLists(point).search(query, 10)
    wanted = (query @ point.T).topk(10, dim=1).indices
    assert (found[:, :, None] == wanted[:, None]).any(1).float().mean() > 0.95
    torch.testing.assert_close(cosine, (query[:, None] * point[found]).sum(2))
    assert (cosine.diff(dim=1) <= 0).all()


def test_the_same_points_are_found_twice():
    point, query = points(1000), points(100, seed=1)
    first, second = (InvertedLists(point).search(query, 5)[0] for _ in range(2))
    assert torch.equal(first, second)


def test_too_few_points_in_the_lists_are_told_from_neighbours(monkeypatch):
    monkeypatch.setattr(inverted_lists, "_PROBES", 1)
    point = F.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.01], [-1.0, 0.0], [-1.0, 0.01]]), dim=1)
    _, cosine = InvertedLists(point).search(torch.tensor([[1.0, 0.0]]), 4)
    assert (cosine >= -1).sum() == 2
    # Copies of one point are one list; the others are empty.
    found, cosine = InvertedLists(torch.ones(50, 4) / 2).search(torch.ones(1, 4) / 2, 50)
    assert sorted(found[0].tolist()) == list(range(50))
    torch.testing.assert_close(cosine, torch.ones(1, 50))
