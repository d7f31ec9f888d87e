"""``aaecli generate``: draw digits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aaecli.console import has_blocks, has_colour, print_json, put, say
from aaecli.errors import AaeError
from aaecli.files import is_folder

if TYPE_CHECKING:
    from aaecli.serve.generate import Code, Sheet
    from aaecli.serve.session import Decoder

app = typer.Typer(add_completion=False)

_WHAT = "What to draw"
_WHERE = "Where to"
_MODEL = "Model"
_DEFAULT_OUT = Path("generated.png")


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli generate                               the grid\n\n"
        "  aaecli generate --digit 7 --count 20 --out sevens/\n\n"
        "  aaecli generate --style-from seven.jpg        every class in your hand\n\n"
        "  aaecli generate --interpolate a.png b.png --out walk.gif\n\n"
        "  aaecli generate --vary --out dimensions.png   what each dimension does"
    )
)
def generate(
    class_name: Annotated[
        str | None,
        typer.Option("--digit", "--class", metavar="NAME", help="Draw this class only.", rich_help_panel=_WHAT),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default="10; 100 without classes",
            help="Number of styles: images of one class, or rows of the grid.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the styles; the same seed draws the same.", rich_help_panel=_WHAT)
    ] = 0,
    style_from: Annotated[
        str | None,
        typer.Option(metavar="IMAGE", help="Take the style from this picture instead.", rich_help_panel=_WHAT),
    ] = None,
    interpolate: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="A B", help="Walk from A to B: pictures, or numbers that seed a style.", rich_help_panel=_WHAT
        ),
    ] = None,
    vary: Annotated[
        bool,
        typer.Option(
            "--vary", help="Walk one dimension of the style at a time, from -2 to 2 deviations.", rich_help_panel=_WHAT
        ),
    ] = False,
    frames: Annotated[
        int | None,
        typer.Option(min=2, max=500, show_default="24; 9 in a PNG", help="Steps of a walk.", rich_help_panel=_WHAT),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="FILE.png, FILE.gif, a folder for single pictures, or - for a PNG on stdout.",
            show_default="generated.png",
            rich_help_panel=_WHERE,
        ),
    ] = None,
    scale: Annotated[
        int, typer.Option(min=1, max=32, help="Side of a pixel in what is written.", rich_help_panel=_WHERE)
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel=_WHERE)] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Draw nothing in the terminal.", rich_help_panel=_WHERE)
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            envvar="AAECLI_MODEL",
            help="An encoder.onnx or decoder.onnx, or the folder of both.",
            show_default="exports/, else the released pair",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        typer.Option(envvar="AAECLI_DEVICE", help="Where to run.", rich_help_panel=_MODEL),
    ] = "auto",
) -> None:
    """Draw images: a grid of styles and classes, one class, a walk through the latent space.

    Without arguments it draws the article's grid: a row is one style, drawn
    from the prior, and a column one class.
    """
    from aaecli.serve import album
    from aaecli.serve import generate as draw
    from aaecli.serve.discovery import find_decoder
    from aaecli.serve.session import open_decoder

    if sum((style_from is not None, interpolate is not None, vary)) > 1 and not (vary and style_from):
        raise typer.BadParameter("--interpolate goes with neither --style-from nor --vary.")
    target = out or str(_DEFAULT_OUT)
    if target == "-" and sys.stdout.isatty():
        raise AaeError(
            "--out - would write a PNG into the terminal.", "Pipe it on: `aaecli generate --out - > digits.png`."
        )
    decoder = open_decoder(find_decoder(model), device)
    if device == "auto" and sys.stderr.isatty() and not quiet:
        say(f"Running on the {decoder.device.upper()}.")
    index = None if class_name is None else draw.class_index(class_name, decoder.classes)
    animated = target.lower().endswith(".gif")
    steps = frames or (24 if animated or _is_folder(target) else 9)

    if interpolate is not None:
        start, end = (_code(name, decoder, index) for name in interpolate)
        sheet = draw.interpolate(decoder, start, end, steps)
    elif vary:
        start = _code(style_from if style_from is not None else str(seed), decoder, index)
        sheet = draw.vary(decoder, start, steps)
    else:
        if style_from is not None:
            style = _code(style_from, decoder, index).style[None]
        else:
            style = draw.draw_styles(decoder, count or (10 if decoder.has_label else 100), seed)
        if not decoder.has_label:
            sheet = draw.of_no_class(decoder, style)
        else:
            sheet = draw.grid(decoder, style) if index is None else draw.of_class(decoder, index, style)

    if target == "-":
        sys.stdout.buffer.write(album.png(sheet, scale))
        return
    if _is_folder(target):
        album.save_folder(sheet, Path(target), scale)
    elif animated:
        album.save_gif(sheet, Path(target), scale)
    elif target.lower().endswith(".png"):
        album.save_png(sheet, Path(target), scale)
    else:
        raise AaeError(f"--out {target}: only .png and .gif are written.", "A name without a suffix is a folder.")
    if as_json:
        classes = list(dict.fromkeys(decoder.classes)) if index is None else [decoder.classes[index]]
        print_json({"out": target, "num_images": sheet.num_images, "classes": classes, "seed": seed})
        return
    if sys.stdout.isatty() and not quiet:
        _show(sheet)
    put(target)


def _code(name: str, decoder: Decoder, index: int | None) -> Code:
    """Find the point of the latent space that a picture has, or a number seeds."""
    from aaecli.serve.generate import Code, draw_styles, one_class

    asked = one_class(decoder.classes, index)
    if name.isdigit():
        return Code(asked, draw_styles(decoder, 1, int(name))[0])

    from aaecli.data.prepare import prepare
    from aaecli.serve.discovery import encoder_beside
    from aaecli.serve.session import open_encoder

    encoder = open_encoder(encoder_beside(decoder.path), decoder.device)
    seen = prepare(name, encoder.metadata.recipe)
    label_prob, style = encoder(seen.image[None])
    if style is None:
        raise AaeError(f"{encoder.path} finds no style in a picture.", "Export a model with a decoder.")
    return Code(label_prob[0] if index is None and label_prob is not None else asked, style[0])


def _is_folder(target: str) -> bool:
    return target.endswith("/") or is_folder(target) or not Path(target).suffix


def _show(sheet: Sheet) -> None:
    import shutil

    from aaecli.drawing import draw
    from aaecli.serve.album import tile

    columns = shutil.get_terminal_size().columns
    lines = draw(tile(sheet.images), columns, colour=has_colour(sys.stdout), blocks=has_blocks(sys.stdout))
    sys.stdout.write("\n".join(lines) + "\n")
