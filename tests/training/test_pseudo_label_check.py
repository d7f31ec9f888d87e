"""Pseudo-labels are checked on labels that nobody was shown, and count no further where they are worse."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from aaecli.checkpoint.file import read
from aaecli.config.resolve import resolve
from aaecli.data.split import split
from aaecli.training import pseudo_label_check
from aaecli.training.pseudo_label_check import PseudoLabelCheck, applies, is_worse
from aaecli.training.step import Step
from aaecli.training.trainer import Trainer
from tests.training.golden import drawings, shrunk
from tests.training.test_run import Watcher

CHECK = 6


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(pseudo_label_check, "_PLAIN_STEPS", 3)


def settings(check_step=CHECK, **flags):
    objective = {"consistency_options": {"check_step": check_step}}
    return resolve(preset="pictures", flags={"objective": objective, **flags})


def make(seed=0, labels=60):
    config = settings(labels=labels, seed=seed, device="cpu")
    config = dataclasses.replace(
        shrunk(config),
        propagation=dataclasses.replace(config.propagation, every=3, until=11, labels_per_class=100),
    )
    dataset = drawings()
    return Trainer(config, dataset, split(dataset, labels, seed), torch.device("cpu"), torch.float32)


def test_a_fifth_of_each_class_is_held_out_and_two_are_kept():
    label = torch.tensor([0] * 10 + [1] * 3 + [2] * 2 + [3] + [-1] * 4)
    check = PseudoLabelCheck(resolve(preset="pictures"), torch.arange(16), label)
    assert label[check.held_out].tolist() == [0, 0, 1]
    assert sorted([*check.held_out.tolist(), *check.kept.tolist()]) == list(range(16))


def test_it_applies_where_there_are_labels_to_check_by():
    config = settings()
    label = torch.tensor([0, 0, 0, 1, 1, -1])
    assert applies(config, torch.arange(5), label, 100)
    assert not applies(config, torch.arange(1, 5), label, 100)
    assert not applies(config, torch.arange(5), label, CHECK)
    assert not applies(settings(0), torch.arange(5), label, 100)


def test_worse_is_what_is_worse_beyond_chance():
    right = torch.ones(20, dtype=torch.bool)
    for wrong, worse in ((0, False), (4, False), (5, True)):
        answers = right.clone()
        answers[:wrong] = False
        assert is_worse(answers, right) is worse
        assert not is_worse(right, answers)


@pytest.mark.parametrize(("check_step", "num_steps"), [(2, 2), (3, 3), (CHECK, 3)])
def test_the_plain_classifier_takes_no_more_steps_than_the_teacher_had(monkeypatch, check_step, num_steps):
    lengths = []

    class Recorded(Step):
        def __init__(self, networks, config, num_steps, dtype):
            lengths.append(num_steps)
            super().__init__(networks, config, num_steps, dtype)

    monkeypatch.setattr(pseudo_label_check, "Step", Recorded)
    dataset = drawings()
    label, image = torch.from_numpy(dataset.train_label), torch.from_numpy(dataset.train_image)
    check = PseudoLabelCheck(shrunk(settings(check_step, device="cpu")), torch.arange(60), label)
    check.compare(image, make().encoder, None, None, torch.float32)
    assert lengths == [num_steps]


def test_what_is_held_out_is_not_learnt_from_until_it_is_checked():
    trainer = make()
    held_out = set(trainer.pseudo_labels.check.held_out.tolist())
    assert held_out
    assert not held_out & set(trainer.pseudo_labels.propagation.labelled.tolist())
    images = {trainer.batches.image[index].numpy().tobytes() for index in held_out}

    def shown():
        return {image.numpy().tobytes() for number in range(20) for image in trainer.batch(number).labelled}

    assert not images & shown()
    trainer.pseudo_labels.check.restore({"trusts_teacher": True, "trusts_propagation": True})
    trainer.pseudo_labels.follow_check()
    assert images & shown()
    assert held_out <= set(trainer.pseudo_labels.propagation.labelled.tolist())


@pytest.mark.parametrize(("worse", "names"), [((), (True, True)), (("teacher", "propagation"), (False, False))])
def test_who_is_worse_no_longer_counts(tmp_path: Path, monkeypatch, worse, names):
    monkeypatch.setattr(pseudo_label_check, "is_worse", lambda right, reference: bool(worse))
    trainer = make()
    trainer.run(tmp_path, Watcher())
    outcome = trainer.pseudo_labels.check.outcome
    assert (outcome["trusts_teacher"], outcome["trusts_propagation"]) == names
    assert outcome["step"] == CHECK
    assert outcome["num_images"] == len(trainer.pseudo_labels.check.held_out)
    assert all(0 <= outcome[name] <= 1 for name in ("labels_alone", "teacher", "propagation"))
    assert ("consistency" in trainer.step(trainer.batch(11), 11)) is names[0]
    assert (trainer.pseudo_labels.propagation is not None) is names[1]


def test_a_training_that_stopped_after_the_check_goes_on_with_its_outcome(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(pseudo_label_check, "is_worse", lambda right, reference: True)
    trainer = make()
    trainer.run(tmp_path, Watcher())
    content = read(tmp_path / "last.pt", "training", 2**28)
    again = make()
    again.restore(tmp_path, content)
    assert again.pseudo_labels.check.outcome == trainer.pseudo_labels.check.outcome
    assert "consistency" not in again.step.terms
    assert again.pseudo_labels.propagation is None


def test_what_is_held_out_is_a_draw():
    label = torch.arange(60) % 3
    held_out = [
        PseudoLabelCheck(resolve(preset="pictures", flags={"seed": seed}), torch.arange(60), label).held_out
        for seed in (0, 0, 1)
    ]
    assert torch.equal(held_out[0], held_out[1])
    assert not torch.equal(held_out[0], held_out[2])
