"""``Classifier``: names what pictures show, through onnxruntime, without torch."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aaecli.api.opened_file import OpenedFile, as_path
from aaecli.api.pictures import batches
from aaecli.data.decoding.open_pictures import PictureLike
from aaecli.data.preprocessing.normalise import BLANK
from aaecli.data.preprocessing.prepare import Batch
from aaecli.errors import AaeError
from aaecli.serve.classify import UNSURE, Answer, Failure, classify, read_prob
from aaecli.serve.discovery import decoder_beside, find_encoder
from aaecli.serve.session import Decoder, Encoder, open_decoder, open_encoder

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Pictures: TypeAlias = Iterable[PictureLike] | NDArray[Any]
"""Many pictures: any iterable of ``PictureLike``, or one array (N, H, W) or (N, H, W, 3) of the model's image size."""


class Codes(NamedTuple):
    """What an encoder finds in N images.

    Attributes:
        label_prob: float32 (N, K), rows sum to 1; of a model that found clusters, K is their number. None from a model
            without a label.
        style: float32 (N, Z), about as the style prior is; None from a model without a style.
    """

    label_prob: NDArray[np.float32] | None
    style: NDArray[np.float32] | None


class Classifier(OpenedFile):
    """Names what pictures show, as ``aaecli classify`` does: the same pictures give the same answers.

    A picture may be the path of a file, its bytes, a file opened for reading bytes, a ``PIL.Image.Image``, or a numpy
    array (H, W) or (H, W, 3) of uint8 or of floats in [0, 1]. It may be of any size, dark on light or light on dark; it
    is brought into the form of the training images first. An array of many pictures (N, H, W) or (N, H, W, 3) has to be
    of the model's image size.

    It may be used from several threads at once. It can be pickled and copied: a copy opens the same file, and refuses
    one that has changed since.

    Args:
        model: An ``encoder.onnx``, or the folder it is in. None: ``exports/``, else the released model.
        device: Where to run: ``cpu``, ``cuda``, or ``auto``, which takes a GPU where there is one.
        invert: True: the pictures are dark on light; False: light on dark; None: found for each.
        normalise: False: only resize, even where the model learnt from strokes that were found, scaled and centred.
        top_k: Number of classes in ``Answer.top``, 1 or more.
        threshold: Below this probability, in [0, 1], the label is ``unsure``.
        novelty: True: every answer has its novelty score, not only the doubtful ones; that takes about twice the time.
        num_threads: Threads of the processor that one call may use.

    Attributes:
        path: The file of the encoder.
        device: Where it runs: ``cpu`` or ``cuda``.
        classes: Names of the C classes; the columns of ``predict_proba``. Empty for a model that knows none.
        image_shape: Shape of an image that the model sees: (H, W), or (H, W, 3) in colour.
        sha256: Of the file, in hexadecimal.

    Raises:
        AaeError: There is no model, it cannot be used, or the device cannot be had.
        ValueError: ``top_k``, ``threshold`` or ``num_threads`` is out of range.

    Examples:
        >>> import aaecli, numpy as np
        >>> read = aaecli.Classifier()
        >>> answer = read(np.zeros((28, 28), np.uint8))
        >>> answer.label, answer.warnings
        ('unsure', ('blank: there is nothing in the picture',))
        >>> read.predict_proba(np.zeros((3, 28, 28))).shape
        (3, 10)
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        device: Device = "auto",
        invert: bool | None = None,
        normalise: bool = True,
        top_k: int = 1,
        threshold: float = 0.0,
        novelty: bool = False,
        num_threads: int = 1,
    ) -> None:
        if top_k < 1 or num_threads < 1 or not 0 <= threshold <= 1:
            raise ValueError("top_k and num_threads are 1 or more, threshold is in [0, 1].")
        path = find_encoder(as_path("model", model)).absolute()
        self._options = (device, invert, normalise, top_k, threshold, novelty, num_threads)
        self._open(path)

    def _open(self, path: Path) -> None:
        device, invert, normalise, _, _, _, num_threads = self._options
        self._encoder: Encoder = open_encoder(path, device, num_threads)
        recipe = self._encoder.metadata.recipe
        self._recipe = replace(recipe, invert=invert, normalise=recipe.normalise and normalise)
        self._lock = threading.Lock()
        self._decoders: list[Decoder | None] = []
        self.path = path
        self.device: Literal["cpu", "cuda"] = self._encoder.device
        self.classes: tuple[str, ...] = self._encoder.names
        self.image_shape: tuple[int, ...] = recipe.stored_shape
        self.sha256: str = self._encoder.sha256

    def __call__(self, picture: PictureLike) -> Answer:
        """Name what one picture shows.

        Returns:
            The answer. Its ``warnings`` say why this may be no picture of one digit.

        Raises:
            AaeError: The picture cannot be read, or the model knows no classes.
            TypeError: It is none of the kinds of picture.
        """
        (outcome,) = self.stream([picture])
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome

    def predict(self, pictures: Pictures) -> list[str]:
        """Name what many pictures show.

        Returns:
            For each the name of its class, or ``unsure`` as in ``Answer.label``.

        Raises:
            AaeError: One of them cannot be read, or the model knows no classes. ``stream`` answers for the others.
            TypeError: One of them is none of the kinds of picture.
        """
        threshold, names = self._options[4], []
        for batch in self._batches(pictures):
            prob = read_prob(batch, self._encoder)
            best = prob.argmax(1)
            sure = (prob[np.arange(len(prob)), best] >= threshold) & ~_is_blank(batch)
            names += [self.classes[k] if is_sure else UNSURE for k, is_sure in zip(best.tolist(), sure, strict=True)]
        return names

    def predict_proba(self, pictures: Pictures) -> NDArray[np.float32]:
        """Give the probability of each class for many pictures.

        Returns:
            float32 (N, C), rows sum to 1, columns are ``classes``. Where nothing is in a picture, all are alike.

        Raises:
            AaeError: One of them cannot be read, or the model knows no classes.
            TypeError: One of them is none of the kinds of picture.
        """
        found = [read_prob(batch, self._encoder) for batch in self._batches(pictures)]
        return np.concatenate(found) if found else np.empty((0, len(self.classes)), np.float32)

    def encode(self, pictures: Pictures) -> Codes:
        """Find the codes of many pictures: what ``Generator.draw`` draws them again from.

        Returns:
            ``label_prob``, float32 (N, K), rows sum to 1, or None from a model without a label, and ``style``, float32
            (N, Z), or None from a model without a style.

        Raises:
            AaeError: One of them cannot be read.
            TypeError: One of them is none of the kinds of picture.
        """
        probs, styles = [], []
        for batch in self._batches(pictures):
            for outcome in batch.outcomes:
                if isinstance(outcome, AaeError):
                    raise outcome
            label_prob, style = self._encoder(batch.images)
            probs.append(label_prob)
            styles.append(style)
        no_label, no_style = np.empty((0, len(self._encoder.classes))), np.empty((0, self._encoder.metadata.style_dim))
        return Codes(
            _joined(probs, no_label) if self._encoder.has_label else None,
            _joined(styles, no_style) if self._encoder.has_style else None,
        )

    def stream(self, pictures: Pictures, *, processes: int = 0) -> Iterator[Answer | Failure]:
        """Answer for any number of pictures, in order, while memory stays the same.

        Answers come a hundred or so at a time. For pictures that come slowly, call the classifier for each.

        Args:
            pictures: The pictures.
            processes: So many new processes read and prepare the pictures, which then have to be paths of files.
                They are spawned: in a script, the call has to stand below ``if __name__ == "__main__":``.

        Yields:
            An ``Answer`` for each picture, or a ``Failure`` where it cannot be read.

        Raises:
            AaeError: The model knows no classes, or cannot give the novelty score that is asked for.
            TypeError: A picture is none of the kinds of picture, or no path where there are processes.
        """
        _, _, _, top_k, threshold, novelty, _ = self._options
        read = partial(
            classify,
            encoder=self._encoder,
            decoder=self._decoder,
            top_k=top_k,
            threshold=threshold,
            novelty=novelty,
        )
        if not processes:
            yield from read(self._batches(pictures))
            return
        from aaecli.data.workers import workers

        with workers(processes, may_fork=False) as pool:
            yield from read(pool.run(map(_path_of, pictures), self._recipe))

    def _batches(self, pictures: Pictures) -> Iterator[Batch]:
        return batches(pictures, self._recipe)

    def _decoder(self) -> Decoder | None:
        """Open the decoder beside the encoder, once, when the first answer leaves a doubt."""
        with self._lock:
            if not self._decoders:
                beside = decoder_beside(self.path)
                self._decoders.append(open_decoder(beside, self._encoder.device) if beside else None)
            return self._decoders[0]


def _is_blank(batch: Batch) -> NDArray[np.bool_]:
    return np.array([BLANK in outcome for outcome in batch.outcomes if not isinstance(outcome, AaeError)], np.bool_)


def _joined(parts: list[NDArray[np.float32] | None], none: NDArray[Any]) -> NDArray[np.float32]:
    found = [part for part in parts if part is not None]
    return np.concatenate(found) if found else none.astype(np.float32)


def _path_of(picture: PictureLike) -> str:
    if not isinstance(picture, str | os.PathLike):
        raise TypeError(f"Other processes read paths of files, and here is a {type(picture).__name__}.")
    # `-` stands for stdin on the command line.
    return "./-" if os.fspath(picture) == "-" else os.fspath(picture)
