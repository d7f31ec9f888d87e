"""``aaecli generate``: draw digits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aaecli.cli.options import OUTPUT, is_typed
from aaecli.cli.options.device import OnnxDevice
from aaecli.cli.options.onnx_model import EncoderOrDecoder
from aaecli.cli.options.output import AsJson, Force, Quiet
from aaecli.cli.options.seed import seed as seed_option
from aaecli.cli.which_model import say_which_model
from aaecli.errors import AaeError
from aaecli.files.opening import is_file, is_folder
from aaecli.files.outputs import Outputs
from aaecli.files.own_files import is_picture
from aaecli.serve.walks import Request
from aaecli.terminal.console import has_blocks, has_colour, print_json, put, say
from aaecli.text import for_terminal

if TYPE_CHECKING:
    from aaecli.serve.generate import Sheet

app = typer.Typer(add_completion=False)

_WHAT = "What to generate"
_DEFAULT_OUT = Path("generated.png")
_MAY_BE_USELESS = ("count", "seed", "frames")


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli generate                               the grid\n\n"
        "  aaecli generate --digit 7 --count 20 --out sevens/\n\n"
        "  aaecli generate --style-from seven.jpg        every class in your handwriting\n\n"
        "  aaecli generate --interpolate 1 2 --out walk.gif\n\n"
        "  aaecli generate --interpolate a.png b.png --out hand.gif\n\n"
        "  aaecli generate --seeds 3 4 --out styles.gif  every class, between two styles\n\n"
        "  aaecli generate --vary --out dimensions.png   what each dimension does"
    )
)
def generate(
    ctx: typer.Context,
    class_name: Annotated[
        str | None,
        typer.Option(
            "--digit", "--class", "--label", metavar="NAME", help="Generate this class only.", rich_help_panel=_WHAT
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            show_default="10; 100 without classes",
            help="Number of styles: images of one class, or rows of the grid.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    seed: Annotated[int | None, seed_option("the styles", _WHAT)] = None,
    style_from: Annotated[
        str | None,
        typer.Option(metavar="IMAGE", help="Take the style from this picture instead.", rich_help_panel=_WHAT),
    ] = None,
    interpolate: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Walk from A to B, each a class or a picture.", rich_help_panel=_WHAT),
    ] = None,
    seeds: Annotated[
        tuple[int, int] | None,
        typer.Option(
            metavar="A B",
            min=0,
            help="Walk from the style of seed A to that of seed B, in every class or in that of --digit.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    vary: Annotated[
        bool,
        typer.Option(
            "--vary",
            help="Walk one dimension of the style at a time, a row each, from -2 to 2 deviations.",
            rich_help_panel=_WHAT,
        ),
    ] = False,
    frames: Annotated[
        int | None,
        typer.Option(
            min=2, max=500, metavar="N", show_default="24; 9 in a PNG", help="Images of a walk.", rich_help_panel=_WHAT
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="FILE.png, FILE.gif, a folder for single pictures, or - for a PNG on stdout.",
            show_default="generated.png",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    scale: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=32,
            metavar="N",
            show_default="4 for 28 x 28; 1 for single pictures",
            help="Enlargement: pixels written per pixel.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    model: EncoderOrDecoder = None,
    device: OnnxDevice = None,
) -> None:
    """Generate images: a grid of styles and classes, one class, a walk through the latent space.

    Without arguments it generates the article's grid: a row is one style,
    sampled from the prior, and a column one class.
    """
    device, seed = device or "auto", seed or 0
    given = {name for name in _MAY_BE_USELESS if is_typed(ctx, name)}
    request = Request(class_name, count, seed, style_from, interpolate, seeds, vary, frames or _steps(out))
    _refuse_what_cannot_act(request, given)
    outputs = _claimed(out, request, force=force)
    from aaecli.serve import album
    from aaecli.serve.discovery import find_decoder
    from aaecli.serve.session import open_decoder
    from aaecli.serve.walks import generate as generate_sheet

    target = out or str(_DEFAULT_OUT)
    decoder = open_decoder(find_decoder(model), device)
    if not quiet:
        say_which_model(decoder, model, device=device, warn_only=as_json)
    sheet, classes = generate_sheet(decoder, request)
    if vary and style_from is None and class_name is None and classes and not quiet:
        say(f"Generated as {for_terminal(classes[0])}: --digit names another class.")
    side = scale or album.default_scale(*sheet.images.shape[2:4])
    if target == "-":
        sys.stdout.buffer.write(album.png(sheet, side))
        return
    if _is_folder(target):
        files = {Path(target, name): body for name, body in album.singles(sheet, scale or 1)}
        for path in files:
            outputs.claim(path, is_picture)
        for path, body in files.items():
            outputs.write(path, body, sync=False)
    else:
        encode = album.gif if target.lower().endswith(".gif") else album.png
        outputs.write(Path(target), encode(sheet, side))
    if as_json:
        print_json({"out": target, "num_images": sheet.num_images, "classes": classes, "seed": seed})
        return
    if sys.stdout.isatty() and not quiet:
        _show(sheet)
    put(target)


def _steps(out: str | None) -> int:
    """Give how many images a walk has: more where they become frames or files."""
    return 24 if out and out != "-" and (out.lower().endswith(".gif") or _is_folder(out)) else 9


def _refuse_what_cannot_act(request: Request, given: set[str]) -> None:
    """A setting that changes nothing in what is drawn is an error, never silently ignored."""
    walks = [
        name
        for name, chosen in (
            ("--interpolate", request.interpolate is not None),
            ("--seeds", request.seeds is not None),
            ("--vary", request.vary),
        )
        if chosen
    ]
    if len(walks) > 1:
        raise typer.BadParameter(f"{walks[0]} and {walks[1]} are two walks: choose one.")
    what = walks[0] if walks else "--style-from" if request.style_from is not None else "the grid"
    useless = []
    if request.style_from is not None and what in ("--interpolate", "--seeds"):
        useless.append("--style-from")
    if "count" in given and what != "the grid":
        useless.append("--count")
    takes_no_seed = what == "--seeds" or request.style_from is not None
    if "seed" in given and takes_no_seed:
        useless.append("--seed")
    if "frames" in given and not walks:
        useless.append("--frames")
    if useless:
        raise typer.BadParameter(f"{useless[0]} changes nothing with {what}: leave it out.")


def _claimed(out: str | None, request: Request, *, force: bool) -> Outputs:
    """Check where the drawing goes before a model is opened."""
    target = out or str(_DEFAULT_OUT)
    if target == "-" and sys.stdout.isatty():
        raise AaeError(
            "--out - would write a PNG into the terminal.", "Pipe it on: `aaecli generate --out - > digits.png`."
        )
    read = [name for name in (request.style_from, *(request.interpolate or ())) if name is not None and is_file(name)]
    outputs = Outputs(force=force, inputs=[Path(name) for name in read])
    if target == "-":
        return outputs
    if _is_folder(target):
        outputs.check(Path(target, "x.png"), is_picture)
    elif target.lower().endswith((".gif", ".png")):
        outputs.claim(Path(target), None if out else is_picture)
    else:
        raise AaeError(f"--out {target}: only .png and .gif are written.", "A name without a suffix is a folder.")
    return outputs


def _is_folder(target: str) -> bool:
    return target.endswith("/") or is_folder(target) or not Path(target).suffix


def _show(sheet: Sheet) -> None:
    import shutil

    from aaecli.serve.album import tile
    from aaecli.terminal.drawing import draw

    columns = shutil.get_terminal_size().columns
    lines = draw(tile(sheet.images), columns, colour=has_colour(sys.stdout), blocks=has_blocks(sys.stdout))
    sys.stdout.write("\n".join(lines) + "\n")
