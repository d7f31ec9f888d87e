"""Who may ask what: the name that the server is called by, pages of other origins, the token; and what goes out."""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aaecli.web.routes import refused

LOOPBACK = frozenset(["127.0.0.1", "localhost", "[::1]"])
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_ENCODED = tuple((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
_SAFE = frozenset(["GET", "HEAD"])
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")


@dataclass(frozen=True)
class Rules:
    """What the guard goes by.

    Attributes:
        hosts: Names that the server may be called by, in lower case, without port.
        any_address: Whether any IP address is one too: for a server that others reach. A page that made its own name
            point here (DNS rebinding) still sends that name.
        token: What has to be shown; empty where nothing has to be.
        open_paths: Paths that answer without it.
        port: Its own port, which keeps the cookies of two servers apart.
    """

    hosts: frozenset[str] = LOOPBACK
    any_address: bool = False
    token: str = ""
    open_paths: frozenset[str] = frozenset()
    port: int = 0

    @property
    def cookie(self) -> str:
        """Name of the cookie that keeps the token."""
        return f"aaecli-{self.port}"


def new_token() -> str:
    """Make a token of 128 bits."""
    return secrets.token_urlsafe(16)


class Guard:
    """Stands before everything else, and puts the headers on everything that goes out.

    Args:
        app: What answers those that may ask.
        rules: Who may.
    """

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in _ENCODED if pair[0] not in own)]
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers, path, method = Headers(scope=scope), str(scope["path"]), str(scope["method"])
        if not self._is_own_name(headers.getlist("host")):
            return refused(
                path, 400, "The server is not called by this name.", "Allow it with --allow-host NAME if it is yours."
            )
        if _is_foreign(headers, method, str(scope["scheme"])):
            return refused(path, 403, "A page of another origin may ask nothing here.", "Open the page of this server.")
        if not self._rules.token or path in self._rules.open_paths:
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        shown = [value for name, value in query if name == "token"]
        if shown and method in _SAFE and self._is_token(shown[0]):
            return self._remember(scope, query)
        if self._is_token(_bearer(headers)) or self._is_token(self._kept(headers)):
            return None
        return refused(
            path,
            401,
            "The server wants its token.",
            "Open the address that it printed, or send Authorization: Bearer TOKEN.",
            {"WWW-Authenticate": "Bearer"},
        )

    def _is_own_name(self, hosts: list[str]) -> bool:
        match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if match is None:
            return False
        name = match[1].lower()
        return name in self._rules.hosts or (self._rules.any_address and _is_address(name))

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self._rules.token.encode())

    def _kept(self, headers: Headers) -> str:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return ""
        return cookies[self._rules.cookie].value if self._rules.cookie in cookies else ""

    def _remember(self, scope: Scope, query: list[tuple[str, str]]) -> Response:
        """Keep the token as a cookie, and send the browser to the address without it."""
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        # The path is the server's own, and two slashes at its beginning would lead elsewhere.
        target = "/" + scope["path"].lstrip("/\\") + (f"?{rest}" if rest else "")
        response = RedirectResponse(target, 303)
        secure = scope["scheme"] == "https"
        response.set_cookie(self._rules.cookie, self._rules.token, httponly=True, samesite="strict", secure=secure)
        return response


def _is_foreign(headers: Headers, method: str, scheme: str) -> bool:
    """Tell whether a browser says that the request comes from another origin's page.

    That holds for every method. Only a link may lead here from elsewhere.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        is_link = method in _SAFE and headers.get("sec-fetch-mode") == "navigate"
        return site not in ("same-origin", "none") and not is_link
    origin = headers.get("origin")
    return origin is not None and origin.lower() != f"{scheme}://{headers['host'].lower()}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _bearer(headers: Headers) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
