"""Pairs of neighbours among many points: nearly all of them, no point with itself, and few where all are alike."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from aaecli.data.inspection.projection_trees import nearby_cosine, neighbour_pairs


def pairs_of(point: NDArray[np.float32], num_trees: int = 8) -> set[tuple[int, int]]:
    point = point / np.linalg.norm(point, axis=1, keepdims=True)
    found = list(neighbour_pairs(point.astype(np.float32), np.full(len(point), 0.99, np.float32), num_trees))
    assert len(found) == (num_trees if len(point) > 1 else 0)
    return {(first, second) for tree in found for first, second in tree.tolist()}


def test_planted_neighbours_are_found() -> None:
    rng = np.random.default_rng(0)
    point = rng.standard_normal((4000, 12)) * np.linspace(1, 0.2, 12)
    point[1000:1500] = point[:500] + 0.02 * rng.standard_normal((500, 12))
    planted = {(number, number + 1000) for number in range(500)}
    found = pairs_of(point)
    assert len(planted & found) >= 495
    assert all(first < second for first, second in found)


def test_of_a_pair_the_stricter_limit_counts() -> None:
    point = np.array([[1, 0], [0.999, 0.0447], [0, 1]], np.float32)
    for cosine, found in (([0.99, 0.99, 0.99], [[0, 1]]), ([0.99, 0.9999, 0.99], []), ([0.9999, 0.99, 0.99], [])):
        (tree,) = neighbour_pairs(point, np.array(cosine, np.float32), 1)
        assert tree.tolist() == found


def test_the_cosine_with_a_neighbour_is_at_most_that_of_its_rank() -> None:
    rng = np.random.default_rng(0)
    point = rng.standard_normal((900, 6)).astype(np.float32)
    point /= np.linalg.norm(point, axis=1, keepdims=True)
    fifth = np.sort(point @ point.T, axis=1)[:, -6]
    found = nearby_cosine(point, 5, 3)
    assert (found <= fifth + 1e-6).all()
    assert np.median(fifth - found) < 0.01
    np.testing.assert_allclose(nearby_cosine(point[:200], 5, 1), np.sort(point[:200] @ point[:200].T)[:, -6], atol=1e-6)
    assert (nearby_cosine(point[:5], 5, 2) == -1).all()


@pytest.mark.parametrize("num", [0, 1, 2, 3, 255, 257])
def test_any_number_of_points(num: int) -> None:
    point = np.eye(300, 20)[:num] + np.eye(300, 20, -20)[:num] + 1e-3
    assert all(0 <= first < second < num for first, second in pairs_of(point))


def test_points_that_are_all_alike_hang_together_by_few_pairs() -> None:
    num = 1000
    found = pairs_of(np.ones((num, 5)), 3)
    assert len(found) <= 3 * 8 * 2 * num
    least = list(range(num))
    for _ in range(num):
        before = list(least)
        for first, second in found:
            least[first] = least[second] = min(least[first], least[second])
        if least == before:
            break
    assert set(least) == {0}
