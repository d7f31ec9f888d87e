"""A request on its way to a handler: its body within bounds, its query and path as types, its refusal as JSON."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

_T = TypeVar("_T")
MAX_HELD = 256 * 2**20
"""Bytes of bodies that are held in memory at once, of all requests together."""


class Refusal(Exception):  # noqa: N818  an answer, and no failure of the server
    """A request is answered with an error.

    Args:
        status: Code of HTTP.
        message: One sentence that says what is wrong.
        hint: What to do about it.
    """

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.hint = hint


@dataclass
class Memory:
    """How many bytes of bodies are held."""

    held: int = 0

    @contextlib.contextmanager
    def holding(self) -> Iterator[list[bytes]]:
        """Give a list for the parts of one body; they are forgotten when the block ends."""
        parts: list[bytes] = []
        try:
            yield parts
        finally:
            self.held -= sum(map(len, parts))


async def read_body(request: Request, parts: list[bytes], memory: Memory, limit: int) -> bytes:
    """Read a body, counted while it comes in, whatever its header claims.

    Args:
        request: Whose.
        parts: From ``memory.holding``.
        memory: What all requests hold together.
        limit: Most bytes.

    Raises:
        Refusal: It is too large (413), compressed (415), or the server holds too much already (503).
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refusal(415, "A compressed body is not read.", "Send it without Content-Encoding.")
    size = 0
    too_large = Refusal(413, f"The body is larger than {limit:,} bytes.", "Send less at once.")
    claimed = request.headers.get("content-length", "")
    if claimed.isdecimal() and int(claimed[:20]) > limit:
        raise too_large
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_large
        if memory.held + len(part) > MAX_HELD:
            raise Refusal(503, "The server holds as many requests as it may.", "Send it again a little later.")
        memory.held += len(part)
        parts.append(part)
    return b"".join(parts)


def read_json(body: bytes, kind: type[_T]) -> _T:
    """Check a JSON text against a type.

    Raises:
        Refusal: It is no JSON, or not of that form.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"The body is not what this route reads: {error}.", "See /docs.") from error


def read_query(request: Request, kind: type[_T]) -> _T:
    """Check a query against a type.

    Raises:
        Refusal: It names something twice, something that there is not, or a value that does not fit.
    """
    pairs = request.query_params.multi_items()
    query: dict[str, Any] = dict(pairs)
    if len(query) < len(pairs):
        raise Refusal(400, "The query names something twice.", "Name it once.")
    try:
        return msgspec.convert(query, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refusal(400, f"The query is not what this route reads: {error}.", "See /docs.") from error
