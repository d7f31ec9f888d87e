"""Reading pictures: prepared images in, answers out, in order, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aaecli.data.preprocessing.normalise import BLANK
from aaecli.data.preprocessing.prepare import Batch
from aaecli.errors import AaeError
from aaecli.serve.novelty import check_scores, is_doubtful, novelty_score, novelty_threshold, reconstruction_error
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
        novelty: The novelty score, 0 or more: above 1, the picture is unlike the training images. None where
            ``reconstruction_error`` is, and from a model that was exported without a scale for it.
        warnings: Why this may be no picture of one digit.
        seen: uint8 (H, W) or (H, W, 3), what the model saw.

    Examples:
        >>> import aaecli, numpy as np
        >>> aaecli.Classifier()(np.zeros((50, 40), np.uint8))
        Answer(image='picture 0', label='unsure', ...seen=<uint8 (28, 28)>)
    """

    image: str
    label: str
    probability: float
    top: tuple[tuple[str, float], ...]
    reconstruction_error: float | None
    novelty: float | None
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
            "novelty": None if self.novelty is None else round(self.novelty, 6),
            "warnings": list(self.warnings),
        }


class Failure(NamedTuple):
    """A picture that could not be read.

    Attributes:
        image: Name of the file.
        error: Why it could not be read.

    Examples:
        >>> import aaecli
        >>> (failure,) = aaecli.Classifier().stream(["absent.png"])
        >>> failure.image, str(failure.error).startswith("Cannot read absent.png")
        ('absent.png', True)
    """

    image: str
    error: AaeError


class Answered(NamedTuple):
    """One batch of pictures and what the model makes of them.

    Attributes:
        outcomes: For each picture, in order.
        prob: float32 (G, C), the probability of each of ``encoder.names`` for the G pictures that could be read, in the
            same order; the same of every class where nothing is in the picture.
        label_prob: float32 (G, K), the label as the encoder gives it, which the decoder takes.
        style: float32 (G, Z); None where the model has no style.
    """

    outcomes: list[Answer | Failure]
    prob: NDArray[np.float32]
    label_prob: NDArray[np.float32]
    style: NDArray[np.float32] | None


def classify(
    prepared: Iterable[Batch],
    encoder: Encoder,
    decoder: Callable[[], Decoder | None],
    *,
    top_k: int = 1,
    threshold: float = 0.0,
    novelty: bool = False,
) -> Iterator[Answer | Failure]:
    """Answer for each picture, in order.

    Args:
        prepared: Pictures in order, as ``aaecli.data.preprocessing.prepare`` gives them.
        encoder: What reads.
        decoder: Gives what tells how strange a picture is, or None; called only where an answer leaves a doubt.
        top_k: Number of classes in ``Answer.top``.
        threshold: Below this probability the label is ``unsure``.
        novelty: Give every picture its novelty score, not only the doubtful ones.

    Raises:
        AaeError: The model has no classes, or cannot give the score that is asked for.
    """
    for batch in prepared:
        yield from answer_batch(batch, encoder, decoder, top_k=top_k, threshold=threshold, novelty=novelty).outcomes


def answer_batch(
    batch: Batch,
    encoder: Encoder,
    decoder: Callable[[], Decoder | None],
    *,
    top_k: int = 1,
    threshold: float = 0.0,
    novelty: bool = False,
) -> Answered:
    """Answer for the pictures of one batch; the arguments are those of ``classify``.

    Raises:
        AaeError: As for ``classify``.
    """
    label_prob, style, errors = _read(batch.images, encoder, decoder, all_errors=novelty)
    prob = encoder.by_name(label_prob).copy()
    forget_blank(batch, prob)
    scores = _scores(errors, prob, novelty_threshold(encoder.metadata.novelty))
    rows = zip(batch.images, _top(prob, encoder.names, top_k), errors, scores, strict=True)
    outcomes: list[Answer | Failure] = []
    for name, outcome, num_pages in zip(batch.names, batch.outcomes, batch.num_pages, strict=True):
        if isinstance(outcome, AaeError):
            outcomes.append(Failure(name, outcome))
            continue
        seen, top, error, score = next(rows)
        warnings = outcome
        if not warnings and score is not None and score > 1:
            warnings = (NOVEL,)
        if num_pages > 1:
            warnings = (*warnings, f"only the first of {num_pages:,} pages or frames is used")
        label, probability = top[0]
        if probability < threshold or BLANK in warnings:
            label = UNSURE
        outcomes.append(Answer(name, label, probability, top, error, score, warnings, seen))
    return Answered(outcomes, prob, label_prob, style)


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
    forget_blank(batch, prob)
    return prob


def forget_blank(batch: Batch, prob: NDArray[np.float32]) -> None:
    """Make all classes alike possible (G, C) where nothing is in a picture.

    The encoder is as sure of an empty image as of any other.
    """
    readable = (outcome for outcome in batch.outcomes if not isinstance(outcome, AaeError))
    prob[[BLANK in warnings for warnings in readable]] = 1 / prob.shape[1]


def _without_classes(encoder: Encoder) -> AaeError:
    return AaeError(
        f"{encoder.path} was trained as {encoder.metadata.model}: it has a style, but no classes.",
        "Train one that learns classes, such as `aaecli train --labels 1000`, and export it.",
    )


def _read(
    images: NDArray[np.uint8], encoder: Encoder, decoder: Callable[[], Decoder | None], *, all_errors: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, list[float | None]]:
    """Give the label, the style, and the errors of reconstruction where there is doubt.

    With ``all_errors``, those of all images.
    """
    label_prob, style = encoder(images)
    if label_prob is None:
        raise _without_classes(encoder)
    if all_errors:
        check_scores(encoder, decoder())
    prob = encoder.by_name(label_prob)
    errors: list[float | None] = [None] * len(images)
    if style is not None and len(images):
        # Drawing a picture again costs as much as reading it, and nearly all digits need no second look.
        doubtful = np.flatnonzero(all_errors | is_doubtful(prob, style, encoder.metadata.style_std))
        if len(doubtful) and (drawing := decoder()) is not None:
            found = reconstruction_error(drawing, images[doubtful], label_prob[doubtful], style[doubtful])
            for index, error in zip(doubtful.tolist(), found.tolist(), strict=True):
                errors[index] = error
    return label_prob, style, errors


def _scores(errors: list[float | None], prob: NDArray[np.float32], threshold: float | None) -> list[float | None]:
    """Give the novelty score of each image whose error is known."""
    scores: list[float | None] = [None] * len(errors)
    known = [row for row, error in enumerate(errors) if error is not None]
    if known and threshold is not None:
        found = novelty_score(np.array([errors[row] for row in known], np.float64), prob[known], threshold)
        for row, score in zip(known, found.tolist(), strict=True):
            scores[row] = score
    return scores


def _top(prob: NDArray[np.float32], names: tuple[str, ...], top_k: int) -> Iterator[tuple[tuple[str, float], ...]]:
    """Give the ``top_k`` likeliest of the names for each row, with their probabilities."""
    # A stable sort gives ties to the first class, as argmax does.
    order = np.argsort(-prob, axis=1, kind="stable")[:, :top_k]
    values = np.take_along_axis(prob, order, 1).tolist()
    for index, value in zip(order.tolist(), values, strict=True):
        yield tuple((names[k], p) for k, p in zip(index, value, strict=True))
