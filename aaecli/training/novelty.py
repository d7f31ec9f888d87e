"""What the novelty score compares with: how well the model reconstructs images like those that it has learnt from."""

from __future__ import annotations

from typing import Any

import numpy as np

from aaecli.data.dataset import Dataset
from aaecli.evaluation.predict import predict
from aaecli.models.batch import Images
from aaecli.models.networks import Decoder, Encoder
from aaecli.models.stored_images import ChosenImages
from aaecli.training.batches import Batches
from aaecli.training.sampler import drawn
from aaecli.training.validation import Validation

_MOST_REFERENCES = 10_000
"""Images whose reconstruction errors are compared with."""
QUANTILES = (0.5, 0.9, 0.99, 0.999)


def reference_images(dataset: Dataset, batches: Batches, validation: Validation, seed: int) -> Images:
    """Choose the images (R, H, W) or (R, H, W, 3) that are compared with: those that training does not see, if enough.

    The few that a folder of pictures keeps back, if any, are too few for a tail. Of the pool, a draw: the first ones of
    a folder that is sorted by class are of one class.
    """
    if not dataset.is_collection:
        return validation.image
    return ChosenImages(batches.image, drawn(batches.pool, seed, 0, _MOST_REFERENCES))


def novelty_summary(encoder: Encoder, decoder: Decoder | None, image: Images) -> dict[str, Any]:
    """Give the quantiles of the reconstruction error of images; empty without a decoder."""
    error = predict(encoder, decoder, image).reconstruction_error
    if error is None:
        return {}
    return {"quantile": list(QUANTILES), "reconstruction_error": np.quantile(error, QUANTILES).tolist()}
