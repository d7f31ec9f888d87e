"""Rules that choose what to ask: against their definitions, on points where the right choice is plain."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from aaecli.checkpoint.file import Checkpoint
from aaecli.data.dataset import Dataset
from aaecli.labelling.selection import choose_questions, choose_rule
from aaecli.labelling.strategies import Predictions, badge, k_means, read, typiclust
from aaecli.models.networks import Networks
from tests.small_models import shrunk


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def blobs(sizes: list[int], spread: float = 0.05) -> tuple[Tensor, Tensor]:
    """Give points around the axes of a space, and which axis each is of."""
    source = generator()
    centre = torch.eye(len(sizes)).repeat_interleave(torch.tensor(sizes), 0)
    blob = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    return centre + spread * torch.randn(centre.shape, generator=source), blob


def test_k_means_finds_blobs() -> None:
    point, blob = blobs([30, 20, 40])
    cluster = k_means(point, 3, generator())
    for value in range(3):
        assert len(cluster[blob == value].unique()) == 1
    assert len(cluster.unique()) == 3


def test_typiclust_asks_for_the_middle_of_each_blob_without_a_label() -> None:
    point, blob = blobs([30, 20, 40, 25])
    is_labelled = torch.zeros(len(point), dtype=torch.bool)
    is_labelled[0] = True
    chosen = typiclust(point, is_labelled, 3, generator())
    assert sorted(blob[chosen].tolist()) == [1, 2, 3]
    assert blob[chosen[0]] == 2, "the largest comes first"
    for place in chosen:
        own = point[blob == blob[place]]
        far = (own - own.mean(0)).norm(dim=1)
        assert (point[place] - own.mean(0)).norm() < far.median()


def test_typiclust_leaves_labelled_ones_alone_and_ends_when_nothing_waits() -> None:
    point, _ = blobs([6, 6])
    is_labelled = torch.arange(12) % 2 == 0
    chosen = typiclust(point, is_labelled, 50, generator())
    assert sorted(chosen) == [1, 3, 5, 7, 9, 11]


def test_badge_measures_distances_between_gradients() -> None:
    source = generator()
    prob = torch.rand(40, 5, generator=source).softmax(1)
    feature = torch.rand(40, 7, generator=source)
    error = prob.clone()
    error[torch.arange(40), prob.argmax(1)] -= 1
    gradient = (error[:, :, None] * feature[:, None]).flatten(1)
    assert badge(Predictions(prob, feature), 1, generator()) == [int(gradient.norm(dim=1).argmax())]
    chosen = badge(Predictions(prob, feature), 40, generator())
    assert sorted(chosen) == list(range(40))


def test_badge_asks_what_is_unsure_and_not_twice_the_same() -> None:
    prob = torch.tensor([[0.98, 0.01, 0.01]]).repeat(60, 1)
    prob[10:20] = torch.tensor([0.4, 0.35, 0.25])
    prob[30:40] = torch.tensor([0.3, 0.3, 0.4])
    feature = torch.ones(60, 4)
    first, second = badge(Predictions(prob, feature), 2, generator())
    assert first // 10 in (1, 3)
    assert second // 10 != first // 10


def make_model(classes: str = "ab", preset: str = "default") -> Checkpoint:
    config = shrunk(preset)
    torch.manual_seed(0)
    networks = Networks(config.model, (1, 10, 10), len(classes), config.network).eval().requires_grad_(False)
    return Checkpoint(config, tuple(classes), (1, 10, 10), networks.encoder, networks.decoder)


def test_features_are_what_the_label_head_reads() -> None:
    model = make_model()
    image = torch.randint(256, (7, 10, 10), dtype=torch.uint8)
    reading = read(model.encoder, image)
    torch.testing.assert_close(model.encoder.label_head(reading.feature).softmax(1), reading.label_prob)
    assert len(model.encoder.label_head._forward_pre_hooks) == 0


def test_features_are_of_the_images_as_they_are_where_the_encoder_looks_at_more_views() -> None:
    model = make_model(preset="best")
    image = torch.randint(256, (600, 10, 10), dtype=torch.uint8)  # more than a batch
    reading = read(model.encoder, image)
    once = model.encoder.encode_once(image[:, None] / 255).label_logits
    torch.testing.assert_close(model.encoder.label_head(reading.feature), once)
    assert reading.label_prob.shape == (600, 2)
    assert not torch.equal(reading.label_prob, once.softmax(1))


def test_questions_are_about_what_has_no_label() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 10, 10), np.uint8)
    label = np.where(np.arange(40) % 4 == 0, np.arange(40) // 4 % 2, -1)
    none = np.empty(0, np.int64)
    dataset = Dataset("some", ("a", "b"), image, label, image[:0], none)
    for model in (None, make_model()):
        for rule in ("typiclust", "random", *(["badge"] if model else [])):
            questions = choose_questions(dataset, model, 12, rule, seed=3)
            indices = [question.image_index for question in questions]
            assert len(set(indices)) == 12
            assert (label[indices] == -1).all()
            assert all((question.guess is None) == (model is None) for question in questions)
            assert questions == choose_questions(dataset, model, 12, rule, seed=3)
    assert choose_rule(dataset, make_model()) == "badge"
    assert choose_rule(dataset, None) == "typiclust"
    fewer = Dataset("some", ("a", "b"), image, np.where(np.arange(40) < 3, np.arange(40) % 2, -1), image[:0], none)
    assert choose_rule(fewer, make_model()) == "typiclust"
