"""The interface of its own: reading pictures, drawing styles, and what the page shows of both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from aaecli import __version__
from aaecli.data.preprocessing.prepare import Batch, Encoded, Recipe
from aaecli.errors import AaeError
from aaecli.serve import album, generate
from aaecli.serve.classify import Answer, Failure, answer_batch, classify
from aaecli.web import wire
from aaecli.web.crew import Pair
from aaecli.web.engine import no_decoder
from aaecli.web.latent import label_rows, plane, style_rows
from aaecli.web.requests import Refusal
from aaecli.web.routes import Call

PNG = "image/png"
_COLUMNS = 10


async def classify_pictures(call: Call) -> wire.Answers:
    """Read one picture, or several."""
    query: wire.ClassifyQuery = call.query
    pictures = [Encoded(query.name, call.body)]
    if call.json is not None:
        pictures = [Encoded(image.name, image.data) for image in call.json.images]
    batches = await call.service.model.preparing(pictures, _recipe(call))
    answers = await _classified(call, batches)
    if call.json is None and isinstance(failure := answers[0], Failure):
        raise Refusal(422, failure.error.message, failure.error.hint)
    return wire.Answers([_as_object(answer) for answer in answers])


async def _classified(call: Call, batches: Sequence[Batch]) -> list[Answer | Failure]:
    query: wire.ClassifyQuery = call.query

    def work(pair: Pair) -> list[Answer | Failure]:
        read = classify(
            batches,
            pair.encoder,
            lambda: pair.decoder,
            top_k=query.top_k,
            threshold=query.threshold,
            novelty=query.novelty,
        )
        return list(read)

    return await call.service.model.engine.call(work, sum(len(batch.images) for batch in batches))


def _as_object(answer: Answer | Failure) -> dict[str, object]:
    if isinstance(answer, Failure):
        return {"image": answer.image, "error": answer.error.message, "hint": answer.error.hint}
    return answer.as_object()


def _recipe(call: Call) -> Recipe:
    """How pictures are prepared: as the model says, save what the query asks for."""
    recipe = call.service.model.engine.first.encoder.metadata.recipe
    normalise = recipe.normalise and call.query.normalise
    return Recipe(recipe.shape, invert=call.query.invert, normalise=normalise, channels=recipe.channels)


async def inspect_picture(call: Call) -> wire.Inspection:
    """Say everything about one picture that the page shows."""
    serving, query = call.service.model, call.query
    serving.examples.want()
    (batch,) = await serving.preparing([Encoded(query.name, call.body)], _recipe(call))
    if isinstance(outcome := batch.outcomes[0], AaeError):
        raise Refusal(422, outcome.message, outcome.hint)

    def work(pair: Pair) -> wire.Inspection:
        encoder = pair.encoder
        answer: dict[str, object] | None = None
        label_prob: NDArray[np.float32] | None = None
        if encoder.has_label:
            found = answer_batch(batch, encoder, lambda: pair.decoder, top_k=query.top_k, novelty=query.novelty)
            answer, label_prob, style = _as_object(found.outcomes[0]), found.label_prob, found.style
        else:
            _, style = encoder(batch.images)
        prob = [] if label_prob is None else encoder.by_name(label_prob)[0].tolist()
        reconstruction, by_class = _drawings(pair, label_prob, style)
        return wire.Inspection(
            answer=answer,
            seen=album.encode_image(batch.images[0]),
            warnings=list(answer["warnings"] if answer else outcome),  # type: ignore[call-overload]
            reconstruction=reconstruction,
            by_class=by_class,
            label_prob=dict(zip(encoder.names, prob, strict=False)),
            style=[] if style is None else style[0].tolist(),
            nearest=[] if style is None else serving.examples.nearest(style[0], encoder.metadata.style_std),
        )

    return await serving.engine.call(work)


def _drawings(
    pair: Pair, label_prob: NDArray[np.float32] | None, style: NDArray[np.float32] | None
) -> tuple[bytes | None, dict[str, bytes]]:
    """Draw a picture's style again, and in every class."""
    decoder = pair.decoder
    if decoder is None or style is None:
        return None, {}
    if not decoder.has_label:
        drawn = generate.decode(decoder, np.empty((1, 0), np.float32), style)
        return album.encode_image(drawn[0]), {}
    names = list(dict.fromkeys(decoder.classes))
    label = np.stack([generate.one_class(decoder.classes, decoder.classes.index(name)) for name in names])
    if label_prob is not None:
        label = np.concatenate((label, label_prob))
    drawn = generate.decode(decoder, label, np.repeat(style, len(label), 0))
    by_class = {name: album.encode_image(image) for name, image in zip(names, drawn, strict=False)}
    # A model that is told the class while it learns finds none itself, and has none to draw the picture again in.
    return album.encode_image(drawn[-1]) if label_prob is not None else None, by_class


async def draw(call: Call) -> Response:
    """Draw styles: a sheet as PNG, or the bytes of all images."""
    decoder = call.service.model.engine.first.decoder
    if decoder is None:
        raise no_decoder()
    style = style_rows(call.json.style, decoder.metadata.style_dim)
    label = label_rows(call.json.label, decoder.classes, len(style))
    drawn = await call.service.model.engine.decode(label, style)
    images = np.rint(np.clip(drawn, 0, 1) * 255).astype(np.uint8)
    if call.json.format == "bytes":
        shape = ",".join(map(str, images.shape))
        return Response(images.tobytes(), headers={"X-Image-Shape": shape}, media_type="application/octet-stream")
    columns = min(_COLUMNS, len(images))
    empty = np.zeros((-len(images) % columns, *images.shape[1:]), np.uint8)
    sheet = np.concatenate((images, empty)).reshape(-1, columns, *images.shape[1:])
    return Response(album.encode_image(album.tile(sheet)), media_type=PNG)


async def sample(call: Call) -> Response:
    """Draw styles from the prior, as ``aaecli generate`` does."""
    query: wire.SampleQuery = call.query

    def work(pair: Pair) -> bytes:
        if pair.decoder is None:
            raise no_decoder()
        style = generate.draw_styles(pair.decoder, query.count, query.seed)
        if pair.decoder.has_label:
            index = generate.class_index(query.label or pair.decoder.classes[0], pair.decoder.classes)
            sheet = generate.of_class(pair.decoder, index, style)
        else:
            sheet = generate.of_no_class(pair.decoder, style)
        return album.png(sheet)

    return Response(await call.service.model.engine.call(work, 0), media_type=PNG)


async def style_plane(call: Call) -> wire.Plane:
    """Lay a plane through the latent space where the drawing changes most."""

    def work(pair: Pair) -> wire.Plane:
        if pair.decoder is None:
            raise no_decoder()
        metadata = pair.decoder.metadata
        style = style_rows([call.json.style], metadata.style_dim)
        label = label_rows([call.json.label] if call.json.label else [], pair.decoder.classes, 1)
        return plane(pair.decoder, label, style)

    return await call.service.model.engine.call(work, 0)


async def examples(call: Call) -> wire.Dots:
    """Give the examples that are encoded so far."""
    found = call.service.model.examples
    found.want()
    return wire.Dots(found.is_complete, found.dots())


async def example(call: Call) -> Response:
    """Give one example as a picture."""
    try:
        return Response(call.service.model.examples.png(call.path["index"]), media_type=PNG)
    except IndexError as error:
        raise Refusal(404, "There is no example of that number.") from error


async def describe(call: Call) -> wire.Model:
    """Say what is served."""
    pair = call.service.model.engine.first
    metadata = pair.encoder.metadata
    channels, height, width = metadata.image_shape
    return wire.Model(
        classes=list(dict.fromkeys(metadata.classes)),
        channels=channels,
        height=height,
        width=width,
        style_dim=metadata.style_dim if pair.encoder.has_style else 0,
        style_std=metadata.style_std,
        encodes_label=pair.encoder.has_label,
        decodes=pair.decoder is not None,
        normalises=metadata.normalise,
        trained_on=metadata.data,
        preset=metadata.preset,
        labels=metadata.labels,
        test_accuracy=metadata.test_accuracy,
        device=pair.encoder.device,
        version=__version__,
    )
