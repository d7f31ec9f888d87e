"""Labels from neighbours: what hangs together is of one class, and classes come out as large as they are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from aaecli.training.propagation import poisson
from aaecli.training.propagation.poisson import Graph, _class_weights, nearest, propagate


def heaps(sizes, spread, seed=0, num_dims=8):
    """Heaps of points about the axes of a space: features (N, D) and the heap of each."""
    generator = torch.Generator().manual_seed(seed)
    heap = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    noise = torch.randn(len(heap), num_dims, generator=generator)
    return torch.eye(num_dims)[heap] + spread * noise, heap


def first_of_each(heap, num_classes):
    """The labels of the first point of the first heaps, -1 for all others."""
    label = torch.full_like(heap, -1)
    for each in range(num_classes):
        label[(heap == each).nonzero()[0]] = each
    return label


def even(num_classes):
    return torch.full((num_classes,), 1 / num_classes)


@given(num=st.integers(12, 60), count=st.integers(1, 10), seed=st.integers(0, 1000))
def test_the_nearest_are_those_that_scikit_learn_finds(num, count, seed):
    feature = torch.randn(num, 5, generator=torch.Generator().manual_seed(seed))
    found, distance = nearest(feature, count)
    direction = torch.nn.functional.normalize(feature, dim=1).numpy()
    wanted, _ = NearestNeighbors(n_neighbors=count).fit(direction).kneighbors()
    np.testing.assert_allclose(distance.sqrt(), wanted, atol=1e-3)
    assert not (found == torch.arange(num)[:, None]).any()


def test_of_wide_features_the_directions_that_matter_are_compared():
    generator = torch.Generator().manual_seed(0)
    narrow = torch.randn(200, 20, generator=generator) + 1
    wide = narrow @ torch.linalg.qr(torch.randn(400, 20, generator=generator))[0].T  # (200, 400), the same angles
    noise = 1e-3 * torch.randn(200, 400, generator=generator)
    found, distance = nearest(wide + noise, 5)
    wanted, far = nearest(narrow, 5)
    assert (found == wanted).float().mean() > 0.97
    torch.testing.assert_close(distance, far, atol=0.01, rtol=0)


def test_more_rows_than_are_in_memory_at_a_time_make_no_difference(monkeypatch):
    feature = torch.randn(70, 5, generator=torch.Generator().manual_seed(0))
    whole = nearest(feature, 6)
    monkeypatch.setattr("aaecli.training.propagation.poisson._ROWS", 16)
    parts = nearest(feature, 6)
    assert torch.equal(whole[0], parts[0])
    torch.testing.assert_close(whole[1], parts[1])


def test_the_graph_is_symmetric_and_adds_up_the_neighbours():
    feature, _ = heaps([20, 20], 0.2)
    graph = Graph(feature, 4)
    matrix = graph @ torch.eye(40)
    torch.testing.assert_close(matrix, matrix.T)
    assert not matrix.diagonal().any()
    assert (matrix > 0).sum(1).min() >= 4
    torch.testing.assert_close(graph.degree, matrix.sum(1, keepdim=True))
    value = torch.randn(40, 3)
    torch.testing.assert_close(graph @ value, matrix @ value)


@pytest.mark.parametrize("seed", range(3))
def test_one_label_a_class_tells_the_rest(seed):
    feature, heap = heaps([60, 60, 60], 0.15, seed)
    assert torch.equal(propagate(Graph(feature), first_of_each(heap, 3), even(3)), heap)


def test_classes_come_out_as_large_as_they_are_known_to_be():
    feature, heap = heaps([300, 100], 0.45)  # the heaps run into each other
    label = first_of_each(heap, 2)
    shares = {}
    for name, frequency in (("true", torch.tensor([0.75, 0.25])), ("even", even(2))):
        read = propagate(Graph(feature), label, frequency)
        shares[name] = float((read == 0).float().mean())
    assert shares["true"] == pytest.approx(0.75, abs=0.06)
    assert shares["even"] == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("seed", range(3))
def test_the_less_a_class_may_be_favoured_the_less_a_wrong_prior_does(seed):
    feature, heap = heaps([300, 100], 0.4, seed)
    graph, label = Graph(feature), first_of_each(heap, 2)
    wrong = {
        max_class_weight: int((propagate(graph, label, even(2), max_class_weight) != heap).sum())
        for max_class_weight in (1.1, 2.0)
    }
    assert wrong[1.1] <= 40
    assert wrong[2.0] >= 80


def test_an_image_that_no_label_reaches_is_left_open():
    feature, heap = heaps([40, 40, 40], 0.02)
    read = propagate(Graph(feature, 5), first_of_each(heap, 2), even(2))
    assert torch.equal(read, torch.where(heap < 2, heap, -1))


def test_what_was_known_is_kept_even_where_the_neighbours_say_otherwise():
    feature, heap = heaps([40, 40], 0.1)
    label = first_of_each(heap, 2)
    label[5] = 1
    read = propagate(Graph(feature), label, even(2))
    assert read[5] == 1
    assert torch.equal(read[[0, 40]], torch.tensor([0, 1]))


def test_features_that_are_all_alike_do_no_harm():
    label = torch.tensor([0, 1] + [-1] * 20)
    read = propagate(Graph(torch.ones(22, 4)), label, even(2))
    assert torch.equal(read[:2], torch.tensor([0, 1]))
    assert ((read >= -1) & (read < 2)).all()


def test_256_classes_reach_their_frequencies():
    generator = torch.Generator().manual_seed(0)
    frequency = 0.5 + torch.rand(256, generator=generator)
    frequency /= frequency.sum()
    # What speaks for a class is up to half as much again for some as for others, for no reason.
    value = torch.rand(20_000, 256, generator=generator) * (0.75 + 0.5 * torch.rand(256, generator=generator))
    before = torch.bincount(value.argmax(1), minlength=256) / len(value)
    factor = _class_weights(value, frequency, 2.0)
    after = torch.bincount((value * factor).argmax(1), minlength=256) / len(value)
    assert (before - frequency).abs().sum() > 0.5
    assert (after - frequency).abs().sum() < 0.05
    assert (after > 0).all()


def test_classes_spread_together_or_apart_come_to_the_same_bits(monkeypatch):
    feature, heap = heaps([30] * 8, 0.5)
    frequency = torch.arange(8) + 4.0
    label = first_of_each(heap, 8)
    whole = propagate(Graph(feature), label, frequency)
    monkeypatch.setattr(poisson, "_COLUMNS", 3)
    assert torch.equal(propagate(Graph(feature), label, frequency), whole)


@given(limit=st.sampled_from([1.0, 1.1, 2.0]), seed=st.integers(0, 1000), shift=st.sampled_from([-1.0, 0.0, 2.0]))
def test_leaving_out_what_no_weights_change_changes_no_weights(limit, seed, shift):
    value = torch.randn(60, 5, generator=torch.Generator().manual_seed(seed)) + shift
    frequency = torch.tensor([0.4, 0.3, 0.15, 0.1, 0.05])
    found = _class_weights(value, frequency, limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(poisson, "_MARGIN", torch.inf)
        assert torch.equal(found, _class_weights(value, frequency, limit))


def test_two_classes_reach_their_frequencies_though_the_step_is_too_large_for_them():
    value = torch.rand(2_000, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.7])
    for wanted in (0.3, 0.5, 0.7):
        frequency = torch.tensor([wanted, 1 - wanted])
        share = ((value * _class_weights(value, frequency, 2.0)).argmax(1) == 0).float().mean()
        assert share == pytest.approx(wanted, abs=0.1)


@pytest.mark.parametrize("max_class_weight", [1.0, 1.1, 2.0])
def test_no_class_is_favoured_more_than_is_allowed(max_class_weight):
    value = torch.rand(500, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([4.0, 1, 1, 1])
    factor = _class_weights(value, even(4), max_class_weight)
    assert factor.min() >= 1 / max_class_weight - 1e-6
    assert factor.max() <= max_class_weight + 1e-6


def test_a_class_counts_by_its_frequency_and_not_by_its_number_of_labels():
    feature, heap = heaps([200, 200], 0.5, seed=3)
    lopsided = torch.full_like(heap, -1)
    lopsided[:9], lopsided[200] = 0, 1
    read = propagate(Graph(feature), lopsided, even(2), max_class_weight=1.0)
    assert float((read == 0).float().mean()) == pytest.approx(0.5, abs=0.15)
