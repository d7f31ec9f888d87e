"""Images beside the graph follow their nearest neighbours in it."""

from __future__ import annotations

import torch

from aaecli.training.propagation.extension import Extension
from aaecli.training.propagation.poisson import Graph, propagate
from tests.training.propagation.test_poisson import even, first_of_each, heaps


def test_other_images_of_a_heap_get_its_label():
    feature, heap = heaps([200, 200, 200], 0.15)
    other, wanted = heaps([50, 60, 70], 0.15, seed=1)
    label = propagate(Graph(feature), first_of_each(heap, 3), even(3))
    assert torch.equal(Extension(feature, label, 3, 10).label(other), wanted)
    assert torch.equal(Extension(5 * feature, label, 3, 10).label(3 * other), wanted)


def test_wide_features_are_compared_along_the_axes_of_the_graph():
    feature, heap = heaps([200, 200, 200], 0.05, num_dims=400)
    other, wanted = heaps([50, 60, 70], 0.05, seed=1, num_dims=400)
    assert torch.equal(Extension(feature, heap, 3, 10).label(other), wanted)


def test_the_nearer_neighbours_weigh_more():
    feature = torch.tensor([[1.0, 0.0], [1.0, 0.5], [1.0, 0.5]])
    extension = Extension(feature, torch.tensor([1, 0, 0]), 2, 3)
    assert extension.label(torch.tensor([[1.0, 0.01], [1.0, 0.49]])).tolist() == [1, 0]


def test_neighbours_without_a_label_say_nothing():
    feature, heap = heaps([40, 40], 0.02)
    other, _ = heaps([5, 5], 0.02, seed=1)
    label = torch.where(heap == 0, 0, -1)
    assert Extension(feature, label, 2, 5).label(other).tolist() == [0] * 5 + [-1] * 5
    label[0], label[1:40] = 1, -1
    assert set(Extension(feature, label, 2, 40).label(other[:5]).tolist()) <= {1, -1}


def test_fewer_neighbours_than_votes_are_enough():
    feature = torch.eye(3)[:2]
    assert Extension(feature, torch.tensor([0, 1]), 2, 1).label(torch.eye(3)[:2]).tolist() == [0, 1]
