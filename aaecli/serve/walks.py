"""A request for images: which styles and classes, and the walks between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aaecli.errors import AaeError
from aaecli.files.opening import exists
from aaecli.suggestions import suggest_aaecli

if TYPE_CHECKING:
    from aaecli.serve.generate import Code, Sheet
    from aaecli.serve.session import Decoder


@dataclass(frozen=True)
class Request:
    """What to generate.

    Attributes:
        class_name: Generate this class only.
        count: Number of styles; None for the default.
        seed: Seed of the styles.
        style_from: A picture to take the style from.
        interpolate: The ends of a walk: classes or pictures.
        seeds: The ends of a walk, as the styles that two seeds draw.
        vary: Walk one dimension of the style at a time.
        steps: Images of a walk.
    """

    class_name: str | None
    count: int | None
    seed: int
    style_from: str | None
    interpolate: tuple[str, str] | None
    seeds: tuple[int, int] | None
    vary: bool
    steps: int


def generate(decoder: Decoder, request: Request) -> tuple[Sheet, list[str]]:
    """Generate what a request asks for.

    Returns:
        The images, and the classes that they are of.

    Raises:
        AaeError: There is no such class, or a picture cannot be read.
    """
    from aaecli.serve import generate as draw

    every = list(dict.fromkeys(decoder.classes))
    index = None if request.class_name is None else draw.class_index(request.class_name, decoder.classes)
    classes = every if index is None else [decoder.classes[index]]
    if request.interpolate is not None:
        start, end = _ends(request.interpolate, decoder, index, request.seed)
        named = [name for name in request.interpolate if name in every]
        return draw.interpolate(decoder, start, end, request.steps), named or classes
    if request.vary:
        style = None if request.style_from else draw.draw_styles(decoder, 1, request.seed)[0]
        code = (
            draw.Code(draw.one_class(decoder.classes, index), style)
            if style is not None
            else _code_of(str(request.style_from), decoder, index)
        )
        shown = every[:1] if index is None and style is not None else classes
        return draw.vary(decoder, code, request.steps), shown
    if request.seeds is not None:
        first, last = (draw.draw_styles(decoder, 1, seed)[0] for seed in request.seeds)
        if index is None and decoder.has_label:
            return draw.grid(decoder, draw.between(first, last, request.steps)), classes
        label = draw.one_class(decoder.classes, index)
        ends = draw.Code(label, first), draw.Code(label, last)
        return draw.interpolate(decoder, *ends, request.steps), classes
    if request.style_from is not None:
        styles = _code_of(request.style_from, decoder, index).style[None]
    else:
        styles = draw.draw_styles(decoder, request.count or (10 if decoder.has_label else 100), request.seed)
    if not decoder.has_label:
        return draw.of_no_class(decoder, styles), classes
    return draw.grid(decoder, styles) if index is None else draw.of_class(decoder, index, styles), classes


def _ends(names: tuple[str, str], decoder: Decoder, index: int | None, seed: int) -> tuple[Code, Code]:
    """Find the ends of a walk. A class has the style of the picture at the other end, else one from the prior."""
    from aaecli.serve.generate import Code, draw_styles, one_class

    found: dict[int, Code] = {}
    for end, name in enumerate(names):
        if name in decoder.classes:
            if index is not None:
                raise AaeError("--interpolate names its classes itself.", "Leave out --digit.")
            continue
        if not exists(name):
            raise AaeError(
                f"--interpolate takes two classes or pictures, and {name} is neither.",
                _other_ways(names, decoder),
            )
        found[end] = _code_of(name, decoder, index)
    style = next((code.style for code in found.values()), draw_styles(decoder, 1, seed)[0])
    start, end_ = (
        found.get(end) or Code(one_class(decoder.classes, list(decoder.classes).index(name)), style)
        for end, name in enumerate(names)
    )
    return start, end_


def _other_ways(names: tuple[str, str], decoder: Decoder) -> str:
    if all(name.isascii() and name.isdigit() for name in names):
        return f"To walk between the styles of two seeds: {suggest_aaecli('generate', '--seeds', *names)}."
    classes = ", ".join(dict.fromkeys(decoder.classes))
    return f"Check the spelling. The model has these classes: {classes}." if classes else "Check the spelling."


def _code_of(picture: str, decoder: Decoder, index: int | None) -> Code:
    """Find the point of the latent space that a picture has; with the label of a class, where one is asked for."""
    from aaecli.data.preprocessing.prepare import prepare
    from aaecli.serve.discovery import encoder_beside
    from aaecli.serve.generate import Code, one_class
    from aaecli.serve.session import open_encoder

    encoder = open_encoder(encoder_beside(decoder.path), decoder.device)
    seen = prepare(picture, encoder.metadata.recipe)
    label_prob, style = encoder(seen.image[None])
    if style is None:
        raise AaeError(f"{encoder.path} finds no style in a picture.", "Export a model with a decoder.")
    label = one_class(decoder.classes, index) if index is not None or label_prob is None else label_prob[0]
    return Code(label, style[0])
