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
from aaecli.cli.options.output import Force, Novelty, Quiet, Threshold, TopK
from aaecli.cli.options.pictures import PICTURES, FilesFrom, Invert, OnlyResize, Recursive
from aaecli.terminal.batch_messages import BatchMessages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aaecli.serve import session
    from aaecli.serve.classify import Answer, Failure
    from aaecli.serve.kept_inputs import InputKeeper

app = typer.Typer(add_completion=False)


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli classify digit.png               a scan, a drawing, a photo\n\n"
        "  aaecli classify photo.jpg --show        shows the preprocessed input\n\n"
        "  aaecli classify scans/ --recursive --csv > answers.csv\n\n"
        "  aaecli classify *.png --top-k 3 --threshold 0.9 --json\n\n"
        "  aaecli classify scans/ --novelty --csv > answers.csv\n\n"
        "  find . -name '*.png' | aaecli classify --files-from -\n\n"
        "Pictures that cannot be read are named on stderr, the first 200 of them. The others are answered, and the "
        "exit code is 1."
    )
)
def classify(
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="IMAGE...", help="Pictures, folders, patterns such as 'scans/*.png', or - for stdin."),
    ] = None,
    recursive: Recursive = False,
    files_from: FilesFrom = None,
    invert: Invert = None,
    no_normalise: OnlyResize = False,
    save_input: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Save the preprocessed input of each picture as a PNG file in DIR.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    top_k: TopK = 1,
    threshold: Threshold = 0.0,
    novelty: Novelty = False,
    show: Annotated[
        bool, typer.Option("--show", help="Show the preprocessed input beside the answer.", rich_help_panel=OUTPUT)
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per picture, one per line.", rich_help_panel=OUTPUT)
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.", rich_help_panel=OUTPUT)] = False,
    force: Force = False,
    quiet: Quiet = False,
    model: Encoder = None,
    device: OnnxDevice = None,
) -> None:
    """Classify pictures: files, folders, patterns or stdin.

    A picture may be a photo, a scan or a drawing, dark on light or light on
    dark, of any size. It is preprocessed into the form of the training images.
    A warning marks pictures that do not look like a single digit. Where an
    answer is wrong, check the preprocessed input first: --show.
    """
    device = device or "auto"
    if not images and files_from is None:
        raise typer.BadParameter("Name at least one picture, a folder, or - for stdin.", param_hint="IMAGE...")
    if as_json and as_csv:
        raise typer.BadParameter("Choose one of --json and --csv.")

    keeper = None
    if save_input:
        from aaecli.serve.kept_inputs import InputKeeper

        keeper = InputKeeper(save_input, images or [], force=force, has_list=files_from is not None)
    from aaecli.data.naming.files import find
    from aaecli.data.naming.name_lists import names_from
    from aaecli.files.opening import is_file

    sources = find(images or [], recursive=recursive)
    if files_from is not None:
        from itertools import chain

        sources = chain(sources, names_from(files_from))
    # Nothing here multiplies matrices in numpy, and its threads would cost start-up time and forbid forking.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from aaecli.serve.pipeline import Request, answers

    def tell(encoder: session.Encoder) -> None:
        from aaecli.cli.which_model import say_which_model

        say_which_model(encoder, model, device=device, warn_only=as_json or as_csv)

    request = Request(
        model=model,
        device=device,
        invert=invert,
        normalise=not no_normalise,
        top_k=top_k,
        threshold=threshold,
        novelty=novelty,
        on_model=None if quiet else tell,
    )
    writer = Writer("json" if as_json else "csv" if as_csv else "lines", top_k, show=show, novelty=novelty)
    counts = sys.stderr.isatty() and not quiet and not sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    total = None
    if counts and (files_from is None or is_file(files_from)):
        # A pipe may give its names one by one, and wait for each answer.
        known = list(sources)
        sources, total = iter(known), len(known)
    with BatchMessages() as messages, Counter(shown=counts, total=total) as counter:
        _write(answers(sources, request), writer, counter, messages, keeper, warns=not quiet and not show)
    if messages.num_errors:
        raise typer.Exit(1)


def _write(
    answers: Iterable[Answer | Failure],
    writer: Writer,
    counter: Counter,
    messages: BatchMessages,
    keeper: InputKeeper | None,
    *,
    warns: bool,
) -> None:
    """Write each answer, warn and report."""
    from aaecli.serve.classify import Failure

    for answer in answers:
        counter.count()
        if isinstance(answer, Failure):
            counter.clear()
            messages.error(answer.error)
            continue
        writer.write(answer)
        if keeper:
            keeper.keep(answer)
        if answer.warnings and warns:
            counter.clear()
            messages.warning(f"{answer.image}: {'; '.join(answer.warnings)}.")
