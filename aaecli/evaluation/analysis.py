"""What figures show of a trained model, as plain arrays: its answers, its drawings, its first weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aaecli.checkpoint.file import Checkpoint
from aaecli.config.models import FAMILY
from aaecli.data.dataset import Dataset
from aaecli.errors import AaeError
from aaecli.evaluation.predict import Prediction, one_hot_true_label, predict
from aaecli.metrics.clusters import cross_named_prob
from aaecli.models.batch import to_float
from aaecli.priors.style_prior import STYLE_PRIORS

_Float = NDArray[np.float32]
_LEAST_SHARE = 0.002
"""Of the images; a cluster with fewer counts as empty."""


class NothingToShowError(AaeError):
    """A figure that a model, or its images, cannot be drawn in."""


_MOST_IMAGES = 120_000
"""Images that are drawn from: the largest test set of EMNIST, and a part of the millions of a store."""


@dataclass
class Analysis:
    """Everything that is drawn of one model; each part is computed when it is first asked for.

    Attributes:
        model: The trained model, on the processor.
        image: uint8 (N, H, W) or (N, H, W, 3), images that it did not learn from, in an order drawn by lot: the first
            ones are a draw.
        label: int64 (N,), their true classes.
        has_named: Whether clusters may have been named by these images.
    """

    model: Checkpoint
    image: NDArray[np.uint8]
    label: NDArray[np.int64]
    has_named: bool = False

    @classmethod
    def of(cls, model: Checkpoint, dataset: Dataset) -> Analysis:
        """Take the test images, or the labelled pictures of a folder that has no test images."""
        rng = np.random.default_rng(0)
        if len(dataset.test_label):
            order = rng.permutation(len(dataset.test_label))[:_MOST_IMAGES]
            return cls(model, dataset.test_image[order], dataset.test_label[order])
        order = rng.permutation(np.flatnonzero(dataset.train_label >= 0))[:_MOST_IMAGES]
        return cls(model, dataset.train_image[order], dataset.train_label[order], has_named=True)

    @cached_property
    def prediction(self) -> Prediction:
        """The model's answers for the images."""
        return predict(self.model.encoder, None, torch.from_numpy(self.image))

    @cached_property
    def class_prob(self) -> _Float | None:
        """Probabilities of the classes (N, K); None where the model knows none."""
        prob = self.prediction.label_prob
        if prob is not None and self.has_named and self.model.clusters is not None:
            return cross_named_prob(prob, self.label, len(self.model.classes))
        return None if prob is None else self.model.class_prob(prob)

    @property
    def pixels(self) -> _Float:
        """The images in [0, 1]."""
        return self.image.astype(np.float32) / np.float32(255)

    def prior(self, count: int, seed: int = 0) -> _Float:
        """Draw styles (count, Z) from the prior that the style was held to, or would be."""
        settings, rng = self.model.config.prior, np.random.default_rng(seed)
        style_dim = self.model.config.network.style_dim
        return STYLE_PRIORS[settings.style].sample(count, style_dim, settings.style_std, rng)

    def reconstructed(self, count: int) -> _Float:
        """Give what the decoder makes of the codes of the first images: (count, H, W) or (count, H, W, 3)."""
        image = torch.from_numpy(self.image[:count])
        true_label = one_hot_true_label(
            self.model.config.model, self.label[:count], len(self.model.classes), image.device
        )
        encoding = self.model.encoder(to_float(image))
        return self._draw(encoding._replace(true_label=true_label).latent())

    def samples(self, rows: int, seed: int = 0) -> tuple[_Float, tuple[str, ...]]:
        """Draw a grid: one style of the prior a row, one class a column; ten styles a row where there are no classes.

        Clusters that hold next to no image are left out: nothing has taught the decoder what to draw for them.

        Returns:
            (rows, columns, H, W) or (rows, columns, H, W, 3) in [0, 1], and the names of the columns.
        """
        names = self.model.label_names
        if FAMILY[self.model.config.model].decoder_label == "none":
            style = torch.from_numpy(self.prior(rows * 10, seed))
            drawn = self._draw(style)
            return drawn.reshape(rows, 10, *drawn.shape[1:]), ()
        order = sorted(self._values_in_use(), key=lambda column: self.model.classes.index(names[column]))
        style = torch.from_numpy(self.prior(rows, seed)).repeat_interleave(len(order), 0)
        label = torch.eye(len(names))[order].repeat(rows, 1)
        drawn = self._draw(torch.cat([label, style], 1))
        return drawn.reshape(rows, len(order), *drawn.shape[1:]), tuple(names[column] for column in order)

    @cached_property
    def plane(self) -> _Float:
        """Two axes (2, Z) to look at the style along: those that it varies most along, or its own where Z is 2."""
        style = self._style()
        if style.shape[1] <= 2:
            return np.eye(2, style.shape[1], dtype=np.float32)
        _, _, axes = np.linalg.svd(style - style.mean(0), full_matrices=False)
        plane: _Float = axes[:2].astype(np.float32)
        return plane

    def on_plane(self, style: _Float) -> _Float:
        """Project styles (N, Z) onto the plane: (N, 2)."""
        projected: _Float = style @ self.plane.T
        return projected

    def manifold(self, side: int, label: int) -> _Float:
        """Draw what lies across the plane, along the quantiles of the prior: (R, C, H, W) or (R, C, H, W, 3).

        Args:
            side: Rows and columns.
            label: Which value of the label is drawn, by a decoder that reads one.
        """
        settings = self.model.config.prior
        lattice = STYLE_PRIORS[settings.style].lattice(side, settings.style_std)
        shape = lattice.shape[:2]
        style = torch.from_numpy(lattice.reshape(-1, 2) @ self.plane)
        parts = [style]
        if FAMILY[self.model.config.model].decoder_label != "none":
            parts.insert(0, torch.eye(len(self.model.label_names))[label].expand(len(style), -1))
        drawn = self._draw(torch.cat(parts, 1))
        return drawn.reshape(*shape, *drawn.shape[1:])

    def features(self, count: int) -> _Float:
        """Give the weights (count, H, W) of the first-layer units with the largest ones, averaged over colours.

        Raises:
            NothingToShowError: The first layer reads no pixels side by side: an encoder of a plug-in may begin
                otherwise.
        """
        first = next((weight for weight in self.model.encoder.parameters() if weight.ndim > 1), torch.empty(0))
        if first.ndim == 2 and first.shape[1] == math.prod(self.model.image_shape):
            first = first.reshape(len(first), *self.model.image_shape)
        if first.ndim != 4:
            raise NothingToShowError(
                f"The figure 'features' shows the weights of a first layer over pixels, and the encoder "
                f"'{self.model.config.network.encoder}' has none.",
                "`aaecli plot all` plots the other figures.",
            )
        kernels = first.mean(1)  # (F, H, W)
        strongest = kernels.square().sum((1, 2)).argsort(descending=True)[:count]
        return _numpy(kernels[strongest])

    def _values_in_use(self) -> list[int]:
        """Name the values of the label that some image has: all of them, but for clusters."""
        num_values, prob = len(self.model.label_names), self.prediction.label_prob
        if self.model.clusters is None or prob is None:
            return list(range(num_values))
        share = np.bincount(prob.argmax(1), minlength=num_values) / len(prob)
        return np.flatnonzero(share > _LEAST_SHARE).tolist()

    def _style(self) -> _Float:
        if self.prediction.style is None:
            raise ValueError("the model has no style")
        return self.prediction.style

    def _draw(self, latent: Tensor) -> _Float:
        if self.model.decoder is None:
            raise ValueError("the model has no decoder")
        with torch.inference_mode():
            image = self.model.decoder(latent)  # (N, C, H, W)
        return _numpy(image[:, 0] if image.shape[1] == 1 else image.permute(0, 2, 3, 1))


def _numpy(tensor: Tensor) -> _Float:
    array: _Float = tensor.detach().cpu().numpy()
    return array
