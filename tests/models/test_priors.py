"""The categorical prior: how often each class is drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from aaecli.config.prior import Prior
from aaecli.errors import AaeError
from aaecli.models.priors import label_frequency, one_hot
from aaecli.models.priors import style as draw_style
from aaecli.training.losses import align

LABEL = np.repeat([0, 1, 2], [7, 1, 1])


def test_the_prior_follows_the_labels_where_it_should() -> None:
    assert label_frequency(Prior(), LABEL, 3, follows=False) is None
    assert label_frequency(Prior(label="uniform"), LABEL, 3, follows=True) is None
    for settings, follows in ((Prior(), True), (Prior(label="labelled"), False)):
        frequency = label_frequency(settings, LABEL, 3, follows=follows)
        assert frequency is not None
        assert frequency.tolist() == pytest.approx([8 / 12, 2 / 12, 2 / 12])
    # Labels drawn evenly are the uniform prior itself.
    assert label_frequency(Prior(), np.arange(30) % 3, 3, follows=True) is None


def test_the_prior_may_be_given() -> None:
    frequency = label_frequency(Prior(label_frequency=(3.0, 1.0)), LABEL, 2, follows=False)
    assert frequency is not None
    assert frequency.tolist() == pytest.approx([0.75, 0.25])
    with pytest.raises(AaeError, match="has 2 entries, but there are 3 classes"):
        label_frequency(Prior(label_frequency=(3.0, 1.0)), LABEL, 3, follows=True)
    with pytest.raises(AaeError, match="above 0"):
        Prior(label_frequency=(1.0, 0.0))


def test_classes_are_drawn_as_often_as_the_prior_says() -> None:
    torch.manual_seed(0)
    drawn = one_hot(20_000, 3, torch.device("cpu"), torch.tensor([0.7, 0.2, 0.1]))
    assert (drawn.sum(1) == 1).all()
    assert drawn.mean(0).tolist() == pytest.approx([0.7, 0.2, 0.1], abs=0.02)


def test_alignment_makes_the_classes_as_frequent_as_the_prior() -> None:
    prob = torch.tensor([[0.6, 0.4]])
    assert align(prob, torch.tensor([0.6, 0.4])).tolist()[0] == pytest.approx([0.5, 0.5])
    even = align(prob, torch.tensor([0.6, 0.4]), torch.tensor([0.9, 0.1]))
    assert even.tolist()[0] == pytest.approx([0.9, 0.1])


def test_every_class_is_drawn_alike_without_a_frequency() -> None:
    torch.manual_seed(0)
    drawn = one_hot(20_000, 4, torch.device("cpu"))
    assert (drawn.shape, drawn.dtype) == ((20_000, 4), torch.float32)
    assert (drawn.sum(1) == 1).all()
    assert drawn.mean(0).tolist() == pytest.approx([0.25] * 4, abs=0.02)
    # A class that is not drawn has its column all the same.
    assert one_hot(1, 50, torch.device("cpu")).shape == (1, 50)
    assert one_hot(1, 50, torch.device("cpu"), torch.ones(50)).shape == (1, 50)


def test_a_class_without_a_label_is_drawn_too() -> None:
    frequency = label_frequency(Prior(), np.array([0, 0, 0, 1]), 3, follows=True)
    assert frequency is not None
    assert frequency.dtype == torch.float32
    assert frequency.tolist() == pytest.approx([4 / 7, 2 / 7, 1 / 7])


@pytest.mark.parametrize("style", ["gaussian", "mixture", "swiss-roll"])
def test_draws_are_made_on_the_device(style) -> None:
    device = torch.device("meta")
    assert draw_style(30, 2, Prior(style=style), device).device == device
    assert one_hot(30, 3, device).device == device
