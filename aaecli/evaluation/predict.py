"""What trained networks answer for many images."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from aaecli.checkpoint.file import Checkpoint
from aaecli.config.models import FAMILY
from aaecli.metrics.clusters import cross_named_prob
from aaecli.metrics.report import calibration, evaluate
from aaecli.models.batch import BATCH_SIZE, Images, image_batches
from aaecli.models.bodies import EncoderBody
from aaecli.models.devices import choose_device
from aaecli.models.networks import Encoding, answering
from aaecli.models.stored_images import stored_images


class Prediction(NamedTuple):
    """Answers for N images.

    Attributes:
        label_prob: float32 (N, K), rows sum to 1; of ``clustering`` those of the clusters. None without a label.
        style: float32 (N, Z), or None where the model has no style.
        reconstruction_error: float32 (N,), the mean squared error over an image's pixels in [0, 1] of what the decoder
            draws from its code; None where no decoder was given.
        features: float32 (N, F), the last layer of the encoder's body, which label and style are computed from; None
            where nobody asked for them.
    """

    label_prob: NDArray[np.float32] | None
    style: NDArray[np.float32] | None
    reconstruction_error: NDArray[np.float32] | None
    features: NDArray[np.float32] | None = None


def predict(
    encoder: nn.Module,
    decoder: nn.Module | None,
    image: Images,
    true_label: Tensor | None = None,
    *,
    keeps_features: bool = False,
) -> Prediction:
    """Encode stored images in float32, on their device, with nothing left to chance.

    Args:
        encoder: An encoder.
        decoder: The decoder that learnt with it, or None where no drawing is asked for.
        image: uint8 (N, H, W) or (N, H, W, 3).
        true_label: One-hot (N, K), for a decoder that is told the label.
        keeps_features: Give the features of the encoder's body too.
    """
    probs, styles, errors, features = [], [], [], []
    with answering(encoder, decoder):
        for rows, batch in image_batches(image):
            if keeps_features:
                features.append(cast(EncoderBody, encoder.body).features(batch))
            encoding: Encoding = encoder(batch, features[-1]) if keeps_features else encoder(batch)
            if encoding.label_logits is not None:
                probs.append(encoding.label_logits.softmax(1))
            elif true_label is not None:
                encoding = encoding._replace(true_label=true_label[rows])
            if encoding.style is not None:
                styles.append(encoding.style)
            if decoder is not None:
                errors.append((decoder(encoding.latent()) - batch).square().mean((1, 2, 3)))
    return Prediction(_join(probs), _join(styles), _join(errors), _join(features))


def predict_stored(
    model: Checkpoint,
    image: NDArray[np.uint8],
    label: NDArray[np.int64],
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
) -> Prediction:
    """Encode images on a device by name, to which the networks are moved.

    Args:
        model: A trained model.
        image: uint8 (N, H, W) or (N, H, W, 3).
        label: (N,), which only a decoder that is told the label gets to see.
        device: Where to compute.

    Raises:
        AaeError: The device cannot be had.
    """
    where = choose_device(device)
    decoder = None if model.decoder is None else model.decoder.to(where)
    true_label = one_hot_true_label(model.config.model, label, len(model.classes), where)
    return predict(model.encoder.to(where), decoder, stored_images(image, where), true_label)


def encode_stored(
    model: Checkpoint, image: NDArray[np.uint8], device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """Find label and style of images, and draw none of them again.

    Args:
        model: A trained model.
        image: uint8 (N, H, W) or (N, H, W, 3).
        device: Where to compute; the encoder is moved there.

    Returns:
        ``label_prob`` (N, K) and ``style`` (N, Z), each None where the model has none.

    Raises:
        AaeError: The device cannot be had.
    """
    where = choose_device(device)
    found = predict(model.encoder.to(where), None, stored_images(image, where))
    return found.label_prob, found.style


def encode_features(
    model: Checkpoint, image: NDArray[np.uint8], device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
) -> Prediction:
    """Find all that a model finds in images, the features among it.

    Args:
        model: A trained model.
        image: uint8 (N, H, W) or (N, H, W, 3).
        device: Where to compute; the networks are moved there.

    Returns:
        What it found. ``label_prob`` is that of the classes, of clusters too.

    Raises:
        AaeError: The device cannot be had.
    """
    where = choose_device(device)
    # A decoder that was trained on true labels draws nothing without them.
    decoder = None if FAMILY[model.config.model].decoder_label == "true" else model.decoder
    encoder, stored = model.encoder.to(where), stored_images(image, where)
    found = predict(encoder, None if decoder is None else decoder.to(where), stored, keeps_features=True)
    return found if found.label_prob is None else found._replace(label_prob=model.class_prob(found.label_prob))


def draw_codes(decoder: nn.Module, label: NDArray[np.float32], style: NDArray[np.float32]) -> NDArray[np.float32]:
    """Decode labels (N, K) and styles (N, Z) on the CPU: float32 (N, H, W) or (N, H, W, 3), in [0, 1]."""
    latent = torch.from_numpy(np.concatenate([label, style], 1))  # (N, K + Z)
    with answering(decoder):
        image = torch.cat([decoder(part) for part in torch.split(latent, BATCH_SIZE)]).numpy()  # (N, C, H, W)
    return image[:, 0] if image.shape[1] == 1 else image.transpose(0, 2, 3, 1)


def one_hot_true_label(model: str, label: NDArray[np.int64], num_classes: int, device: torch.device) -> Tensor | None:
    """Give the labels (N,) as the decoder is told them, one-hot (N, K); None for a model whose decoder is not."""
    if FAMILY[model].decoder_label != "true":
        return None
    return F.one_hot(torch.from_numpy(label).to(device), num_classes).float()


def evaluate_predictions(
    model: Checkpoint, prediction: Prediction, label: NDArray[np.int64], *, has_named: bool = False
) -> dict[str, Any]:
    """Evaluate answers against true labels (N,), as far as the model gives any.

    Args:
        model: The model.
        prediction: Its answers.
        label: (N,), the true labels.
        has_named: Whether these images have named the model's clusters. Each half of them is then evaluated with the
            names that the other half gives.

    Returns:
        ``num_images``; what ``aaecli.metrics.report.evaluate`` gives, from a model that knows classes, and from one
        without clusters what ``calibration`` gives;
        ``reconstruction_error``, the mean over the images, from one that draws.
    """
    report: dict[str, Any] = {"num_images": len(label)}
    if prediction.label_prob is not None:
        if has_named and model.clusters is not None:
            prob = cross_named_prob(prediction.label_prob, label, len(model.classes))
        else:
            prob = model.class_prob(prediction.label_prob)
        cluster_prob = None if model.clusters is None else prediction.label_prob
        report |= evaluate(prob, label, model.classes, cluster_prob)
        if model.clusters is None:
            report |= calibration(prob, label, model.encoder.temperature)
    if prediction.reconstruction_error is not None:
        report["reconstruction_error"] = float(prediction.reconstruction_error.mean())
    return report


def _join(parts: list[Tensor]) -> NDArray[np.float32] | None:
    return torch.cat(parts).cpu().numpy() if parts else None
