"""A trained model as arrays and plain values, which pickle, joblib and clone know how to treat, and back."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aaecli.api.torch_state import needing
from aaecli.config.schema import from_table

if TYPE_CHECKING:
    from aaecli.checkpoint.file import Checkpoint

_models: weakref.WeakKeyDictionary[Any, tuple[Any, Checkpoint]] = weakref.WeakKeyDictionary()
"""The models of estimators, beside the arrays that they were made of: what is fitted stays plain arrays."""
_lock = threading.Lock()


def weights_of(model: Checkpoint) -> dict[str, NDArray[Any]]:
    """Give copies of the weights of encoder and decoder, by name."""
    parts = {"encoder": model.encoder} | ({} if model.decoder is None else {"decoder": model.decoder})
    return {
        f"{part}.{name}": value.numpy().copy()
        for part, module in parts.items()
        for name, value in module.state_dict().items()
    }


def made_of(
    weights: Mapping[str, NDArray[Any]],
    settings: Mapping[str, Any],
    image_shape: tuple[int, ...],
    classes: tuple[str, ...],
    *,
    label_prior: tuple[float, ...] | None,
    novelty: Mapping[str, Any],
) -> Checkpoint:
    """Make the model that weights are of.

    Args:
        weights: As ``weights_of`` gives them.
        settings: Those of the training, as nested tables.
        image_shape: Shape of an image, (H, W) or (H, W, 3).
        classes: Names of the classes.
        label_prior: The prior on the label, as it was resolved.
        novelty: Quantiles of the reconstruction error.
    """
    with needing("AAEClassifier"):
        import torch

        from aaecli.checkpoint.file import Checkpoint
        from aaecli.checkpoint.loading import make_networks
    tensors: dict[str, dict[str, Any]] = {}
    for name, value in weights.items():
        part, _, inner = name.partition(".")
        # A copy, since joblib may have mapped the array from a file that cannot be written.
        tensors.setdefault(part, {})[inner] = torch.from_numpy(np.array(value))
    config = from_table(settings)
    height, width, *colour = image_shape
    shape = (colour[0] if colour else 1, height, width)
    networks = make_networks(config, shape, len(classes), tensors)
    summary = {"novelty": novelty}
    return Checkpoint(config, classes, shape, networks.encoder, networks.decoder, summary, label_prior=label_prior)


def remembered(estimator: object, weights: Mapping[str, NDArray[Any]], make: Callable[[], Checkpoint]) -> Checkpoint:
    """Give the model of an estimator; it is made where there is none yet, or one of other weights."""
    with _lock:
        origin, model = _models.get(estimator, (None, None))
        if model is None or origin is not weights:
            model = make()
            _models[estimator] = (weights, model)
        return model
