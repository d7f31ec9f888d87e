"""Evaluating a checkpoint on a data set: which of its images say anything, and how good the answers for them are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from aaecli.checkpoint.file import Checkpoint
from aaecli.data.dataset import Dataset, all_labelled, kept_back, with_classes
from aaecli.data.fit import check_fit
from aaecli.data.loading import load_named
from aaecli.evaluation.predict import evaluate_predictions, predict_stored


def evaluate_checkpoint(
    checkpoint: Checkpoint, path: Path, data: str | None, device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
) -> tuple[Dataset, dict[str, Any]]:
    """Evaluate a model on the test images of a data set, else on the labelled ones that it did not learn from.

    Args:
        checkpoint: The model.
        path: Its file.
        data: The data set; None for the one that the model was trained on.
        device: Where to compute.

    Returns:
        The data set, whose ``test_image`` are those that were used, and what ``evaluate_predictions`` gives.

    Raises:
        AaeError: The data set cannot be loaded, does not fit the model or has no such images.
    """
    config = checkpoint.config
    dataset = load_named(checkpoint.data_folder(data, path), config.image)
    if not len(dataset.test_label):
        held = checkpoint.summary.get("holdout", ())
        # Of the folder that it was trained on, wherever that is now, only what was kept back tells anything.
        is_elsewhere = data is not None and (not config.data or Path(data).resolve() != Path(config.data).resolve())
        is_other = is_elsewhere and not (held and set(held) == set(held).intersection(dataset.train_name))
        dataset = all_labelled(dataset) if is_other else kept_back(dataset, held, path)
    dataset = with_classes(dataset, checkpoint.classes)
    check_fit(path, checkpoint.classes, checkpoint.image_shape, dataset)
    prediction = predict_stored(checkpoint, dataset.test_image, dataset.test_label, device)
    return dataset, evaluate_predictions(
        checkpoint, prediction, dataset.test_label, has_named=dataset.images_of == "holdout"
    )
