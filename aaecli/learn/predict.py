"""What trained networks answer for many images."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aaecli.learn.devices import choose_device
from aaecli.learn.networks import Encoding
from aaecli.learn.step import to_float

_BATCH = 1000


class Prediction(NamedTuple):
    """Answers for N images.

    Attributes:
        label_prob: float32 (N, K), rows sum to 1.
        style: float32 (N, Z), or None where the model has no style.
        reconstruction_error: float32 (N,), the mean squared error over an image's pixels in [0, 1] of what the decoder
            draws from its code; None where the model has no decoder.
    """

    label_prob: NDArray[np.float32]
    style: NDArray[np.float32] | None
    reconstruction_error: NDArray[np.float32] | None


def predict(encoder: nn.Module, decoder: nn.Module | None, image: Tensor) -> Prediction:
    """Encode stored images uint8 (N, H, W) or (N, H, W, 3) in float32, on their device, with nothing left to chance."""
    modules = [module for module in (encoder, decoder) if module is not None]
    was_training = [module.training for module in modules]
    for module in modules:
        module.eval()
    probs, styles, errors = [], [], []
    with torch.inference_mode():
        for part in torch.split(image, _BATCH):
            batch = to_float(part)
            encoding: Encoding = encoder(batch)
            probs.append(encoding.label_logits.softmax(1))
            if encoding.style is not None:
                styles.append(encoding.style)
            if decoder is not None:
                errors.append((decoder(encoding.latent()) - batch).square().mean((1, 2, 3)))
    for module, training in zip(modules, was_training, strict=True):
        module.train(training)
    return Prediction(_join(probs), _join(styles) if styles else None, _join(errors) if errors else None)


def predict_stored(
    encoder: nn.Module,
    decoder: nn.Module | None,
    image: NDArray[np.uint8],
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
) -> Prediction:
    """Encode images uint8 (N, H, W) or (N, H, W, 3) on a device by name, to which the networks are moved.

    Raises:
        AaeError: The device cannot be had.
    """
    where = choose_device(device)
    return predict(encoder.to(where), None if decoder is None else decoder.to(where), torch.from_numpy(image).to(where))


def _join(parts: list[Tensor]) -> NDArray[np.float32]:
    return torch.cat(parts).cpu().numpy()
