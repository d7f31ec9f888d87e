"""The table of all routes, and the application made of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import cache, partial
from importlib import resources

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aaecli.web import openapi, v1, v2, wire, wire_v2
from aaecli.web.examples import Load
from aaecli.web.guard import Guard, Rules
from aaecli.web.labels import LABELLING
from aaecli.web.metrics import MEDIA_TYPE
from aaecli.web.routes import JSON, MODEL, TEMPLATE, Call, Endpoint, not_routed, to_route
from aaecli.web.service import Service

Log = Callable[[str], None]


async def _metrics(call: Call) -> Response:
    return Response(call.service.metrics.text(), media_type=MEDIA_TYPE)


HEALTH = (
    Endpoint("GET", "/v2/health/live", v2.health, "Whether the server answers.", None, is_open=True),
    Endpoint("GET", "/v2/health/ready", v2.health, "Whether it is ready.", None, is_open=True),
)
_V1 = (
    Endpoint(
        "POST",
        "/api/v1/classify",
        v1.classify_pictures,
        "Read a picture, or several.",
        wire.Answers,
        request=wire.Images,
        query=wire.ClassifyQuery,
        takes_bytes=True,
        is_work=True,
        is_large=True,
    ),
    Endpoint(
        "POST",
        "/api/v1/inspect",
        v1.inspect_picture,
        "Say everything about a picture: what the model saw, its style, that style in every class.",
        wire.Inspection,
        query=wire.ClassifyQuery,
        takes_bytes=True,
        is_work=True,
        is_large=True,
    ),
    Endpoint(
        "POST", "/api/v1/draw", v1.draw, "Draw styles.", v1.PNG, request=wire.DrawRequest, is_work=True, is_large=True
    ),
    Endpoint(
        "GET", "/api/v1/sample", v1.sample, "Draw from the style prior.", v1.PNG, query=wire.SampleQuery, is_work=True
    ),
    Endpoint(
        "POST",
        "/api/v1/plane",
        v1.style_plane,
        "Find the plane through a style on which the drawing changes most.",
        wire.Plane,
        request=wire.PlaneRequest,
        is_work=True,
    ),
    Endpoint("GET", "/api/v1/model", v1.describe, "Say what is served.", wire.Model),
    Endpoint("GET", "/api/v1/examples", v1.examples, "List the examples that are encoded.", wire.Dots),
    Endpoint("GET", "/api/v1/examples/{index:number}.png", v1.example, "Show an example.", v1.PNG),
)
_MODEL_PATHS = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
_V2 = (
    Endpoint("GET", "/v2", v2.server, "Describe the server.", wire_v2.ServerMetadata),
    *(
        entry
        for path in _MODEL_PATHS
        for entry in (
            Endpoint("GET", path, v2.model, "Describe a model.", wire_v2.ModelMetadata),
            Endpoint("GET", f"{path}/ready", v2.model_ready, "Whether there is that model.", None),
            Endpoint("GET", f"{path}/config", v2.config, "Give a model's configuration.", wire_v2.ModelConfig),
            Endpoint("GET", f"{path}/stats", v2.stats, "Say how much a model has done.", wire_v2.ModelStats),
            Endpoint(
                "POST",
                f"{path}/infer",
                v2.infer,
                "Run a model on tensors.",
                wire_v2.InferResponse,
                request=wire_v2.InferRequest,
                takes_tensors=True,
                is_work=True,
                is_large=True,
            ),
        )
    ),
)
METRICS = Endpoint("GET", "/metrics", _metrics, "What Prometheus collects.", "text/plain")
OF_A_MODEL = (*_V1, *_V2, *HEALTH, METRICS)
OF_QUESTIONS = (*LABELLING, *HEALTH, METRICS)
_MEDIA = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def build(service: Service, rules: Rules, *, load: Load | None = None, log: Log | None = None) -> ASGIApp:
    """Make the application.

    Args:
        service: What it serves.
        rules: Who may ask.
        load: Gives the examples; None for none.
        log: Is given a line for each request.
    """
    endpoints = OF_A_MODEL if service.serving is not None else OF_QUESTIONS

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        serving = service.serving
        filling = None
        if serving is not None:
            serving.engine.start()
            filling = asyncio.create_task(serving.examples.fill(serving.engine, load))
        try:
            yield
        finally:
            if serving is not None and filling is not None:
                filling.cancel()
                await asyncio.to_thread(serving.engine.close)
                await asyncio.gather(filling, return_exceptions=True)
                await asyncio.to_thread(serving.preparing.close)

    app = Starlette(
        routes=[*(to_route(entry, service) for entry in endpoints), *_pages(endpoints, service.serving is not None)],
        lifespan=lifespan,
        exception_handlers={HTTPException: not_routed},
    )
    app.router.redirect_slashes = False
    return _Counted(Guard(app, rules), service, log)


def open_paths() -> frozenset[str]:
    """Give the paths that answer without a token."""
    return frozenset(entry.path for entry in HEALTH if entry.is_open)


def _pages(endpoints: Sequence[Endpoint], has_model: bool) -> list[BaseRoute]:
    """Give what is read by people. The files are a table made at the start: no request names one."""
    files = {
        entry.name: (entry.read_bytes(), _MEDIA["." + entry.name.rpartition(".")[2]])
        for entry in resources.files("aaecli.web").joinpath("static").iterdir()
        if "." + entry.name.rpartition(".")[2] in _MEDIA
    }
    first = files.pop("index.html"), files.pop("label.html")
    pages = {f"/static/{name}": file for name, file in files.items()}
    pages["/" if has_model else "/label"] = first[0 if has_model else 1]
    making: dict[str, Callable[[], Response]] = {
        path: partial(Response, body, media_type=kind) for path, (body, kind) in pages.items()
    }
    # Made when they are first asked for: the types of all routes take 5 ms of a start.
    making["/docs"] = lambda: Response(openapi.page(endpoints), media_type="text/html")
    making["/openapi.json"] = lambda: Response(msgspec.json.encode(openapi.describe(endpoints)), media_type=JSON)
    if not has_model:
        making["/"] = partial(RedirectResponse, "/label", 303)
    return [Route(path, _giving(path, cache(make)), methods=["GET"]) for path, make in making.items()]


def _giving(path: str, make: Callable[[], Response]) -> Callable[[Request], Awaitable[Response]]:
    async def give(request: Request) -> Response:
        request.scope[TEMPLATE] = path
        return make()

    return give


class _Counted:
    """Counts and logs every answer, those of the guard too: the route's template, never what a client wrote."""

    def __init__(self, app: ASGIApp, service: Service, log: Log | None) -> None:
        self._app = app
        self._service = service
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "PUT") else "other"
                route = scope.get(TEMPLATE, "none")
                self._service.metrics.answered(method, route, message["status"])
                if self._log is not None:
                    route = route.replace("{model}", scope.get(MODEL, "{model}"))
                    self._log(f"{method} {route} {message['status']} {1000 * (time.perf_counter() - start):.1f} ms")
            await send(message)

        await self._app(scope, receive, counted)
