"""The novelty score: of both what the decoder draws badly and what the encoder is unsure of."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.serve.novelty import novelty_score

SURE, EVEN = [1.0, 0.0, 0.0], [1 / 3] * 3


def scores(error: list[float], prob: list[list[float]], threshold: float = 0.05) -> list[float]:
    return novelty_score(np.array(error), np.array(prob, np.float32), threshold).tolist()


def test_it_is_in_units_of_the_threshold() -> None:
    assert scores([0.0, 0.05, 0.1], [SURE] * 3) == pytest.approx([0, 1, 2], abs=1e-6)


def test_an_even_answer_alone_makes_one() -> None:
    assert scores([0.0], [EVEN]) == pytest.approx([1])


def test_the_two_add_up() -> None:
    assert scores([0.05], [EVEN]) == pytest.approx([2**0.5])


def test_a_model_that_reconstructs_exactly_has_numbers_too() -> None:
    assert np.isfinite(scores([0.0, 1.0], [SURE, EVEN], threshold=0.0)).all()


def test_no_image_and_a_single_class() -> None:
    assert novelty_score(np.empty(0), np.empty((0, 3), np.float32), 0.05).shape == (0,)
    assert scores([0.05], [[1.0]]) == pytest.approx([1])
