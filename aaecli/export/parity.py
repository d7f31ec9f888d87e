"""The ONNX parity check: an exported file answers as torch does, for real and for random inputs of every batch size."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from aaecli.checkpoint.file import Checkpoint
from aaecli.config.models import FAMILY
from aaecli.data.loading import load_dataset
from aaecli.errors import AaeError
from aaecli.models.batch import to_float
from aaecli.models.cascade import Cascade
from aaecli.models.networks import Encoder
from aaecli.priors.style_prior import STYLE_PRIORS
from aaecli.serve.runtime import onnxruntime

TOLERANCE = 1e-5
"""Of probabilities and pixels; of a style in deviations of its prior, or as a share of the largest style where that
lies far outside of the prior, as after a short training: float32 knows 50.0 less finely than 1.0."""
BATCHES = (1, 2, 7, 64)
_MAX_PIXELS = 1000 * 28 * 28
_NUM_REAL = 1000


def parity_inputs(part: str, checkpoint: Checkpoint) -> list[tuple[Tensor, ...]]:
    """Give inputs of every batch size to check: real images or their codes, and random ones."""
    generator = torch.Generator().manual_seed(0)
    stored = _real_images(checkpoint.image_shape)
    cases: list[tuple[Tensor, ...]] = []
    for size in BATCHES:
        real = to_float(stored[torch.randint(len(stored), (size,), generator=generator)])
        for image in (real, torch.rand(size, *checkpoint.image_shape, generator=generator)):
            if part == "encoder":
                cases.append((image,))
            else:
                encoding = checkpoint.encoder(image)
                if FAMILY[checkpoint.config.model].decoder_label == "true":
                    label = torch.randint(len(checkpoint.classes), (size,), generator=generator)
                    encoding = encoding._replace(true_label=F.one_hot(label, len(checkpoint.classes)).float())
                cases.append(tuple(part for part in (encoding.label(), encoding.style) if part is not None))
    return cases


def style_scale(checkpoint: Checkpoint) -> float:
    """Give the deviation of the style: that of its prior, or of what is encoded where nothing holds it to one."""
    if FAMILY[checkpoint.config.model].style_prior or checkpoint.decoder is None:
        return style_deviation(checkpoint)
    style = checkpoint.encoder(to_float(_real_images(checkpoint.image_shape))).style
    return max(style_deviation(checkpoint), float(style.std()))


def style_deviation(checkpoint: Checkpoint) -> float:
    """Give the standard deviation of the prior of the style."""
    prior = checkpoint.config.prior
    return STYLE_PRIORS[prior.style].deviation(prior.style_std)


def _real_images(image_shape: tuple[int, int, int]) -> Tensor:
    """Give the embedded test images in a model's size and channels: uint8 (N, H, W) or (N, H, W, 3).

    Not those of its own data set, whose folder may have moved, or be any folder that a stranger's file names.
    """
    channels, *size = image_shape
    images = load_dataset().test_image
    chosen = np.random.default_rng(0).permutation(len(images))[: min(_NUM_REAL, _MAX_PIXELS // math.prod(size) + 1)]
    images = images[chosen]
    rows, columns = (np.arange(wanted) * images.shape[axis + 1] // wanted for axis, wanted in enumerate(size))
    resized = torch.from_numpy(images[:, rows][:, :, columns])
    return resized if channels == 1 else resized[..., None].expand(-1, -1, -1, channels)


def encoders_near_limit(encoder: Encoder) -> tuple[Encoder, ...]:
    """Give encoders whose answers are right: the one, or those that look again up to limits just below and above.

    Rounding decides what becomes of an image whose probability is within the tolerance of a limit.
    """
    if isinstance(encoder, Cascade):
        return tuple(
            Cascade(encoder.first, second, encoder.confidence + change)
            for second in encoders_near_limit(encoder.second)
            for change in (-TOLERANCE, TOLERANCE)
        )
    if not encoder.test_time_shift or encoder.test_time_confidence >= 1:
        return (encoder,)
    below, above = copy.copy(encoder), copy.copy(encoder)
    below.test_time_confidence -= TOLERANCE
    above.test_time_confidence += TOLERANCE
    return below, above


def check_parity(
    path: Path, right: Sequence[nn.Module], cases: list[tuple[Tensor, ...]], scale: dict[str, float]
) -> float:
    """Give the largest difference between onnxruntime's and torch's answers, each output in units of its ``scale``.

    Args:
        path: The file.
        right: Modules of torch; for each image or code, the answer of any of them is right.
        cases: Inputs.
        scale: Unit of an output by its name; 1 where it is left out.

    Raises:
        AaeError: It exceeds the tolerance, or a class differs.
    """
    session = onnxruntime().InferenceSession(path, providers=["CPUExecutionProvider"], enable_fallback=0)
    names = [entry.name for entry in session.get_inputs()]
    answers = [entry.name for entry in session.get_outputs()]
    largest = 0.0
    for case in cases:
        with torch.inference_mode():
            expected = [[tensor.numpy() for tensor in module(*case)] for module in right]
        found: list[NDArray[np.float32]] = session.run(
            None, {name: tensor.numpy() for name, tensor in zip(names, case, strict=True)}
        )
        same = True
        for name, b, *each in zip(answers, found, *expected, strict=True):
            unit = scale.get(name, 1.0)
            unit = max(unit, float(np.abs(each[0]).max())) if name == "style" else unit
            gaps = [np.abs(a - b).reshape(len(b), -1).max(1) for a in each]  # (B,) for each module
            largest = max(largest, float(np.min(gaps, 0).max()) / unit)
            if name == "label_prob":
                same &= bool(np.any([a.argmax(1) == b.argmax(1) for a in each], 0).all())
        if largest > TOLERANCE or not same:
            raise AaeError(
                f"The exported file does not agree with torch: it differs by {largest:.2g} at batch {len(case[0])}.",
                "No file was left behind. Update torch and onnxruntime, or report it with `aaecli doctor --json`.",
            )
    return largest
