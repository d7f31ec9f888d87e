"""The whole path from names of pictures to answers: workers, model and stream, in the order that costs least."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from aaecli.data.preprocessing.prepare import Batch, Recipe, prepare_chunk
from aaecli.errors import AaeError
from aaecli.serve.classify import Answer, Failure, classify
from aaecli.serve.device import Device
from aaecli.serve.discovery import decoder_beside, find_encoder
from aaecli.serve.metadata import peek_recipe
from aaecli.serve.session import Decoder, Encoder, open_decoder, open_encoder

MANY = 48
"""From so many pictures on, all cores prepare them: that pays for starting the workers."""


@dataclass(frozen=True)
class Request:
    """What to answer, and with what.

    Attributes:
        model: An encoder, or the folder it is in; None to find one.
        device: Where to run.
        invert: See ``Recipe``.
        normalise: False: only resize, even where the model learnt from normalised strokes.
        top_k: See ``classify``.
        threshold: See ``classify``.
        novelty: See ``classify``.
        on_model: Called once the model is open.
    """

    model: Path | None = None
    device: Device = "auto"
    invert: bool | None = None
    normalise: bool = True
    top_k: int = 1
    threshold: float = 0.0
    novelty: bool = False
    on_model: Callable[[Encoder], None] | None = None


class Opened(NamedTuple):
    """A model with the pictures that it reads.

    Attributes:
        encoder: The encoder.
        decoder: Gives the decoder beside it, or None; it is opened by the first call.
        prepared: The pictures, in order.
    """

    encoder: Encoder
    decoder: Callable[[], Decoder | None]
    prepared: Iterable[Batch]


def answers(sources: Iterable[str | AaeError], request: Request) -> Iterator[Answer | Failure]:
    """Answer for each picture, in order.

    Args:
        sources: Names of files, or errors that take the place of one.
        request: How.

    Raises:
        AaeError: There is no model, it cannot be used, or the device cannot be had.
    """
    with opened(sources, request) as (encoder, decoder, prepared):
        yield from classify(
            prepared,
            encoder,
            decoder,
            top_k=request.top_k,
            threshold=request.threshold,
            novelty=request.novelty,
        )


@contextmanager
def opened(sources: Iterable[str | AaeError], request: Request) -> Iterator[Opened]:
    """Open a model, and have pictures prepared for it: by workers, where there are many.

    Args:
        sources: Names of files, or errors that take the place of one.
        request: Which model, and how pictures are prepared.

    Raises:
        AaeError: There is no model, it cannot be used, or the device cannot be had.
    """
    path = find_encoder(request.model)
    pending = iter(sources)
    first = list(islice(pending, MANY))
    with ExitStack() as stack:
        prepared: Iterable[Batch] | None = None
        guessed = _requested(peek_recipe(path) or Recipe(), request)
        if len(first) == MANY:
            from aaecli.data.workers import workers

            # Before the model, which may start threads, and so that they work while it is being opened.
            prepared = stack.enter_context(workers()).run(chain(first, pending), guessed)
        encoder = open_encoder(path, request.device)

        @cache
        def decoder() -> Decoder | None:
            beside = decoder_beside(path)
            return open_decoder(beside, request.device) if beside else None

        if request.on_model:
            request.on_model(encoder)
        recipe = _requested(encoder.metadata.recipe, request)
        if prepared is None:
            prepared = (prepare_chunk([source], recipe) for source in first)
        elif recipe != guessed:
            raise AaeError(f"{path} has metadata that contradict each other.", "Export the model again.")
        yield Opened(encoder, decoder, prepared)


def _requested(recipe: Recipe, request: Request) -> Recipe:
    return replace(recipe, invert=request.invert, normalise=recipe.normalise and request.normalise)
