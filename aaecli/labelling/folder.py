"""Questions about a folder of pictures: which model they are chosen by, and whether there is anything to ask."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from aaecli.checkpoint.file import Checkpoint, load_model
from aaecli.config.models import FAMILY
from aaecli.data.dataset import Dataset
from aaecli.errors import AaeError
from aaecli.labelling.selection import Question, choose_questions, choose_rule
from aaecli.suggestions import suggest_aaecli


def model_for(folder: Path, path: Path, *, is_named: bool) -> Checkpoint | None:
    """Load the model that questions about a folder are chosen by.

    Args:
        folder: The folder of pictures.
        path: The model's file.
        is_named: Whether the user named it; a model that just lies there counts only if it was trained on the folder.

    Raises:
        AaeError: The file is no model, or the model knows no classes.
    """
    model = load_model(path)
    is_of_folder = bool(model.config.data) and Path(model.config.data).resolve() == folder.resolve()
    if not is_named and not is_of_folder:
        return None
    if not FAMILY[model.config.model].encodes_label:
        raise AaeError(f"{path} has no classes, so it cannot be uncertain.", "Train a semisupervised model first.")
    return model


def choose(
    folder: Path,
    dataset: Dataset,
    model: Checkpoint | None,
    rule: Literal["auto", "typiclust", "badge", "random"],
    count: int,
    seed: int = 0,
) -> list[Question]:
    """Choose the pictures of a folder whose labels would help most.

    Args:
        folder: The folder.
        dataset: Its pictures, of which some have no label.
        model: What was learnt so far; without one, pictures are compared by their pixels.
        rule: The query strategy; ``auto``: the one that suits the number of labels.
        count: How many.
        seed: Seed of whatever is random.

    Raises:
        AaeError: Every picture has a label, or the model does not fit them, or is missing.
    """
    if not len(dataset.unlabelled()):
        raise AaeError(
            f"Every picture in {folder} has a label, or a copy that has.",
            f"Put pictures without one into {folder / 'unlabelled'}.",
        )
    if model is not None and model.image_shape != dataset.image_shape:
        raise AaeError(
            f"The model takes images of another shape than those of {folder}.", "Train again, or leave --model out."
        )
    chosen = choose_rule(dataset, model) if rule == "auto" else rule
    if chosen == "badge" and model is None:
        raise AaeError(
            "--rule badge needs a model of this folder, and there is none.",
            f"Train one first: {suggest_aaecli('train', '--data', folder)}.",
        )
    return choose_questions(dataset, model, count, chosen, seed)
