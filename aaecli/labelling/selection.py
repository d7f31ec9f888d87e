"""The next questions about a data set: picks by a rule, with what the model guesses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from aaecli.checkpoint.file import Checkpoint
from aaecli.data.dataset import Dataset
from aaecli.labelling.strategies import CANDIDATES, Rule, badge, read, typiclust

LABELS_A_CLASS = 2
"""From so many labels a class on, what the model is unsure of tells more than what is typical."""


class Question(NamedTuple):
    """An image to ask about.

    Attributes:
        image_index: Its index among the training images.
        guess: The model's name for it; None without a model.
        probability: That of the guess, in [0, 1]; None without a model.
    """

    image_index: int
    guess: str | None
    probability: float | None


def choose_rule(dataset: Dataset, model: Checkpoint | None) -> Rule:
    """Give the rule that suits the number of labels that there are."""
    num_labelled = int((dataset.train_label >= 0).sum())
    enough = num_labelled >= LABELS_A_CLASS * max(2, len(dataset.classes))
    return "badge" if model is not None and enough else "typiclust"


def choose_questions(
    dataset: Dataset, model: Checkpoint | None, count: int, rule: Rule, seed: int = 0
) -> list[Question]:
    """Pick the unlabelled images whose labels would help most; of copies of an image, one at most.

    Args:
        dataset: Images, of which some have no label (-1).
        model: What was learnt so far; without one, images are compared by their pixels.
        count: How many.
        rule: How. ``badge`` takes a model.
        seed: Seed of whatever is left to chance.
    """
    rng = np.random.default_rng(seed)
    waiting = dataset.unlabelled()
    if len(waiting) > CANDIDATES:
        waiting = np.sort(rng.choice(waiting, CANDIDATES, replace=False))
    generator = torch.Generator().manual_seed(seed)
    labelled = np.flatnonzero(dataset.train_label >= 0)
    if len(labelled) > CANDIDATES:
        labelled = np.sort(rng.choice(labelled, CANDIDATES, replace=False))
    if rule == "random":
        picks = rng.permutation(len(waiting))[:count].tolist()
    elif rule == "badge" and model is not None:
        picks = badge(read(model.encoder, torch.from_numpy(dataset.train_image[waiting])), count, generator)
    else:
        image = torch.from_numpy(dataset.train_image[np.concatenate((waiting, labelled))])
        feature = image.flatten(1).float() / 255 if model is None else read(model.encoder, image).feature
        is_labelled = torch.arange(len(image)) >= len(waiting)
        picks = typiclust(feature, is_labelled, count, generator)
    indices = waiting[picks].tolist()
    if model is None:
        return [Question(index, None, None) for index in indices]
    read_again = read(model.encoder, torch.from_numpy(dataset.train_image[indices])).label_prob.numpy()
    prob = model.class_prob(read_again)
    names = [model.classes[index] for index in prob.argmax(1).tolist()]
    return [Question(*entry) for entry in zip(indices, names, prob.max(1).tolist(), strict=True)]
