"""Reading pictures: a stream in, a stream of answers out, in order, with memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from aaecli.data.normalise import Normalised, normalise
from aaecli.data.pictures import decode, read_bytes
from aaecli.errors import AaeError
from aaecli.serve.session import Decoder, Encoder
from aaecli.serve.strangeness import reconstruction_error, strange_above

UNSURE = "unsure"


@dataclass(frozen=True)
class Reading:
    """How pictures are prepared and answers given.

    Attributes:
        shape: Height and width of the model's images.
        invert: True: the pictures are dark on light; False: light on dark; None: found for each from its border.
        normalise: Find, crop, scale and centre the strokes; otherwise the picture is only resized.
        threshold: Below this probability the label is ``unsure``.
        top_k: Number of classes in ``Answer.top``.
    """

    shape: tuple[int, int] = (28, 28)
    invert: bool | None = None
    normalise: bool = True
    threshold: float = 0.0
    top_k: int = 1


@dataclass(frozen=True)
class Answer:
    """What the model makes of one picture.

    Attributes:
        source: Name of the file, or ``-``.
        label: Name of the likeliest class, or ``unsure``.
        probability: Of the likeliest class, in [0, 1].
        top: The likeliest classes with their probabilities, falling.
        reconstruction_error: See ``strangeness``; None without a decoder.
        warnings: Why this may be no digit.
        seen: uint8 (H, W), what the model saw.
    """

    source: str
    label: str
    probability: float
    top: tuple[tuple[str, float], ...]
    reconstruction_error: float | None
    warnings: tuple[str, ...]
    seen: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True)
class Failure:
    """A picture that could not be read."""

    source: str
    error: AaeError


def prepare(name: str, reading: Reading) -> Normalised:
    """Read one picture file into what the model sees.

    Raises:
        AaeError: It cannot be read.
    """
    pixels = decode(read_bytes(name), name)
    return normalise(pixels, reading.shape, invert=reading.invert)


def classify(
    sources: Iterable[str | AaeError],
    encoder: Encoder,
    decoder: Decoder | None,
    reading: Reading,
    batch_size: int = 128,
) -> Iterator[Answer | Failure]:
    """Answer for each picture, in order.

    Args:
        sources: Names of files, or errors that take the place of one.
        encoder: What reads.
        decoder: What tells how strange a picture is; None to leave that out.
        reading: How.
        batch_size: Pictures read at once.
    """
    pending = iter(sources)
    while batch := list(islice(pending, batch_size)):
        prepared: list[Normalised | AaeError] = []
        for source in batch:
            if isinstance(source, AaeError):
                prepared.append(source)
                continue
            try:
                prepared.append(prepare(source, reading))
            except AaeError as error:
                prepared.append(error)
        yield from answer(batch, prepared, encoder, decoder, reading)


def answer(
    batch: list[str | AaeError],
    prepared: list[Normalised | AaeError],
    encoder: Encoder,
    decoder: Decoder | None,
    reading: Reading,
) -> Iterator[Answer | Failure]:
    """Run the model over a batch of prepared pictures."""
    good = [item for item in prepared if isinstance(item, Normalised)]
    if good:
        images = np.stack([item.image for item in good])
        label_prob, style = encoder(images)
        errors = None
        if decoder is not None and style is not None:
            errors = reconstruction_error(decoder, images, label_prob, style)
        order = np.argsort(-label_prob, axis=1, kind="stable")[:, : max(reading.top_k, 1)]
    limit = strange_above(encoder.metadata.strangeness)
    row = 0
    for source, item in zip(batch, prepared, strict=True):
        if isinstance(item, AaeError):
            yield Failure(source if isinstance(source, str) else "", item)
            continue
        top = tuple((encoder.classes[k], float(label_prob[row, k])) for k in order[row])
        error = None if errors is None else float(errors[row])
        warnings = item.oddities
        if limit is not None and error is not None and error > limit:
            warnings = (*warnings, "unlike the training images")
        probability = top[0][1]
        yield Answer(
            source=str(source),
            label=top[0][0] if probability >= reading.threshold else UNSURE,
            probability=probability,
            top=top,
            reconstruction_error=error,
            warnings=warnings,
            seen=item.image,
        )
        row += 1
