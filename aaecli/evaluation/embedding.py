"""What a checkpoint finds in images, the features of its encoder among it."""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from aaecli.checkpoint.file import Checkpoint
from aaecli.config.models import FAMILY
from aaecli.evaluation.predict import predict
from aaecli.models.batch import image_batches
from aaecli.models.bodies import EncoderBody
from aaecli.models.devices import choose_device
from aaecli.models.networks import answering


class FeatureCodes(NamedTuple):
    """What a checkpoint finds in N images; what it lacks is None.

    Attributes:
        label_prob: float32 (N, C), of the classes.
        style: float32 (N, Z).
        features: float32 (N, F), the last layer of the encoder, which label and style are computed from.
        reconstruction_error: float64 (N,).
    """

    label_prob: NDArray[np.float32] | None
    style: NDArray[np.float32] | None
    features: NDArray[np.float32]
    reconstruction_error: NDArray[np.float64] | None


def encode_features(
    model: Checkpoint, images: NDArray[np.uint8], device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
) -> FeatureCodes:
    """Encode images.

    Args:
        model: A trained model.
        images: uint8 (N, H, W) or (N, H, W, 3).
        device: Where to compute; the networks are moved there.

    Raises:
        AaeError: The device cannot be had.
    """
    where = choose_device(device)
    encoder, image = model.encoder.to(where), torch.from_numpy(images).to(where)
    # A decoder that was trained on true labels draws nothing without them.
    decoder = None if FAMILY[model.config.model].decoder_label == "true" else model.decoder
    found = predict(encoder, None if decoder is None else decoder.to(where), image)
    body = cast(EncoderBody, encoder.body)
    with answering(encoder):
        parts = [body.features(batch).float().cpu().numpy() for _, batch in image_batches(image)]
    error = found.reconstruction_error
    return FeatureCodes(
        None if found.label_prob is None else model.class_prob(found.label_prob),
        found.style,
        np.concatenate(parts) if parts else np.empty((0, body.num_features), np.float32),
        None if error is None else error.astype(np.float64),
    )
