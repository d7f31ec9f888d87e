"""``aaecli serve``: the model behind HTTP, with a page to draw on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aaecli.cli.options import MODEL, OUTPUT
from aaecli.cli.options.device import OnnxDevice
from aaecli.cli.options.onnx_model import Encoder
from aaecli.cli.options.output import AsJson, Quiet
from aaecli.cli.web_server import MAX_TOKEN, announce, check_pem, needs_extra, read_token
from aaecli.errors import AaeError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from aaecli.serve import session

app = typer.Typer(add_completion=False)

_ADDRESS = "Address"
_LIMITS = "Limits"
_NUM_EXAMPLES = 1500


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli serve                             opens the page in the browser\n\n"
        "  aaecli serve --model exports/ --port 0 --no-browser --json\n\n"
        "  aaecli serve --host 0.0.0.0              for other machines, with a token\n\n"
        "A program posts a picture to /api/v1/classify; /docs has the routes, with examples for curl. "
        "Clients of Triton and KServe speak to it too (Open Inference Protocol)."
    )
)
def serve(
    model: Encoder = None,
    device: OnnxDevice = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Images to show on the style map: a data set, as for aaecli train --data.",
            show_default="MNIST's validation images, if the model was trained on MNIST",
            rich_help_panel=MODEL,
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="HOST", help="Address to listen on; beyond this machine it wants a token.", rich_help_panel=_ADDRESS
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, metavar="PORT", help="Port; 0 for any that is free.", rich_help_panel=_ADDRESS),
    ] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another name that the server may be called by.", rich_help_panel=_ADDRESS),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"File with the token, {MAX_TOKEN} characters at most; AAECLI_TOKEN is one too.",
            show_default="a new one",
            rich_help_panel=_ADDRESS,
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificate (PEM), for HTTPS.", rich_help_panel=_ADDRESS)
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its key (PEM).", rich_help_panel=_ADDRESS)
    ] = None,
    max_batch: Annotated[
        int,
        typer.Option(
            min=1, max=4096, metavar="N", help="Most images that are computed together.", rich_help_panel=_LIMITS
        ),
    ] = 64,
    queue: Annotated[
        int,
        typer.Option(
            min=1,
            max=10_000,
            metavar="N",
            help="Most requests at once; more get status 503.",
            rich_help_panel=_LIMITS,
        ),
    ] = 256,
    max_body: Annotated[
        int, typer.Option(min=1, max=128, metavar="MIB", help="Largest body of a request.", rich_help_panel=_LIMITS)
    ] = 32,
    browser: Annotated[
        bool,
        typer.Option("--browser/--no-browser", help="Open the page, where there is a screen.", rich_help_panel=OUTPUT),
    ] = True,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Answer over HTTP: a page to draw on, and an interface for programs.

    The page classifies what is drawn or dropped on it, generates it in every
    class, and has a map of the styles. It contacts no other server. Ctrl-C
    ends the server.
    """
    device = device or "auto"
    if (tls_cert is None) != (tls_key is None):
        raise typer.BadParameter("--tls-cert and --tls-key go together.")
    # Nothing here multiplies matrices in numpy, and its threads would forbid forking.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    token = read_token(token_file)
    with needs_extra():
        from aaecli.web import app as web_app
        from aaecli.web.engine import Engine
        from aaecli.web.examples import Examples
        from aaecli.web.metrics import Metrics
        from aaecli.web.preparing import Preparing
        from aaecli.web.server import Address, make_server
        from aaecli.web.service import Service, Serving
    from aaecli.cli.which_model import say_which_model
    from aaecli.serve.discovery import find_encoder
    from aaecli.terminal import console

    if examples is not None:
        from aaecli.data.loading import reader_of

        # They are loaded when the page wants them, and a slip is to be told of now.
        reader_of(examples)
    check_pem(tls_cert, "certificate")
    check_pem(tls_key, "key")
    address = Address(host, port, tuple(allow_host or ()), tls_cert, tls_key)
    listener = address.bind()
    try:
        own_port = int(listener.getsockname()[1])
        rules = address.rules(own_port, token, always=False)
        path = find_encoder(model)
        # Before the model, which may start threads.
        preparing = Preparing()
        engine = Engine(path, device, max_batch, queue)
        encoder = engine.first.encoder
        if not quiet:
            say_which_model(encoder, model, device=device, warn_only=False)
        service = Service(Metrics(engine), max_body * 2**20, Serving(engine, preparing, Examples()))
        log = None if quiet else console.say
        made = web_app.build(service, rules, load=_examples(encoder, examples), log=log)
        ready = announce(address, own_port, rules.token, "/", opens=browser, as_json=as_json)
        make_server(made, address, capacity=queue, on_ready=ready).run([listener])
    finally:
        listener.close()


def _examples(encoder: session.Encoder, named: Path | None) -> Callable[[], tuple[NDArray[np.uint8], list[str]]] | None:
    """Say how the examples are loaded, when the page first wants them; None where there are none."""
    metadata = encoder.metadata
    if named is None and not metadata.on_embedded:
        return None

    def read() -> tuple[NDArray[np.uint8], list[str]]:
        import numpy as np

        from aaecli.config.image import Image
        from aaecli.data.loading import load_dataset
        from aaecli.data.split import split

        channels, height, _ = metadata.image_shape
        image = Image(height, channels, "strokes" if metadata.normalise else "none")
        dataset = load_dataset("" if named is None else named, image)
        if dataset.image_shape != metadata.image_shape:
            raise AaeError(
                f"--examples {named}: its images are of another shape than the model's.",
                "Name a folder of pictures, which are brought into the model's shape.",
            )
        known = np.flatnonzero(dataset.train_label >= 0) if named else split(dataset, 0, 0).validation
        # A draw: the first ones, or the last, of a folder that is sorted by class are of one class.
        chosen = np.random.default_rng(0).permutation(known)[:_NUM_EXAMPLES]
        return dataset.train_image[chosen], [dataset.classes[label] for label in dataset.train_label[chosen].tolist()]

    def load() -> tuple[NDArray[np.uint8], list[str]]:
        import numpy as np

        from aaecli.terminal import console

        try:
            return read()
        except AaeError as error:
            console.report(error)
            return np.empty((0, *metadata.image_shape[1:]), np.uint8), []

    return load
