"""Reading pictures: prepared images in, answers out, in order, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aaecli.data.preprocessing.normalise import BLANK
from aaecli.data.preprocessing.prepare import Batch
from aaecli.errors import AaeError
from aaecli.serve.novelty import is_doubtful, novelty_threshold, reconstruction_error
from aaecli.serve.session import Decoder, Encoder

UNSURE = "unsure"
NOVEL = "unlike the training images"


class Answer(NamedTuple):
    """What the model makes of one picture.

    Attributes:
        image: Name of the file, or ``-``.
        label: Name of the likeliest class, or ``unsure`` where its probability is below the threshold, and where
            nothing is in the picture.
        probability: Of the likeliest class, in [0, 1]; the same of every class where nothing is in the picture.
        top: The likeliest classes with their probabilities, falling.
        reconstruction_error: Mean squared difference to what the decoder draws, in [0, 1]; None without a decoder, and
            where the answer left no doubt that asked for it.
        warnings: Why this may be no picture of one digit.
        seen: uint8 (H, W) or (H, W, 3), what the model saw.
    """

    image: str
    label: str
    probability: float
    top: tuple[tuple[str, float], ...]
    reconstruction_error: float | None
    warnings: tuple[str, ...]
    seen: NDArray[np.uint8]

    def __repr__(self) -> str:
        # Of an image, a person wants the shape: its pixels would be thirty lines.
        fields = self._asdict() | {"seen": f"<uint8 {self.seen.shape}>"}
        shown = (f"{name}={value if name == 'seen' else repr(value)}" for name, value in fields.items())
        return f"Answer({', '.join(shown)})"

    def as_object(self) -> dict[str, object]:
        """Give what ``classify --json`` prints and the server answers."""
        error = self.reconstruction_error
        return {
            "image": self.image,
            "label": self.label,
            "probability": round(self.probability, 6),
            "top": [{"label": name, "probability": round(share, 6)} for name, share in self.top],
            "reconstruction_error": None if error is None else round(error, 6),
            "warnings": list(self.warnings),
        }


class Failure(NamedTuple):
    """A picture that could not be read."""

    image: str
    error: AaeError


def classify(
    prepared: Iterable[Batch],
    encoder: Encoder,
    decoder: Callable[[], Decoder | None],
    *,
    top_k: int = 1,
    threshold: float = 0.0,
) -> Iterator[Answer | Failure]:
    """Answer for each picture, in order.

    Args:
        prepared: Pictures in order, as ``aaecli.data.preprocessing.prepare`` gives them.
        encoder: What reads.
        decoder: Gives what tells how strange a picture is, or None; called only where an answer leaves a doubt.
        top_k: Number of classes in ``Answer.top``.
        threshold: Below this probability the label is ``unsure``.
    """
    limit = novelty_threshold(encoder.metadata.novelty)
    for batch in prepared:
        rows = zip(batch.images, _read(batch.images, encoder, decoder, top_k), strict=True)
        for name, outcome, num_pages in zip(batch.names, batch.outcomes, batch.num_pages, strict=True):
            if isinstance(outcome, AaeError):
                yield Failure(name, outcome)
                continue
            seen, (top, error) = next(rows)
            warnings = outcome
            if not warnings and limit is not None and error is not None and error > limit:
                warnings = (NOVEL,)
            if BLANK in warnings:
                # The encoder is as sure of an empty image as of any other. Nothing is seen, so all is alike possible.
                top = tuple((name, 1 / len(encoder.names)) for name in encoder.names[:top_k])
            if num_pages > 1:
                warnings = (*warnings, f"only the first of {num_pages:,} pages or frames is used")
            label, probability = top[0]
            if probability < threshold or BLANK in warnings:
                label = UNSURE
            yield Answer(name, label, probability, top, error, warnings, seen)


def read_prob(batch: Batch, encoder: Encoder) -> NDArray[np.float32]:
    """Give the probabilities of ``encoder.names`` for each picture of a batch: (N, C).

    Where nothing is in a picture, all classes are alike possible, as in ``classify``.

    Raises:
        AaeError: A picture could not be read, or the model knows no classes.
    """
    for outcome in batch.outcomes:
        if isinstance(outcome, AaeError):
            raise outcome
    label_prob, _ = encoder(batch.images)
    if label_prob is None:
        raise _without_classes(encoder)
    prob = encoder.by_name(label_prob)
    blank = [row for row, outcome in enumerate(batch.outcomes) if BLANK in outcome]  # type: ignore[operator]
    if blank:
        prob[blank] = 1 / len(encoder.names)
    return prob


def _without_classes(encoder: Encoder) -> AaeError:
    return AaeError(
        f"{encoder.path} was trained as {encoder.metadata.model}: it has a style, but no classes.",
        "Train one that learns classes, such as `aaecli train --labels 1000`, and export it.",
    )


def _read(
    images: NDArray[np.uint8], encoder: Encoder, decoder: Callable[[], Decoder | None], top_k: int
) -> Iterator[tuple[tuple[tuple[str, float], ...], float | None]]:
    if len(images) == 0:
        return
    label_prob, style = encoder(images)
    if label_prob is None:
        raise _without_classes(encoder)
    prob = encoder.by_name(label_prob)
    errors: list[float | None] = [None] * len(images)
    if style is not None:
        # Drawing a picture again costs as much as reading it, and nearly all digits need no second look.
        doubtful = np.flatnonzero(is_doubtful(prob, style, encoder.metadata.style_std))
        if len(doubtful) and (drawing := decoder()) is not None:
            found = reconstruction_error(drawing, images[doubtful], label_prob[doubtful], style[doubtful])
            for index, error in zip(doubtful.tolist(), found.tolist(), strict=True):
                errors[index] = error
    # A stable sort gives ties to the first class, as argmax does.
    order = np.argsort(-prob, axis=1, kind="stable")[:, :top_k]
    values = np.take_along_axis(prob, order, 1).tolist()
    for index, value, error in zip(order.tolist(), values, errors, strict=True):
        yield tuple((encoder.names[k], p) for k, p in zip(index, value, strict=True)), error
