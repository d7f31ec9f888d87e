"""Whether a trained model and a data set fit each other."""

from __future__ import annotations

from pathlib import Path

from aaecli.data.dataset import Dataset
from aaecli.errors import AaeError
from aaecli.text import for_terminal


def check_fit(path: Path, classes: tuple[str, ...], image_shape: tuple[int, int, int], dataset: Dataset) -> None:
    """See that a model can be evaluated on a data set.

    Args:
        path: The model's file, for the error.
        classes: Names of its classes.
        image_shape: Channels, height and width of its images.
        dataset: The data set.

    Raises:
        AaeError: Classes or images are others.
    """
    if tuple(classes) != dataset.classes:
        raise AaeError(
            f"{path} has the classes {_listed(classes)}, but {dataset.name} has {_listed(dataset.classes)}.",
            "Name the data set that the model was trained on with --data.",
        )
    if tuple(image_shape) != dataset.image_shape:
        raise AaeError(
            f"{path} takes {_size(image_shape)}, but {dataset.name} has {_size(dataset.image_shape)}.",
            "Name the data set that the model was trained on with --data.",
        )


def _size(image_shape: tuple[int, int, int]) -> str:
    channels, height, width = image_shape
    return f"{'grey' if channels == 1 else 'colour'} images of {height} × {width} pixels"


def _listed(classes: tuple[str, ...]) -> str:
    shown = ", ".join(for_terminal(name, 40) for name in classes[:10])
    return shown if len(classes) <= 10 else f"{shown} and {len(classes) - 10} more"
