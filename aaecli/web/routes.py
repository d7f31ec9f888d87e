"""The table of routes, and how an entry of it becomes a route: one place for limits, refusals and what is counted."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from aaecli.errors import AaeError
from aaecli.web import wire, wire_v2
from aaecli.web.engine import Busy
from aaecli.web.requests import Refusal, read_body, read_json, read_query

if TYPE_CHECKING:
    from aaecli.web.service import Service

JSON = "application/json"
TEMPLATE = "aaecli.template"
"""Key of the scope under which a request's route is found: what stands in logs and counters instead of its path."""
MODEL = "aaecli.model"
"""Key of the scope for the model that it asked."""
MAX_DIGITS = 9
"""Digits that a number in a path has at most."""
_SMALL = 64 * 2**10


class _NumberConvertor(IntegerConvertor):
    """A number in a path, ``{index:number}``; starlette's own fails where Python reads no number of so many digits."""

    regex = f"[0-9]{{1,{MAX_DIGITS}}}"


register_url_convertor("number", _NumberConvertor())


@dataclass
class Call:
    """A request, ready for its handler.

    Attributes:
        service: What the server has.
        request: The request itself, for its headers.
        path: The variable parts of the path.
        query: As the entry's ``query`` says.
        body: The bytes that came; empty without a body.
        json: The body as the entry's ``request`` says, where it came as JSON.
    """

    service: Service
    request: Request
    path: dict[str, Any]
    query: Any
    body: bytes
    json: Any


Handler = Callable[[Call], Awaitable[msgspec.Struct | Response]]


@dataclass(frozen=True)
class Endpoint:
    """One entry of the table.

    Attributes:
        method: GET, POST or PUT.
        path: As starlette writes it, with its variable parts in braces.
        handler: What answers.
        summary: One line for /docs.
        answer: Type of the JSON that it answers with, or a media type.
        request: Type of the JSON that it reads; None where it reads none.
        query: Type of the query.
        takes_bytes: Reads any body, as it is, where it is not sent as JSON.
        takes_tensors: Leaves reading the body to the handler, JSON or not.
        is_work: Takes a share of the model's time, so that only so many may wait.
        is_open: Answers without a token.
        is_large: The body may have the size that pictures may have.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    answer: Any
    request: Any = None
    query: Any = None
    takes_bytes: bool = False
    takes_tensors: bool = False
    is_work: bool = False
    is_open: bool = False
    is_large: bool = False

    @property
    def is_v2(self) -> bool:
        """Whether it is one of the Open Inference Protocol, whose errors have a form of their own."""
        return self.path.startswith("/v2")


def to_route(endpoint: Endpoint, service: Service) -> Route:
    """Make the route of an entry."""

    async def answer(request: Request) -> Response:
        request.scope[TEMPLATE] = endpoint.path
        try:
            reply = await _handled(endpoint, service, request)
        except Refusal as refusal:
            return refused(request.url.path, refusal.status, refusal.message, refusal.hint)
        except AaeError as error:
            return refused(request.url.path, 400, error.message, error.hint)
        except Busy:
            return refused(request.url.path, 503, "The queue is full.", "Send it again a little later.")
        except ClientDisconnect:
            return Response(status_code=408)  # read by nobody
        if isinstance(reply, Response):
            return reply
        return Response(msgspec.json.encode(reply), media_type=JSON)

    return Route(endpoint.path, answer, methods=[endpoint.method])


async def _handled(endpoint: Endpoint, service: Service, request: Request) -> msgspec.Struct | Response:
    query = read_query(request, endpoint.query or wire.Strict)
    reads = endpoint.request is not None or endpoint.takes_bytes or endpoint.takes_tensors
    limit = (service.max_body if endpoint.is_large else _SMALL) if reads else 0
    with service.memory.holding() as parts:
        body = await read_body(request, parts, service.memory, limit)
        is_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON
        call = Call(service, request, dict(request.path_params), query, body, None)
        if reads and not endpoint.takes_tensors:
            if endpoint.request is not None and is_json:
                call.json = read_json(body, endpoint.request)
            elif not endpoint.takes_bytes:
                raise Refusal(415, f"This route reads {JSON}.", f"Send it with the header Content-Type: {JSON}.")
        admitted = service.admitted() if endpoint.is_work else nullcontext()
        with admitted:
            start = time.perf_counter()
            reply = await endpoint.handler(call)
            if endpoint.is_work:
                service.metrics.worked(endpoint.path, time.perf_counter() - start)
            return reply


def refused(path: str, status: int, message: str, hint: str = "", headers: dict[str, str] | None = None) -> Response:
    """Give the answer that refuses a request, in the form of the interface that its path belongs to."""
    fault: msgspec.Struct = wire.Fault(message, hint)
    if path.startswith("/v2"):
        fault = wire_v2.V2Fault(f"{message} {hint}".strip())
    more = {"Retry-After": "1"} if status == 503 else {}
    return Response(msgspec.json.encode(fault), status, {**more, **(headers or {})}, JSON)


async def not_routed(request: Request, error: Exception) -> Response:
    """Answer where no route fits: 404, or 405 with the methods that there are."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    message = {404: "There is nothing here.", 405: f"{request.method} is not a method of this route."}
    return refused(request.url.path, status, message.get(status, "The request is refused."), "See /docs.", headers)
