"""TensorBoard: losses, accuracies, histograms of the codes and their priors, and images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aaecli.config.models import FAMILY
from aaecli.config.resolve import to_toml
from aaecli.config.schema import Config
from aaecli.errors import AaeError
from aaecli.evaluation.predict import one_hot_true_label, predict
from aaecli.models.batch import to_float
from aaecli.models.networks import answering
from aaecli.models.priors import as_tuple
from aaecli.priors.style_prior import STYLE_PRIORS
from aaecli.text import for_toml

if TYPE_CHECKING:
    from aaecli.training.trainer import Trainer

_NUM_IMAGES = 2000
"""Validation images whose codes make a histogram."""
_NUM_PAIRS = 8


class TensorBoardLogger:
    """Writes what TensorBoard shows, as the article does. Nothing of it is imported before one is made.

    Args:
        folder: Where its event files go.
        config: The settings, which it shows as text.

    Raises:
        AaeError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        self.check_installed()
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder))
        settings = "\n".join(f"    {line}" for line in for_toml(to_toml(config)).splitlines())
        self._writer.add_text("settings", settings)

    @staticmethod
    def check_installed() -> None:
        """See that TensorBoard can be imported.

        Raises:
            AaeError: It cannot.
        """
        try:
            import torch.utils.tensorboard  # noqa: F401
        except ImportError as error:
            raise AaeError(
                "TensorBoard is not installed.", "Install it with `python -m pip install tensorboard`."
            ) from error

    def epoch(self, training: Trainer, row: dict[str, float]) -> None:
        """Write what a row of metrics.csv says and more. Nothing is drawn from torch's generator, which training uses.

        Args:
            training: Whose encoder and decoder are looked at.
            row: The row that metrics.csv just got.
        """
        number = int(row["step"])
        for name, value in row.items():
            if name not in ("epoch", "step"):
                group = "validation" if name.startswith("validation_") else "speed" if "second" in name else "loss"
                title = f"{group}/{name.removeprefix('validation_')}"
                self._writer.add_scalar(title, value, number)
        self._write_codes(training, number)
        self._write_pairs(training, number)
        self._writer.flush()

    def _write_codes(self, training: Trainer, number: int) -> None:
        image = training.validation.image[_drawn(len(training.validation.image), _NUM_IMAGES)]
        if not len(image):
            return
        rng = np.random.default_rng(number)
        prediction = predict(training.encoder, None, image)
        drawn: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
        if prediction.label_prob is not None:
            num_values = prediction.label_prob.shape[1]
            frequency = as_tuple(training.step.priors.label_frequency, num_values)
            values = rng.choice(num_values, len(image), p=np.divide(frequency, sum(frequency)))
            drawn["y"] = prediction.label_prob, np.eye(num_values)[values]
        if prediction.style is not None:
            prior, style_dim = training.config.prior, prediction.style.shape[1]
            drawn["z"] = prediction.style, STYLE_PRIORS[prior.style].sample(len(image), style_dim, prior.style_std, rng)
        for name, (encoded, from_prior) in drawn.items():
            self._writer.add_histogram(f"{name}/encoded", encoded, number)
            self._writer.add_histogram(f"{name}/prior", from_prior, number)

    def _write_pairs(self, training: Trainer, number: int) -> None:
        """Write images and, side by side with them, what the decoder makes of their codes."""
        chosen = _drawn(len(training.validation.image), _NUM_PAIRS)
        stored = training.validation.image[chosen]
        if training.decoder is None or not len(stored):
            return
        true_label = None
        if FAMILY[training.config.model].decoder_label == "true":
            label = training.validation.label[chosen.numpy()]
            true_label = one_hot_true_label(training.config.model, label, len(training.dataset.classes), stored.device)
        with answering(training.encoder, training.decoder):
            image = to_float(stored)
            reconstructed = training.decoder(training.encoder(image)._replace(true_label=true_label).latent())
        pairs = torch.cat([image, reconstructed], 3)  # (B, C, H, 2 W)
        self._writer.add_images("image and reconstruction", pairs, number)


def _drawn(num_images: int, count: int) -> Tensor:
    """Draw places among so many images, the same ones every time: the first ones may all be of one class."""
    return torch.randperm(num_images, generator=torch.Generator().manual_seed(0))[:count]
