"""``aaecli classify``: read pictures of digits."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aaecli.cli.displays.classify import Counter, Writer
from aaecli.cli.options import OUTPUT
from aaecli.cli.options.device import OnnxDevice
from aaecli.cli.options.onnx_model import Encoder
from aaecli.cli.options.output import Force, Quiet
from aaecli.terminal.console import report, say

if TYPE_CHECKING:
    from aaecli.serve import session

app = typer.Typer(add_completion=False)

_PICTURES = "Pictures"


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli classify digit.png               a scan, a drawing, a photo\n\n"
        "  aaecli classify photo.jpg --show        draws what the model saw\n\n"
        "  aaecli classify scans/ --recursive --csv > answers.csv\n\n"
        "  aaecli classify *.png --top-k 3 --threshold 0.9 --json\n\n"
        "  find . -name '*.png' | aaecli classify --files-from -\n\n"
        "Pictures that cannot be read are named on stderr, the others are answered, and the exit code is 1."
    )
)
def classify(
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="IMAGE...", help="Pictures, folders, patterns such as 'scans/*.png', or - for stdin."),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look into the folders of folders too.", rich_help_panel=_PICTURES)
    ] = False,
    files_from: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Read names of pictures, one a line, from FILE or from - (stdin).",
            rich_help_panel=_PICTURES,
        ),
    ] = None,
    invert: Annotated[
        bool | None,
        typer.Option(
            "--invert/--no-invert",
            help="The strokes are darker (--invert) or lighter (--no-invert) than the paper.",
            show_default="found for each picture",
            rich_help_panel=_PICTURES,
        ),
    ] = None,
    no_normalise: Annotated[
        bool,
        typer.Option(
            "--no-normalise",
            help="Only resize: the pictures are light on black, cropped and centred as the training images are.",
            rich_help_panel=_PICTURES,
        ),
    ] = False,
    save_input: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Keep what the model saw of each picture, as PNG files in DIR, a folder of their own.",
            rich_help_panel=_PICTURES,
        ),
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, help="Number of likeliest classes to name.", rich_help_panel=OUTPUT)] = 1,
    threshold: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="P", help="Answer 'unsure' below this probability.", rich_help_panel=OUTPUT),
    ] = 0.0,
    show: Annotated[
        bool, typer.Option("--show", help="Draw what the model saw beside the answer.", rich_help_panel=OUTPUT)
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a picture and line.", rich_help_panel=OUTPUT)
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.", rich_help_panel=OUTPUT)] = False,
    force: Force = False,
    quiet: Quiet = False,
    model: Encoder = None,
    device: OnnxDevice = None,
) -> None:
    """Name what pictures show: files, folders, patterns or stdin.

    A picture may be a photo, a scan or a drawing, dark on light or light on
    dark, of any size; it is brought into the form of the training images first.
    A warning says where it looks like no single digit. Where an answer is
    wrong, look at what the model saw first: --show.
    """
    device = device or "auto"
    if not images and files_from is None:
        raise typer.BadParameter("Name at least one picture, a folder, or - for stdin.", param_hint="IMAGE...")
    if as_json and as_csv:
        raise typer.BadParameter("Choose one of --json and --csv.")

    keeper = None
    if save_input:
        from aaecli.cli.kept_inputs import InputKeeper

        keeper = InputKeeper(save_input, images or [], force=force)
    from aaecli.data.naming.files import find
    from aaecli.data.naming.name_lists import names_from
    from aaecli.files.opening import is_file

    sources = find(images or [], recursive=recursive)
    if files_from is not None:
        from itertools import chain

        sources = chain(sources, names_from(files_from))
    # Nothing here multiplies matrices in numpy, and its threads would cost start-up time and forbid forking.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from aaecli.serve.classify import Failure
    from aaecli.serve.pipeline import Request, answers

    def tell(encoder: session.Encoder) -> None:
        from aaecli.cli.which_model import say_which_model

        say_which_model(encoder, model, device=device, warn_only=as_json or as_csv)

    talks = sys.stderr.isatty() and not quiet
    request = Request(
        model=model,
        device=device,
        invert=invert,
        normalise=not no_normalise,
        top_k=top_k,
        threshold=threshold,
        on_model=None if quiet else tell,
    )
    writer = Writer("json" if as_json else "csv" if as_csv else "lines", top_k, show=show)
    num_failed = 0
    counts = talks and not sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    total = None
    if counts and (files_from is None or is_file(files_from)):
        # A pipe may give its names one by one, and wait for each answer.
        known = list(sources)
        sources, total = iter(known), len(known)
    with Counter(shown=counts, total=total) as counter:
        for answer in answers(sources, request):
            counter.count()
            if isinstance(answer, Failure):
                num_failed += 1
                counter.clear()
                report(answer.error)
                continue
            writer.write(answer)
            if keeper:
                keeper.keep(answer)
            if answer.warnings and not quiet and not show:
                counter.clear()
                say(f"warning: {answer.image}: {'; '.join(answer.warnings)}.")
    if num_failed:
        raise typer.Exit(1)
