"""Trainings with another data set beside one's own: what is in the batches, what is refused, what is remembered."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from aaecli.checkpoint.file import load_model
from aaecli.config.schema import from_table, to_table
from aaecli.data.loading import load_dataset, load_named
from aaecli.data.split import split
from aaecli.errors import AaeError
from aaecli.evaluation.checkpoint import evaluate_checkpoint
from aaecli.training.rehearsal import joint_frequency, load_rehearsal
from aaecli.training.resume import resume
from aaecli.training.trainer import Trainer
from tests.conftest import idx_bytes
from tests.training.test_run import Watcher, assert_same_weights, small, train  # noqa: F401


@pytest.fixture
def other(tmp_path):
    """Write another data set, of other images, with two of the classes and two more."""
    folder, rng = tmp_path / "other", np.random.default_rng(1)
    folder.mkdir()
    for part, label in (("train", [2, 3, 7, 9] * 9), ("t10k", [2, 3, 7, 9])):
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(np.array(label)))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(rng.integers(0, 256, (len(label), 9, 9))))
    return folder


@pytest.fixture
def both(small, other):  # noqa: F811
    """Give settings with both data sets."""

    def make(fraction=0.25, **flags):
        config = small(**flags)
        return from_table({**to_table(config), "rehearsal": {"data": str(other), "fraction": fraction}})

    return make


def trainer(config):
    dataset = load_dataset(config.data)
    rehearsal = load_rehearsal(config, dataset)
    parts = split(dataset, config.labels, config.seed, config.holdout)
    return Trainer(config, dataset, parts, torch.device("cpu"), torch.float32, rehearsal=rehearsal), rehearsal


def test_a_fraction_of_every_batch_is_from_the_other_data_set(both):
    made, rehearsal = trainer(both())
    assert made.classes == ("0", "1", "2", "3", "7", "9")
    others = {image.tobytes(): int(label) for image, label in zip(rehearsal.image, rehearsal.label, strict=True)}
    own = {image.tobytes() for image in made.dataset.train_image[made.split.pool]}
    assert own.isdisjoint(others)
    seen = set()
    for number in range(6):
        batch = made.batch(number)
        for images, size in ((batch.unlabelled, 16), (batch.labelled, 8)):
            is_other = [image.numpy().tobytes() in others for image in images]
            assert sum(is_other) == size // 4
            # Evenly among one's own, since only the first ones are reconstructed, and the last ones augmented.
            assert sum(is_other[: size // 2]) == size // 8
        for image, label in zip(batch.labelled, batch.label.tolist(), strict=True):
            assert others.get(image.numpy().tobytes(), label) == label
            seen.add(label)
    assert seen >= {2, 3, 4, 5}


def test_where_all_are_labelled_so_are_the_others(both):
    made, rehearsal = trainer(both(labels="all"))
    batch = made.batch(0)
    others = {image.tobytes(): int(label) for image, label in zip(rehearsal.image, rehearsal.label, strict=True)}
    named = [others.get(image.numpy().tobytes()) for image in batch.unlabelled]
    assert [label for label in named if label is not None] == [
        label for label, name in zip(batch.pool_label.tolist(), named, strict=True) if name is not None
    ]


def test_the_prior_is_as_frequent_as_the_batches_are(both):
    made, rehearsal = trainer(both(fraction=0.5))
    prior = made.results.label_prior
    assert sum(prior) == pytest.approx(1)
    # Half of a batch is of four classes of one's own, half of the other four; Laplace's rule adds a little.
    assert prior[0] == pytest.approx(0.125, abs=0.02)
    assert prior[2] == pytest.approx(0.25, abs=0.02)
    assert prior[4] == pytest.approx(0.125, abs=0.02)
    followed = joint_frequency(np.array([0] * 9 + [1]), rehearsal, 0.5, follows=True)
    assert followed[0] > 4 * followed[1] > 0


def test_a_run_resumes_to_the_same_weights_and_reports_what_is_kept(tmp_path, both):
    config = both()
    whole = train(config, tmp_path / "whole")
    assert 0 <= whole["rehearsal_accuracy"] <= 1
    assert whole["num_rehearsal"] > 0
    train(config, tmp_path / "stopped", Watcher(stop_after=3))
    folder = tmp_path / "stopped" / "runs" / "semisupervised-8-001"
    resume(folder, None, Watcher())
    assert_same_weights(folder / "model.pt", tmp_path / "whole" / "runs" / "semisupervised-8-001" / "model.pt")


def test_a_run_of_another_machine_does_not_say_where_the_other_data_are(tmp_path, both, monkeypatch):
    train(both(), tmp_path, Watcher(stop_after=3))
    monkeypatch.setenv("AAECLI_CACHE", str(tmp_path / "elsewhere"))
    folder = tmp_path / "runs" / "semisupervised-8-001"
    with pytest.raises(AaeError, match="beside its images"):
        resume(folder, None, Watcher(), data=str(both().data))


def test_either_data_set_evaluates_the_model(tmp_path, both, other):
    config = both()
    train(config, tmp_path)
    path = tmp_path / "runs" / "semisupervised-8-001" / "model.pt"
    model = load_model(path)
    for data in (config.data, str(other)):
        _, report = evaluate_checkpoint(model, path, data)
        assert 0 <= report["accuracy"] <= 1


def test_copies_of_ones_own_images_are_not_rehearsed(small):  # noqa: F811
    config = from_table({**to_table(small()), "rehearsal": {"data": small().data}})
    with pytest.raises(AaeError, match="no labelled image that"):
        load_rehearsal(config, load_dataset(config.data))


def test_images_of_another_form_are_refused(both, write_dataset):
    config = both()
    larger = write_dataset("larger", train=(0, 1) * 12, test=(0, 1), size=(12, 9))
    with pytest.raises(AaeError, match="9 × 9 in grey, those of larger 9 × 12 in grey") as caught:
        load_rehearsal(config, load_dataset(str(larger)))
    assert "--size 9 --channels 1" in caught.value.hint


def test_mnist_is_a_name_where_nothing_is_called_so(in_empty_folder, write_dataset, mnist):
    assert load_named("mnist").name == mnist.name
    write_dataset(str(in_empty_folder / "mnist"), train=(0, 1) * 12, test=(0, 1), size=(9, 9))
    assert load_named("mnist").image_shape == (1, 9, 9)
