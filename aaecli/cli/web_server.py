"""What ``serve`` and ``label --web`` share: the extra that they need, the token, and saying where the page is."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aaecli.errors import AaeError
from aaecli.suggestions import suggest

if TYPE_CHECKING:
    from aaecli.web.server import Address

MAX_TOKEN = 200
_TOKEN = re.compile(rf"[A-Za-z0-9_.~-]{{8,{MAX_TOKEN}}}")
_MAX_PEM = 2**20
_PACKAGES = ("starlette", "uvicorn", "msgspec", "prometheus-client")
_MODULES = frozenset(["starlette", "uvicorn", "msgspec", "prometheus_client", "anyio", "h11"])


@contextmanager
def needs_extra() -> Iterator[None]:
    """Say which pip command brings what is missing.

    Raises:
        AaeError: A package of the extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in _MODULES:
            raise
        raise AaeError(
            f"The server needs {module}, which is not installed.",
            f"Install what it needs: `{suggest('python', '-m', 'pip', 'install', *_PACKAGES)}`.",
        ) from error


def read_token(path: Path | None) -> str | None:
    """Read the token from a file, else from ``AAECLI_TOKEN``; None where there is neither.

    Raises:
        AaeError: It is empty, too long, or of letters that no header may have.
    """
    from aaecli.files.opening import read_text

    if path is None and "AAECLI_TOKEN" not in os.environ:
        return None
    source = "AAECLI_TOKEN" if path is None else str(path)
    token = os.environ["AAECLI_TOKEN"] if path is None else read_text(path, 4 * MAX_TOKEN, "token").strip()
    if not _TOKEN.fullmatch(token):
        raise AaeError(
            f"{source} holds no token: 8 to {MAX_TOKEN} letters, digits and -_.~ of ASCII.",
            "Make one: `python -c 'import secrets; print(secrets.token_urlsafe(16))'`.",
        )
    return token


def check_pem(path: Path | None, what: str) -> None:
    """See that OpenSSL, which waits for a pipe and reads a device without end, gets a file of bounded size.

    Raises:
        AaeError: It is none.
    """
    from aaecli.files.opening import read_bytes

    if path is not None:
        read_bytes(path, _MAX_PEM, what, "Name PEM files with --tls-cert and --tls-key.")


def announce(address: Address, port: int, token: str, path: str, *, opens: bool, as_json: bool) -> Callable[[], None]:
    """Give what is called when the server is ready: it says where, and opens the page.

    Args:
        address: Where it listens.
        port: The port that it got.
        token: What the address carries; may be empty.
        path: Of the page.
        opens: Whether to open a browser, where there is a screen.
        as_json: Whether a program reads what is printed.
    """
    from aaecli.terminal import console

    url = address.url(port, token, path)

    def ready() -> None:
        if as_json:
            console.print_json({"url": url, "port": port} | ({"token": token} if token else {}))
        else:
            console.put(url)
        sys.stdout.flush()
        if not address.is_loopback and address.certificate is None:
            console.say("warning: other machines can read the traffic: there is no TLS. Name --tls-cert and --tls-key.")
        if opens and not as_json and sys.stderr.isatty() and _has_screen():
            import webbrowser

            webbrowser.open(url)

    return ready


def _has_screen() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
