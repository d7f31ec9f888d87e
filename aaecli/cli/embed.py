"""``aaecli embed``: what a model finds in pictures, as numbers for other programs."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from aaecli.cli.options import MODEL, OUTPUT, is_typed
from aaecli.cli.options.device import OnnxDevice
from aaecli.cli.options.onnx_model import Encoder
from aaecli.cli.options.output import AsJson, Force, Quiet
from aaecli.cli.options.pictures import FilesFrom, Invert, OnlyResize, Recursive
from aaecli.errors import AaeError
from aaecli.terminal import console
from aaecli.terminal.batch_messages import BatchMessages
from aaecli.text import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from aaecli.data.preprocessing.prepare import Batch
    from aaecli.files.outputs import Outputs
    from aaecli.serve.embedding import Columns, Encode
    from aaecli.serve.pipeline import Request

app = typer.Typer(add_completion=False)
_ENDINGS = (".npy", ".csv", ".parquet")


class _Opened(NamedTuple):
    """A model of either kind with the pictures that it reads; see ``serve.embedding.embed``."""

    prepared: Iterable[Batch]
    encode: Encode
    classes: tuple[str, ...]
    threshold: float | None


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli embed scans/ --out scans.csv\n\n"
        "  aaecli embed scans/ --recursive --out scans.parquet\n\n"
        "  aaecli embed 'scans/*.png' --features model.pt --out scans.npy\n\n"
        "In Python: numpy.load('scans.npy')\\['features'] is an array, a row per picture.\n\n"
        "Pictures that cannot be read have no row, the first 200 of them are named on stderr, and the exit code is 1."
    )
)
def embed(
    ctx: typer.Context,
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="IMAGE...", help="Pictures, folders, patterns such as 'scans/*.png', or - for stdin."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="File to write: .npy, .csv or .parquet, which needs aaecli\\[bulk].",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL.pt",
            help="A checkpoint, which takes the place of --model: write the features of its encoder too.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    recursive: Recursive = False,
    files_from: FilesFrom = None,
    invert: Invert = None,
    no_normalise: OnlyResize = False,
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    model: Encoder = None,
    device: OnnxDevice = None,
) -> None:
    """Write what a model finds in pictures: probabilities, style, novelty score, and features of a checkpoint.

    A file has a row per picture, to be plotted, clustered or searched by other
    programs. The pictures are preprocessed as by [bold]aaecli classify[/bold].
    """
    if not images and files_from is None:
        raise typer.BadParameter("Name at least one picture, a folder, or - for stdin.", param_hint="IMAGE...")
    if out is None or out.suffix.lower() not in _ENDINGS:
        raise typer.BadParameter(f"Name a file that ends in one of {', '.join(_ENDINGS)}.", param_hint="--out")
    if features is not None and is_typed(ctx, "model"):
        raise typer.BadParameter("Choose one of --model and --features.")
    from aaecli.cli.displays.classify import Counter
    from aaecli.files.outputs import Outputs

    outputs = Outputs(force=force, inputs=[path for path in (model, features) if path is not None])
    outputs.claim(out)
    if out.suffix.lower() == ".parquet":
        from aaecli.scale.embedding_file import check_parquet

        check_parquet()
    sources = _sources(images or [], recursive=recursive, files_from=files_from)
    # Nothing here multiplies matrices in numpy, and its threads would cost start-up time and forbid forking.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from aaecli.serve.pipeline import Request

    request = Request(model, device or "auto", invert, normalise=not no_normalise)

    def count(failure: AaeError | None) -> None:
        counter.count()
        if failure is not None:
            counter.clear()
            messages.error(failure)

    with BatchMessages() as messages, Counter(shown=console.is_live() and not quiet) as counter:
        columns, classes = _encoded(sources, request, features, count, quiet=quiet or as_json)
    num_read = len(columns["image"])
    if not num_read:
        raise AaeError("None of the pictures can be read, and nothing is written.", "The errors above say why.")
    _write(outputs, out, columns, classes)
    shapes = {name: 1 if isinstance(column, list) else column[0].size for name, column in columns.items()}
    if as_json:
        console.print_json({"out": str(out), "pictures": num_read, "failed": messages.num_errors, "columns": shapes})
    else:
        listed = ", ".join(name if size == 1 else f"{name} ({size})" for name, size in shapes.items())
        console.put(f"{out}: {number_of(num_read, 'picture')}, columns {listed}")
    if messages.num_errors:
        raise typer.Exit(1)


def _sources(images: list[str], *, recursive: bool, files_from: str | None) -> Iterator[str | AaeError]:
    from itertools import chain

    from aaecli.data.naming.files import find
    from aaecli.data.naming.name_lists import names_from

    return chain(find(images, recursive=recursive), names_from(files_from) if files_from is not None else ())


def _encoded(
    sources: Iterator[str | AaeError],
    request: Request,
    features: Path | None,
    count: Callable[[AaeError | None], None],
    *,
    quiet: bool,
) -> tuple[Columns, tuple[str, ...]]:
    """Encode the pictures; gives the columns, and the names of the classes."""
    from aaecli.serve.embedding import embed

    with ExitStack() as stack:
        opened = (
            _exported(sources, request, stack, quiet=quiet)
            if features is None
            else _trained(sources, request, features, stack)
        )
        return embed(*opened, count), opened.classes


def _exported(sources: Iterator[str | AaeError], request: Request, stack: ExitStack, *, quiet: bool) -> _Opened:
    from aaecli.cli.which_model import say_which_model
    from aaecli.serve.embedding import encode_onnx
    from aaecli.serve.novelty import novelty_threshold
    from aaecli.serve.pipeline import opened

    encoder, decoder, prepared = stack.enter_context(opened(sources, request))
    say_which_model(encoder, request.model, device=request.device, warn_only=quiet)
    encode = encode_onnx(encoder, decoder() if encoder.has_style else None)
    return _Opened(prepared, encode, encoder.names, novelty_threshold(encoder.metadata.novelty))


def _trained(sources: Iterator[str | AaeError], request: Request, path: Path, stack: ExitStack) -> _Opened:
    from itertools import chain, islice

    from aaecli.data.preprocessing.prepare import Recipe, prepare_chunk
    from aaecli.data.workers import workers
    from aaecli.serve.embedding import Codes
    from aaecli.serve.novelty import novelty_threshold
    from aaecli.serve.pipeline import MANY

    first = list(islice(sources, MANY))
    # Before torch, which starts threads.
    pool = stack.enter_context(workers()) if len(first) == MANY else None
    from aaecli.checkpoint.file import load_model
    from aaecli.evaluation.predict import encode_features

    model = load_model(path)
    channels, *shape = model.image_shape
    normalise = model.config.image.has_strokes and request.normalise
    recipe = Recipe((shape[0], shape[1]), request.invert, normalise=normalise, channels=channels)
    scale = model.summary.get("novelty") or {"quantile": (), "reconstruction_error": ()}
    threshold = novelty_threshold(tuple(zip(scale["quantile"], scale["reconstruction_error"], strict=True)))

    def encode(images: NDArray[np.uint8]) -> Codes:
        found = encode_features(model, images, request.device)
        error = found.reconstruction_error
        return Codes(found.label_prob, found.style, found.features, None if error is None else error.astype("float64"))

    if pool is None:
        prepared: Iterable[Batch] = (prepare_chunk([source], recipe) for source in first)
    else:
        prepared = pool.run(chain(first, sources), recipe)
    return _Opened(prepared, encode, model.classes, threshold)


def _write(outputs: Outputs, out: Path, columns: Columns, classes: tuple[str, ...]) -> None:
    from aaecli.serve.embedding import encode_csv, encode_npy

    if out.suffix.lower() == ".csv":
        outputs.write(out, encode_csv(columns, classes))
    elif out.suffix.lower() == ".npy":
        outputs.write(out, encode_npy(columns))
    else:
        from aaecli.scale.embedding_file import write_parquet

        with outputs.replacing(out) as temporary:
            write_parquet(temporary, columns, classes)
