"""Copies among images, at the places where the training images end and where there is nothing to see."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.data.inspection import duplicates
from aaecli.data.inspection.duplicates import Duplicates, find_duplicates


def images(*shades: tuple[int, int]) -> np.ndarray:
    """Images of two pixels."""
    return np.array(shades, np.uint8).reshape(len(shades), 1, 2)


def test_the_first_test_image_is_one() -> None:
    found = find_duplicates(images((1, 2), (3, 4), (1, 2), (3, 4)), np.array([0, 1, 0, -1]), 2)
    assert found == Duplicates(tested=((0, 2), (1, 3)))


def test_copies_among_the_test_images_alone_are_nobodys_business() -> None:
    assert find_duplicates(images((9, 8), (1, 2), (1, 2)), np.array([0, 1, 1]), 1) == Duplicates()


def test_images_of_a_single_shade_are_left_out() -> None:
    label = np.array([0, 1, -1, -1, 0, 1])
    assert find_duplicates(images((0, 0), (0, 0), (7, 7), (7, 7), (255, 255), (255, 255)), label, 6) == Duplicates()


def test_every_image_is_told_apart_by_all_of_its_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (3000, 2, 3, 3)).astype(np.uint8)
    image[2999] = image[17]
    assert find_duplicates(image, np.full(3000, -1), 3000) == Duplicates(unlabelled=((17, 2999),))


def test_copies_of_one_label_and_without_any() -> None:
    image = images((1, 2), (1, 2), (1, 2), (3, 4), (3, 4), (5, 6), (5, 6), (5, 6))
    found = find_duplicates(image, np.array([1, -1, 1, -1, -1, 0, 1, -1]), 8)
    assert found == Duplicates(contradicting=((5, 6, 7),), labelled=((0, 1, 2),), unlabelled=((3, 4),))


def test_images_of_one_fingerprint_are_still_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "fingerprints", lambda flat: np.zeros(len(flat), np.uint64))
    found = find_duplicates(images((1, 2), (3, 4), (1, 2), (5, 6)), np.full(4, -1), 4)
    assert found == Duplicates(unlabelled=((0, 2),))


def test_fingerprints_differ_by_each_pixel_and_by_its_place() -> None:
    flat = np.zeros((2 * 29 + 1, 29), np.uint8)
    flat[np.arange(29), np.arange(29)] = 1
    flat[29 + np.arange(29), np.arange(29)] = 128
    assert len(set(duplicates.fingerprints(flat).tolist())) == len(flat)
    assert (duplicates.fingerprints(flat[[3, 3]]) == duplicates.fingerprints(flat)[3]).all()
