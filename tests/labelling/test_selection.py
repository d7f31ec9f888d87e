"""Which images are compared where there are too many of them: a draw, whatever the order of the files."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.data.dataset import Dataset
from aaecli.labelling import selection
from aaecli.labelling.selection import choose_questions


@pytest.fixture
def dataset() -> Dataset:
    """Give 200 images, each as bright as its index says; the first half of them is labelled."""
    image = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None, None], (200, 4, 4)).copy()
    label = np.where(np.arange(200) < 100, np.arange(200) % 2, -1)
    return Dataset("some", ("a", "b"), image, label, image[:0], label[:0])


def test_typical_images_are_looked_for_in_a_draw(dataset, monkeypatch) -> None:
    compared = {}

    def typiclust(feature, is_labelled, count, generator):
        index = (feature[:, 0] * 255).round().long()
        compared[True], compared[False] = index[is_labelled].tolist(), index[~is_labelled].tolist()
        return list(range(count))

    monkeypatch.setattr(selection, "typiclust", typiclust)
    monkeypatch.setattr(selection, "CANDIDATES", 20)
    choose_questions(dataset, None, 3, "typiclust")
    for is_labelled, start in ((True, 0), (False, 100)):
        assert len(set(compared[is_labelled])) == 20
        assert all(start <= index < start + 100 for index in compared[is_labelled])
        assert max(compared[is_labelled]) > start + 60, "not the first twenty"


def test_what_is_drawn_at_random_is_not_what_comes_first(dataset) -> None:
    picks = [question.image_index for question in choose_questions(dataset, None, 10, "random")]
    assert max(picks) > 140
    assert len(set(picks)) == 10
