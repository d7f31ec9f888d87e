"""When labels are propagated, among which images, and that the training believes them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from aaecli.config.propagation import Propagation as Settings
from aaecli.data.loading import load_dataset
from aaecli.data.split import split
from aaecli.training.propagation import schedule
from aaecli.training.propagation.schedule import Propagation
from aaecli.training.trainer import Trainer


class Looks(torch.nn.Module):
    """Stands in for an encoder: its features are the two halves' brightness."""

    def __init__(self):
        super().__init__()
        self.body = SimpleNamespace(features=self.features)

    def features(self, image):
        return torch.stack([image[..., :4].mean((1, 2, 3)), image[..., 4:].mean((1, 2, 3))], 1)


def halves(num):
    """Images lit on the left (class 0) or the right (class 1), in turn, uint8 (num, 8, 8), and their classes."""
    label = torch.arange(num) % 2
    image = torch.randint(0, 40, (num, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    image[label == 0, :, :4] += 200
    image[label == 1, :, 4:] += 200
    return image, label


def made(num=80, pool=None, **settings):
    image, label = halves(num)
    pool = torch.arange(num) if pool is None else pool
    even = torch.tensor([0.5, 0.5])
    told = Settings(**{"every": 10, "until": 30, "num_neighbours": 5} | settings)
    return Propagation(told, image, label, torch.tensor([0, 1]), pool, even, 3), label


def test_it_is_due_every_so_many_steps_until_the_teacher_takes_over():
    propagation, _ = made()
    assert [number for number in range(50) if propagation.is_due(number)] == [10, 20]
    index = torch.arange(4)
    assert [number for number in range(50) if propagation.of(index, number) is not None] == list(range(10, 30))


def test_two_labels_tell_all_others_and_images_outside_the_pool_stay_open():
    propagation, label = made(pool=torch.arange(60), num_neighbours=15)
    propagation.refresh(10, Looks())
    assert torch.equal(propagation.of(torch.arange(60), 10), label[:60])
    assert (propagation.label[60:] == -1).all()


def test_of_a_large_pool_other_images_are_drawn_each_time():
    propagation, _ = made(num_images=30)
    said = []
    for number in (10, 20, 10):
        propagation.refresh(number, Looks())
        said.append(propagation.label.clone())
        assert (propagation.label >= 0).sum() == 30
        assert (propagation.label[:2] >= 0).all()
    assert not torch.equal(said[0] >= 0, said[1] >= 0)
    assert torch.equal(said[0], said[2])


def test_a_pool_of_a_few_images_and_more_labels_than_are_asked_for_are_fine():
    propagation, label = made(num=4, num_neighbours=50, num_images=2)
    propagation.refresh(10, Looks())
    assert torch.equal(propagation.label[:2], label[:2])


def test_beyond_the_graph_images_follow_their_neighbours_a_part_at_a_time(monkeypatch):
    monkeypatch.setattr(schedule, "_MOST_IN_GRAPH", 30)
    monkeypatch.setattr(schedule, "_PART", 7)
    propagation, label = made(pool=torch.arange(70), num_images=60, num_neighbours=15)
    propagation.refresh(10, Looks())
    is_labelled = propagation.label >= 0
    assert is_labelled.sum() == 60
    assert torch.equal(propagation.label[is_labelled], label[is_labelled])
    assert not is_labelled[70:].any()


def test_images_whose_labels_are_known_are_all_in_the_graph(monkeypatch):
    monkeypatch.setattr(schedule, "_MOST_IN_GRAPH", 2)
    propagation, label = made()
    contrary = 1 - label
    propagation.reveal(torch.arange(2, 40), contrary)
    propagation.refresh(10, Looks())
    assert torch.equal(propagation.label[2:40], contrary[2:40])
    assert (propagation.label >= 0).all()


@pytest.fixture
def trainer(write_dataset, small_config):
    """Give a function that makes a training with the given settings on a small data set."""
    folder = write_dataset(train=tuple(range(4)) * 9, test=tuple(range(4)) * 2, size=(9, 9))

    def make(**flags):
        config = small_config(**{"data": str(folder), "labels": 8, "propagation": {"every": 2, "until": 6}} | flags)
        dataset = load_dataset(config.data)
        parts = split(dataset, config.labels, config.seed)
        return Trainer(config, dataset, parts, torch.device("cpu"), torch.float32)

    return make


def test_a_model_without_a_teacher_or_with_every_label_propagates_nothing(trainer):
    assert trainer().pseudo_labels.propagation is not None
    assert trainer(labels="all").pseudo_labels.propagation is None
    assert trainer(model="clustering", labels=0).pseudo_labels.propagation is None
    assert trainer(model="baseline", propagation={}).pseudo_labels.propagation is None
    assert trainer(objective={"consistency": 0.0}, propagation={}).pseudo_labels.propagation is None
    assert trainer(propagation={"every": 0}).pseudo_labels.propagation is None
    assert trainer(propagation={"every": 2, "labels_per_class": 2}).pseudo_labels.propagation is not None
    assert trainer(propagation={"every": 2, "labels_per_class": 1}).pseudo_labels.propagation is None


def test_what_propagates_labels_is_warped_as_many_times_as_strongly(trainer):
    warps = {"augmentation": {"scale": 0.1, "elastic": 0.5, "rotation": 10.0}}

    def bounds(**propagation):
        asked = {"every": 2, "until": 6, "augmentation_scale": 3.0} | propagation
        training = trainer(**warps, propagation=asked if asked["every"] else {"every": 0})
        assert training.config.augmentation.bounds["warp"].elastic == 0.5
        used = training.step.config.augmentation.bounds["warp"]
        return used.scale, used.elastic, used.rotation

    assert bounds() == pytest.approx((0.3, 1.5, 10.0))
    assert bounds(augmentation_scale=1.0) == bounds(labels_per_class=1) == bounds(every=0) == (0.1, 0.5, 10.0)


def test_the_sizes_of_the_classes_are_the_priors_and_not_what_the_teacher_believes(trainer):
    training = trainer()
    before = training.pseudo_labels.propagation.frequency.clone()
    training.step(training.batch(0), 0)
    assert not torch.equal(training.step.class_marginal, before)
    assert torch.equal(training.pseudo_labels.propagation.frequency, before)


def test_the_sizes_of_the_classes_are_those_of_a_prior_that_is_not_uniform(trainer):
    training = trainer(prior={"label_frequency": [5.0, 3.0, 1.0, 1.0]})
    assert training.pseudo_labels.propagation.frequency.tolist() == pytest.approx([0.5, 0.3, 0.1, 0.1])


def test_the_encoder_learns_what_the_neighbours_say(trainer):
    objective = {"classification": 0.0, "consistency_options": {"confidence_threshold": 0.0}}
    training = trainer(
        objective=objective,
        optimiser={"warmup_steps": 0},
    )
    training.pseudo_labels.propagation.label.fill_(2)
    batch = training.batch(2)
    assert (batch.propagated_label == 2).all()
    losses = [float(training.step(batch, 2)["consistency"]) for _ in range(40)]
    assert losses[-1] < losses[0] / 2
    training.pseudo_labels.propagation.label.fill_(-1)
    unsaid, unasked = training.batch(2), training.batch(0)
    assert unasked.propagated_label is None
    answers = []
    for asked in (unsaid, unsaid._replace(propagated_label=None)):
        torch.manual_seed(0)
        training.step.class_marginal.fill_(0.25)
        with torch.no_grad():
            answers.append(float(training.step._add_up(asked)["consistency"]))
    assert answers[0] == pytest.approx(answers[1])
    assert answers[0] > 0
