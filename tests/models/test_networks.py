"""The mode in which networks answer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from aaecli.config.resolve import resolve
from aaecli.models.networks import Networks, answering


def test_networks_answer_in_evaluation_mode_and_go_back_to_their_own():
    learning, done = nn.Linear(2, 2), nn.Linear(2, 2).eval()
    with answering(learning, done, None):
        assert not learning.training
        assert not done.training
        assert not learning(torch.ones(1, 2)).requires_grad
    assert learning.training
    assert not done.training
    assert learning(torch.ones(1, 2)).requires_grad


def test_networks_go_back_to_their_mode_after_an_error_too():
    network = nn.Linear(2, 2)
    with pytest.raises(RuntimeError), answering(network):
        network(torch.ones(1, 3))
    assert network.training


def test_a_normalised_style_has_the_mean_and_the_deviation_of_the_prior():
    settings = resolve(
        flags={"network": {"style_batch_norm": True, "encoder": "mlp", "encoder_options": {"hidden": [16]}}}
    ).network
    encoder = Networks("semisupervised", (1, 8, 8), 3, settings).encoder.train()
    style = encoder(5 * torch.rand(64, 1, 8, 8)).style
    assert style.mean(0).abs().max() < 1e-4
    assert (style.std(0, correction=0) - 1).abs().max() < 0.05
