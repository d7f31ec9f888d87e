"""Cross-validation: what a training reaches on labelled images that it has not seen, each of them left out once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from aaecli.config.models import FAMILY
from aaecli.config.schema import Config
from aaecli.data.dataset import Dataset
from aaecli.data.split import Split, split
from aaecli.errors import AaeError
from aaecli.evaluation.predict import predict
from aaecli.metrics.report import evaluate
from aaecli.models.devices import choose_device, choose_precision, use_threads
from aaecli.training.rehearsal import load_rehearsal
from aaecli.training.reporter import Reporter
from aaecli.training.trainer import Trainer
from aaecli.training.transfer import load_start


class LeftOut(NamedTuple):
    """Answers for the L images that were left out once.

    Attributes:
        label_prob: float32 (L, K).
        label: int64 (L,).
        fold: int64 (L,), the fold of each.
        image_index: int64 (L,), which of the training images each is.
    """

    label_prob: NDArray[np.float32]
    label: NDArray[np.int64]
    fold: NDArray[np.int64]
    image_index: NDArray[np.int64]


def cross_validate(config: Config, dataset: Dataset, num_folds: int, watch: Callable[[int, int], Reporter]) -> LeftOut:
    """Train once for each fold without it, and evaluate the model on it.

    Args:
        config: The settings; the labelled images are those that a training would learn from.
        dataset: The images.
        num_folds: Number of parts that each class's labelled images are dealt into.
        watch: Gives, for a fold and the steps of its training, whoever is told how that goes.

    Returns:
        The answers.

    Raises:
        AaeError: The model learns no classes, no class has two labelled images, or the training fails.
        KeyboardInterrupt: The reporter asked to stop.
    """
    row = FAMILY[config.model]
    if not row.encodes_label or not row.uses_labels:
        raise AaeError(
            f"The model {config.model} learns no classes from labels, so there are none to leave out.",
            "Cross-validation is for semisupervised and baseline.",
        )
    keeps_none = dataset.is_collection and dataset.is_validation is None
    parts = split(dataset, config.labels, config.seed, 0.0 if keeps_none else "auto")
    copy_of = dataset.first_copy
    fold = deal(dataset.train_label[parts.labelled], num_folds, config.seed, copy_of[parts.labelled])
    if (fold < 0).all():
        raise AaeError("No class has two labelled images, so none can be left out.", "Label a few more of each class.")
    device = choose_device(config.device)
    use_threads(config.threads)
    dtype = choose_precision(config.precision, device)
    config, start = load_start(config)
    rehearsal = load_rehearsal(config, dataset)
    label_prob = np.zeros((len(parts.labelled), len(dataset.classes)), np.float32)
    for number in np.unique(fold[fold >= 0]).tolist():
        left_out = parts.labelled[fold == number]
        # What is left out has copies without a label, perhaps.
        seen = parts.pool[~np.isin(copy_of[parts.pool], copy_of[left_out])]
        part = Split(seen, np.intersect1d(parts.labelled, seen), left_out)
        training = Trainer(config, dataset, part, device, dtype, start, rehearsal)
        with tempfile.TemporaryDirectory() as folder:
            if not training.run(Path(folder), watch(number, training.num_steps)):
                raise KeyboardInterrupt
        answer = predict(training.encoder, None, training.validation.image)
        # Of the classes, one's own come first.
        own = cast(NDArray[np.float32], answer.label_prob)[:, : len(dataset.classes)]
        label_prob[fold == number] = own / own.sum(1, keepdims=True) if rehearsal is not None else own
    predicted = fold >= 0
    index = parts.labelled[predicted]
    return LeftOut(label_prob[predicted], dataset.train_label[index], fold[predicted], index)


def cross_validation_report(left_out: LeftOut, classes: tuple[str, ...]) -> dict[str, Any]:
    """Evaluate the answers of ``cross_validate`` for all left-out images together.

    Returns:
        What ``aaecli.metrics.report.evaluate`` gives, and ``folds``: the accuracy of each.
    """
    is_right = left_out.label_prob.argmax(1) == left_out.label
    accuracies = [float(is_right[left_out.fold == number].mean()) for number in np.unique(left_out.fold)]
    return {"folds": accuracies} | evaluate(left_out.label_prob, left_out.label, classes)


def deal(
    label: NDArray[np.int64], num_folds: int, seed: int, copy_of: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Deal images into folds like cards, class after class, so that the folds are of a size and each class is spread.

    Copies of an image go into one fold together.

    Args:
        label: int64 (L,).
        num_folds: Number of folds.
        seed: Seed of the lot.
        copy_of: int64 (L,), a number that the copies of an image share; None where there are no copies.

    Returns:
        int64 (L,): the fold of each; -1 for the only image of a class, which cannot be done without, and for copies
        that are labelled as different classes.
    """
    rng = np.random.default_rng(seed)
    fold = np.full(len(label), -1)
    dealt = 0
    copies = np.arange(len(label)) if copy_of is None else copy_of
    for value in np.unique(label):
        members = rng.permutation(np.flatnonzero(label == value))
        members = members[~np.isin(copies[members], copies[label != value])]
        _, first, copy_group = np.unique(copies[members], return_index=True, return_inverse=True)
        if len(first) > 1:
            # The cards in the order in which the lot drew the first copy of each.
            turn = np.argsort(np.argsort(first))[copy_group]
            fold[members] = (dealt + turn) % num_folds
            dealt += len(first)
    return fold
