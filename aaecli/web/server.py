"""The application on a socket: opened before anything slow, answered by uvicorn, ended with what is in flight."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from aaecli.errors import AaeError
from aaecli.web.app import open_paths
from aaecli.web.deadline import Deadline
from aaecli.web.guard import LOOPBACK, Rules, new_token

_BEYOND_QUEUE = 64
"""Connections that are taken besides those whose requests may wait, so that a full queue can be told of."""
_GRACE_SECONDS = 1


@dataclass(frozen=True)
class Address:
    """Where to listen, and by which names.

    Attributes:
        host: Name or address of an interface.
        port: 0 for any that is free.
        names: More names that the server may be called by.
        certificate: File with the certificate for TLS; None for none.
        key: File with its key.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def bind(self) -> socket.socket:
        """Take the port.

        Raises:
            AaeError: It is taken, or the host is none of this machine's.
        """
        listener: socket.socket | None = None
        try:
            family, kind, protocol, _, where = socket.getaddrinfo(
                self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = socket.socket(family, kind, protocol)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
        except (OSError, UnicodeError) as error:
            if listener is not None:
                listener.close()
            raise self._explain(error) from error
        return listener

    def rules(self, port: int, token: str | None, *, always: bool) -> Rules:
        """Say who may ask: with a token where others reach the server, and where ``always``.

        Args:
            port: Of the open socket.
            token: The one to want; None for a new one.
            always: A token is wanted here too, as for what writes.
        """
        own = {f"[{self.host}]" if ":" in self.host else self.host.lower(), *map(str.lower, self.names)}
        if not self.is_loopback:
            own.add(socket.gethostname().lower())
        wanted = token or (new_token() if always or not self.is_loopback else "")
        return Rules(LOOPBACK | own, not self.is_loopback, wanted, open_paths(), port)

    def url(self, port: int, token: str, path: str = "/") -> str:
        """Give the address to open in a browser."""
        host = self.host
        if host in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
            host = socket.gethostname()
        name = f"[{host}]" if ":" in host else host
        query = f"?token={token}" if token else ""
        return f"{'https' if self.certificate else 'http'}://{name}:{port}{path}{query}"

    def _explain(self, error: OSError | UnicodeError) -> AaeError:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            return AaeError(f"Port {self.port} of {self.host} is taken.", "Take any that is free: `--port 0`.")
        if getattr(error, "errno", None) == errno.EACCES:
            return AaeError(f"Port {self.port} may not be taken.", "Take one from 1024 on, or any: `--port 0`.")
        reason = getattr(error, "strerror", None) or "it is no name of a host"
        return AaeError(
            f"--host {self.host}: nothing can listen there ({reason}).", "Name an address of this machine: 127.0.0.1."
        )


def make_server(app: ASGIApp, address: Address, *, capacity: int, on_ready: Callable[[], None]) -> uvicorn.Server:
    """Make what answers on a socket: ``make_server(…).run([listener])``.

    It answers until Ctrl-C or SIGTERM; what is in flight then is still answered, for a second at most.

    Args:
        app: What answers.
        address: For TLS.
        capacity: Requests that may wait.
        on_ready: Is called when requests are answered.

    Raises:
        AaeError: Certificate or key cannot be used.
    """
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=Deadline,
        ws="none",
        lifespan="on",
        log_config=None,
        # Its warnings are of what clients send, and a client could fill stderr with them.
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=capacity + _BEYOND_QUEUE,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        h11_max_incomplete_event_size=16 * 2**10,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.key,
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        raise AaeError(
            f"{address.certificate} is no certificate that fits its key ({error.strerror or error.args[-1]}).",
            "Both are PEM files: name them with --tls-cert and --tls-key.",
        ) from error
    return _Server(config, on_ready)


class _Server(uvicorn.Server):
    """uvicorn's, which says when it is ready."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()
