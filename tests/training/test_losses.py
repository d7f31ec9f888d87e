"""The losses, against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from aaecli.config.resolve import resolve
from aaecli.models.networks import Networks
from aaecli.training import losses


class Constant(nn.Module):
    """Judges a code by its first column, times a weight."""

    def __init__(self, weight=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, code):
        return self.weight * code[:, :1]


def test_reconstruction_is_the_mean_squared_error():
    drawn, image = torch.full((2, 1, 2, 2), 0.5), torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 1, 2, 2)
    assert losses.reconstruction(drawn, image).item() == pytest.approx(0.25)


def test_discrimination_is_two_ln_two_where_nothing_can_be_told_apart():
    code = torch.randn(8, 3)
    assert losses.discrimination(Constant(0.0), code, code).item() == pytest.approx(2 * math.log(2))


def test_discrimination_falls_where_the_prior_is_judged_higher():
    prior, code = torch.full((4, 3), 5.0), torch.full((4, 3), -5.0)
    expected = 2 * math.log1p(math.exp(-5))
    assert losses.discrimination(Constant(), prior, code).item() == pytest.approx(expected, rel=1e-4)
    assert losses.discrimination(Constant(), code, prior).item() == pytest.approx(expected + 10, rel=1e-4)


def test_regularisation_pushes_codes_to_where_the_prior_is():
    code = torch.zeros(4, 3, requires_grad=True)
    discriminator = Constant()
    loss = losses.regularisation(discriminator, code)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert (code.grad[:, 0] < 0).all()
    assert discriminator.weight.grad is None


def test_classification_is_cross_entropy_of_logits():
    logits = torch.tensor([[0.0, 0.0], [0.0, math.log(3)]])
    expected = (math.log(2) + math.log(4 / 3)) / 2
    assert losses.classification(logits, torch.tensor([0, 1])).item() == pytest.approx(expected)


def test_alignment_lifts_the_class_that_is_named_too_rarely():
    prob = torch.tensor([[0.6, 0.4], [0.75, 0.25]])
    aligned = losses.align(prob, torch.tensor([0.75, 0.25]))
    # Each image's probabilities add up to 1 by themselves.
    assert aligned.flatten().tolist() == pytest.approx([1 / 3, 2 / 3, 1 / 2, 1 / 2])
    assert torch.allclose(losses.align(prob, torch.tensor([0.5, 0.5])), prob)


def test_consistency_counts_only_what_the_teacher_is_sure_of():
    logits = torch.zeros(2, 2, requires_grad=True)
    teacher = torch.tensor([[0.95, 0.05], [0.6, 0.4]])
    loss = losses.consistency(logits, teacher, 0.9)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2) / 2)
    assert logits.grad[0, 0] < 0
    assert (logits.grad[1] == 0).all()


def test_information_is_all_there_where_answers_are_sure_and_even_and_none_where_they_are_not():
    sure = 50 * torch.eye(4)
    assert float(losses.mutual_information(sure)) == pytest.approx(0, abs=1e-6)
    # Always the same answer, and no answer at all, tell nothing: ln 4 is missing.
    assert float(losses.mutual_information(sure[:1].repeat(4, 1))) == pytest.approx(math.log(4), abs=1e-6)
    assert float(losses.mutual_information(torch.zeros(4, 4))) == pytest.approx(math.log(4), abs=1e-6)
    # Half the time sure of the first, half the time undecided between both.
    halves = torch.tensor([[50.0, 0.0], [0.0, 0.0]])
    spread = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    expected = math.log(2) - spread + math.log(2) / 2
    assert float(losses.mutual_information(halves)) == pytest.approx(expected, abs=1e-6)


def test_spread_weighs_what_the_answers_lack_of_being_even():
    logits = torch.tensor([[50.0, 0.0], [0.0, 0.0]])
    doubt = math.log(2) / 2
    unevenness = float(losses.mutual_information(logits)) - doubt
    assert unevenness > 0.1
    assert float(losses.mutual_information(logits, 3.0)) == pytest.approx(doubt + 3 * unevenness, abs=1e-6)


def test_spread_asks_for_the_frequencies_of_the_prior():
    frequency = torch.tensor([0.75, 0.25])
    sure = torch.tensor([[50.0, 0.0], [50.0, 0.0], [50.0, 0.0], [0.0, 50.0]])
    assert float(losses.mutual_information(sure, 2.0, frequency)) == pytest.approx(0, abs=1e-6)
    divergence = 0.75 * math.log(0.75 / 0.25) + 0.25 * math.log(0.25 / 0.75)
    assert float(losses.mutual_information(sure, 2.0, frequency.flip(0))) == pytest.approx(2 * divergence, abs=1e-6)
    even = losses.mutual_information(sure, 2.0, torch.full((2,), 0.5))
    assert float(even) == pytest.approx(float(losses.mutual_information(sure, 2.0)), abs=1e-6)


def test_soft_consistency_counts_every_image_by_the_teachers_probabilities():
    logits = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    teacher = torch.tensor([[0.6, 0.4], [0.5, 0.5]])
    log_prob = logits.log_softmax(1)
    expected = -(teacher * log_prob).sum(1).mean()
    assert float(losses.soft_consistency(logits, teacher)) == pytest.approx(float(expected))
    # Least where the student answers as the teacher does.
    assert losses.soft_consistency(teacher.log(), teacher) < losses.soft_consistency(logits, teacher)


def test_a_teacher_as_sure_as_the_bound_is_not_sure_enough():
    logits, prob = torch.zeros(1, 2), torch.tensor([[0.75, 0.25]])
    assert losses.consistency(logits, prob, 0.75).item() == 0
    assert losses.consistency(logits, prob, 0.74).item() == pytest.approx(math.log(2))


def test_alignment_follows_the_frequencies_of_the_prior():
    prob = torch.tensor([[0.5, 0.5]])
    aligned = losses.align(prob, torch.tensor([0.5, 0.5]), torch.tensor([0.8, 0.2]))
    assert aligned.tolist()[0] == pytest.approx([0.8, 0.2])


def test_alignment_of_a_class_that_was_never_named_gives_numbers():
    prob = torch.tensor([[0.5, 0.5, 0.0], [0.3, 0.2, 0.5], [1.0, 0.0, 0.0]])
    for frequency in (None, torch.tensor([0.2, 0.3, 0.5])):
        aligned = losses.align(prob, torch.tensor([0.6, 0.4, 0.0]), frequency)
        assert bool(aligned.isfinite().all())
        assert aligned.sum(1).tolist() == pytest.approx([1, 1, 1])
        assert aligned[1, 2] > 0.999
        assert aligned[0, 2] == aligned[2, 2] == 0


def test_a_propagated_label_confirms_the_teachers_or_replaces_it():
    small = {"encoder": "mlp", "encoder_options": {"hidden": [8]}, "discriminator_hidden": [8]}
    settings = resolve(flags={"network": small}).network
    teacher = Networks("semisupervised", (1, 6, 6), 5, settings).encoder.eval()
    image, marginal = torch.rand(4, 1, 6, 6), torch.full((5,), 0.2)

    def prob(label=None, role="replace"):
        return losses.teacher_prob(teacher, image, marginal, None, label, align_classes=False, role=role)

    own = prob()
    label = own.argmax(1)
    label[2:] = (label[2:] + 1) % 5
    sure = torch.nn.functional.one_hot(label, 5).float()
    assert torch.equal(prob(label), sure)
    confirmed = prob(label, "confirm")
    assert torch.equal(confirmed[:2], sure[:2])
    assert torch.allclose(confirmed[2:], own[2:])
