"""``aaecli label --web``: the same questions on a page, and the same labels.csv."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from aaecli.cli.web_server import announce, needs_extra, read_token

if TYPE_CHECKING:
    from aaecli.cli.labelling import Row

Keep = Callable[[str, str], None]


def ask_on_page(
    folder: Path, first: Sequence[Row], choose: Callable[[], Sequence[Row]], classes: list[str], keep: Keep, port: int
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        folder: The folder of pictures.
        first: The questions to begin with.
        choose: Loads and chooses anew.
        classes: Names of the classes so far.
        keep: Is given the path of a picture and its label; both are on the disk when it returns.
        port: 0 for any that is free.

    Raises:
        AaeError: The packages of the extra are missing, or the port is taken.
    """
    with needs_extra():
        from aaecli.web import app as web_app
        from aaecli.web.labelling import Labelling
        from aaecli.web.labelling import Row as Shown
        from aaecli.web.metrics import Metrics
        from aaecli.web.server import Address, make_server
        from aaecli.web.service import Service
    from aaecli.terminal import console

    def rows(chosen: Sequence[Row]) -> list[Shown]:
        return [Shown(*entry) for entry in chosen]

    labelling = Labelling(str(folder), rows(first), classes, keep, lambda: rows(choose()))
    address = Address(port=port)
    listener = address.bind()
    try:
        own_port = int(listener.getsockname()[1])
        # The page writes into the folder: whoever else uses this machine may not.
        rules = address.rules(own_port, read_token(None), always=True)
        made = web_app.build(Service(Metrics(None), 0, labelling=labelling), rules)
        ready = announce(address, own_port, rules.token, "/label", opens=True, as_json=False)
        console.say("Answers are kept as they are given. Ctrl-C ends the page.")
        with suppress(KeyboardInterrupt):
            make_server(made, address, capacity=16, on_ready=ready).run([listener])
    finally:
        listener.close()
