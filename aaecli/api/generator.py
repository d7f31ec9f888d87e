"""``Generator``: draws images, through onnxruntime, without torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aaecli.api.opened_file import OpenedFile, as_path
from aaecli.errors import AaeError
from aaecli.serve import generate
from aaecli.serve.discovery import find_decoder
from aaecli.serve.generate import Code, class_index
from aaecli.serve.session import Decoder, open_decoder

Label: TypeAlias = str | Sequence[str] | ArrayLike
"""What to draw: the name of a class, a name for each image, or probabilities (K,) or (N, K) of the label's values."""
Point: TypeAlias = str | tuple[Label, ArrayLike]
"""A point of the latent space: a class, or a pair of label and style (Z,)."""
_HINTS = {
    "style": "Take it from `styles`, or from `encode` of a Classifier of the same model.",
    "label": "Name classes as text, such as '7', or give probabilities, as `encode` of a Classifier finds them.",
}


class Generator(OpenedFile):
    """Draws images of a class and a style, as ``aaecli generate`` does: the same seed draws the same images.

    It may be used from several threads at once. It can be pickled and copied: a copy opens the same file, and refuses
    one that has changed since.

    Args:
        model: A ``decoder.onnx``, the ``encoder.onnx`` beside it, or the folder of both. None: ``exports/``, else the
            released pair.
        device: Where to run: ``cpu``, ``cuda``, or ``auto``, which takes a GPU where there is one.
        num_threads: Threads of the processor that one call may use.

    Attributes:
        path: The file of the decoder.
        device: Where it runs: ``cpu`` or ``cuda``.
        classes: Names of the classes, each once; empty for a model that draws styles alone.
        label_names: Name of each of the K values of the label, in order; those of clusters may recur.
        style_dim: Number Z of dimensions of the style.
        image_shape: Shape of an image: (H, W), or (H, W, 3) in colour.
        sha256: Of the file, in hexadecimal.

    Raises:
        AaeError: There is no decoder, it cannot be used, or the device cannot be had.
        ValueError: ``num_threads`` is less than 1.

    Examples:
        >>> import aaecli
        >>> draw = aaecli.Generator()
        >>> draw.sample(20, label="7", seed=0).shape
        (20, 28, 28)
        >>> draw.interpolate("1", "2", frames=5).shape
        (5, 28, 28)
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        device: Literal["auto", "cpu", "cuda"] = "auto",
        num_threads: int = 1,
    ) -> None:
        if num_threads < 1:
            raise ValueError("num_threads is 1 or more.")
        self._options = (device, num_threads)
        self._open(find_decoder(as_path("model", model)).absolute())

    def _open(self, path: Path) -> None:
        self._decoder: Decoder = open_decoder(path, *self._options)
        channels, height, width = self._decoder.image_shape
        self.path = path
        self.device: Literal["cpu", "cuda"] = self._decoder.device
        self.label_names: tuple[str, ...] = self._decoder.classes
        self.classes: tuple[str, ...] = tuple(dict.fromkeys(self.label_names))
        self.style_dim: int = self._decoder.metadata.style_dim
        self.image_shape: tuple[int, ...] = (height, width) if channels == 1 else (height, width, channels)
        self.sha256: str = self._decoder.sha256

    def sample(self, count: int, *, label: str | None = None, seed: int = 0) -> NDArray[np.uint8]:
        """Draw images with styles from the style prior.

        Args:
            count: Number of images N, 1 or more.
            label: Name of the class to draw. None: each class in turn, as often as the label prior has it.
            seed: Seed of the styles; the same seed draws the same.

        Returns:
            uint8 (N, H, W) or (N, H, W, 3), light on black.

        Raises:
            AaeError: There is no such class.
            TypeError: ``label`` is no text.
            ValueError: ``count`` is less than 1.
        """
        if not isinstance(label, str | None):
            raise TypeError(
                f"label is the name of a class, a str, or None; this is of the type {type(label).__name__}."
            )
        style = self.styles(count, seed=seed)
        if label is None:
            one_hot = generate.in_turn(self._decoder, range(len(self.label_names)), count)
        else:
            one_hot = generate.clusters_of(self._decoder, class_index(label, self.label_names), count)
        return generate.decode(self._decoder, one_hot, style)

    def styles(self, count: int, *, seed: int = 0) -> NDArray[np.float32]:
        """Draw styles from the style prior.

        Returns:
            float32 (count, Z).

        Raises:
            ValueError: ``count`` is less than 1.
        """
        if count < 1:
            raise ValueError("count is 1 or more.")
        return generate.draw_styles(self._decoder, count, seed)

    def draw(self, *, label: Label | None = None, style: ArrayLike) -> NDArray[np.uint8]:
        """Draw images of given labels and styles; of both, one serves for all where there is one.

        Args:
            label: The name of a class, a name for each image, or probabilities (K,) or (N, K), such as those that
                ``Classifier.encode`` finds. None for a model without classes.
            style: float (Z,) or (N, Z).

        Returns:
            uint8 (N, H, W) or (N, H, W, 3), light on black.

        Raises:
            AaeError: There is no such class, or the shapes do not fit the model or each other.
        """
        styles = self._rows("style", style, self.style_dim)
        labels = self._labels(label)
        count = max(len(styles), len(labels))
        if {len(styles), len(labels)} - {1, count}:
            raise AaeError(f"There are {len(labels)} labels and {len(styles)} styles.", "Give as many, or one of them.")
        size = (count, styles.shape[1])
        return generate.decode(
            self._decoder,
            np.ascontiguousarray(np.broadcast_to(labels, (count, labels.shape[1]))),
            np.ascontiguousarray(np.broadcast_to(styles, size)),
        )

    def grid(self, rows: int = 5, *, seed: int = 0) -> NDArray[np.uint8]:
        """Draw the article's grid: a row is one style, a column one value of the label.

        Returns:
            uint8 (rows, K, H, W) or (rows, K, H, W, 3). Columns are ``label_names``, clusters of a class side by side.

        Raises:
            AaeError: The model has no classes.
            ValueError: ``rows`` is less than 1.
        """
        if not self.label_names:
            raise AaeError(f"{self.path} learnt without classes, so it has no grid of them.", "Use `sample`.")
        return generate.grid(self._decoder, self.styles(rows, seed=seed)).images

    def interpolate(self, start: Point, end: Point, frames: int = 24, *, seed: int = 0) -> NDArray[np.uint8]:
        """Walk on a straight line between two points of the latent space, both ends included.

        Args:
            start: Where to begin: the name of a class, or a pair of label and style (Z,).
            end: Where to end.
            frames: Number of images, 2 or more.
            seed: Seed of the style that a class named alone is drawn in.

        Returns:
            uint8 (frames, H, W) or (frames, H, W, 3).

        Raises:
            AaeError: There is no such class, or a shape does not fit the model.
            ValueError: ``frames`` is less than 2.
        """
        if frames < 2:
            raise ValueError("frames is 2 or more.")
        fallback = self.styles(1, seed=seed)
        walk = generate.interpolate(self._decoder, self._code(start, fallback), self._code(end, fallback), frames)
        images: NDArray[np.uint8] = walk.images[0]
        return images

    def _code(self, point: Point, fallback: NDArray[np.float32]) -> Code:
        label, style = (point, fallback) if isinstance(point, str) else point
        return Code(self._labels(label)[0], self._rows("style", style, self.style_dim)[0])

    def _labels(self, label: Label | None) -> NDArray[np.float32]:
        if isinstance(label, str):
            label = [label]
        if label is None:
            if self.label_names:
                raise AaeError(
                    f"{self.path} generates images of a class, and no label says which.",
                    f"Name one of {', '.join(self.classes)}, or give probabilities.",
                )
            return np.empty((1, 0), np.float32)
        values: NDArray[Any] = np.asarray(label)
        if values.dtype.kind in "UO":
            chosen = [class_index(str(name), self.label_names) for name in values.ravel().tolist()]
            return np.eye(len(self.label_names), dtype=np.float32)[chosen]
        return self._rows("label", values, len(self.label_names))

    def _rows(self, what: str, values: ArrayLike, width: int) -> NDArray[np.float32]:
        rows = np.atleast_2d(np.asarray(values, np.float32))
        if rows.ndim != 2 or rows.shape[1] != width or not len(rows) or not np.isfinite(rows).all():
            raise AaeError(
                f"The {what} has the shape {np.shape(values)}; for this model it is ({width},) or (N, {width}), of "
                "finite numbers.",
                _HINTS[what],
            )
        return rows
