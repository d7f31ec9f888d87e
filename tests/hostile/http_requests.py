"""Requests that a stranger might send to `aaecli serve` and to the page of `aaecli label --web`."""

from __future__ import annotations

import base64
import json
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from tests.data import stubborn
from tests.hostile import byte_mutations, inputs, words

LENGTH = "Inference-Header-Content-Length"
JSON = {"Content-Type": "application/json"}
PICTURE = {"Content-Type": "image/png"}
_STYLE = [0.5, -0.5, 0.0]


@dataclass(frozen=True)
class Request:
    """A request over HTTP.

    Attributes:
        method: Such as POST.
        target: Path and query, percent-encoded.
        headers: Besides Host and Content-Length.
        body: Its body.
    """

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Make = Callable[[], Request]


def _post(target: str, table: Any) -> Request:
    body = table if isinstance(table, bytes) else json.dumps(table).encode()
    return Request("POST", target, JSON, body)


def _infer(model: str, table: Any, *parts: bytes, length: str | None = None) -> Request:
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    headers = {LENGTH: str(len(text)) if length is None else length} if parts or length is not None else {}
    return Request("POST", f"/v2/models/{model}/infer", headers, b"".join((text, *parts)))


def _tensor(name: str, shape: list[int], data: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": "FP32", **({} if data is None else {"data": data}), **more}


def _image(data: list[Any], shape: list[int] | None = None) -> dict[str, Any]:
    return {"inputs": [_tensor("image", shape or [1, 1, 28, 28], data)]}


def _encoded(*bodies: bytes) -> dict[str, Any]:
    return {
        "images": [
            {"name": f"{place}.png", "data": base64.b64encode(body).decode()} for place, body in enumerate(bodies)
        ]
    }


_PIXEL = stubborn.png(1, 1)
KINDS: dict[str, Make] = {
    "a text of megabytes among numbers": lambda: _infer("encoder", _image([0.0] * 783 + ["x" * 2_000_000])),
    "true among numbers": lambda: _infer("encoder", _image([0.0] * 783 + [True])),
    "lists of unequal lengths": lambda: _infer("encoder", _image([[0.0] * 300, [0.0] * 484])),
    "numbers nested without end": lambda: _infer(
        "encoder", b'{"inputs": [{"name": "image", "shape": [1], "datatype": "FP32", "data": ' + b"[" * 900 + b"0"
        + b"]" * 900 + b"}]}"
    ),
    "brackets without end": lambda: _infer("encoder", b"[" * 10**6),
    "numbers of thousands of digits": lambda: _infer("encoder", _image([10**4000] * 784)),
    "numbers beyond float32": lambda: _infer("encoder", _image([1e39] * 784)),
    "nothing of a long shape": lambda: _infer("encoder", _image([], [0, 2**31, 2**31, 2**31])),
    "a shape beyond all memory": lambda: _infer("encoder", _image([0.0], [2**31] * 8)),
    "a shape of a hundred axes": lambda: _infer("encoder", _image([0.0], [1] * 100)),
    "a shape of less than nothing": lambda: _infer("encoder", _image([0.0], [-1, -784])),
    "a million numbers": lambda: _infer("encoder", _image([0] * 10**6)),
    "rows as many as are answered": lambda: _infer(
        "encoder",
        {"inputs": [_tensor("image", [4096, 1, 28, 28], parameters={"binary_data_size": 4096 * 784 * 4})]},
        bytes(4096 * 784 * 4),
    ),
    "numbers that are none, in binary": lambda: _infer(
        "encoder",
        {"inputs": [_tensor("image", [1, 1, 28, 28], parameters={"binary_data_size": 784 * 4})]},
        b"\xff" * (784 * 4),
    ),
    "a length of thousands of digits": lambda: _infer("encoder", _image([0.0] * 784), length="9" * 5000),
    "a length in other digits": lambda: _infer("encoder", _image([0.0] * 784), length="\xb2"),
    "a size of a tensor beyond all bytes": lambda: _infer(
        "encoder", {"inputs": [_tensor("image", [1, 1, 28, 28], parameters={"binary_data_size": 2**63})]}, b"x"
    ),
    "elements that claim four gigabytes": lambda: _infer(
        "classify",
        {"inputs": [{"name": "picture", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 8}}]},
        b"\xff" * 8,
    ),
    "a million elements of no bytes": lambda: _infer(
        "classify",
        {"inputs": [_tensor("picture", [10**6], datatype="BYTES", parameters={"binary_data_size": 4 * 10**6})]},
        bytes(4 * 10**6),
    ),
    "styles beyond float32": lambda: _post("/api/v1/draw", {"style": [[1e300] * 3]}),
    "styles as many as are drawn": lambda: _post("/api/v1/draw", {"style": [_STYLE] * 1024, "format": "bytes"}),
    "styles of thousands of numbers": lambda: _post("/api/v1/draw", {"style": [[0] * 4096] * 200}),
    "labels of other lengths": lambda: _post("/api/v1/draw", {"style": [_STYLE] * 2, "label": ["1", [0.5, 0.5]]}),
    "a style of nothing": lambda: _post("/api/v1/plane", {"style": []}),
    "a name that is half a character": lambda: _post(
        "/api/v1/classify", {"images": [{"name": "\ud800", "data": base64.b64encode(_PIXEL).decode()}]}
    ),
    "a picture in no base64": lambda: _post("/api/v1/classify", {"images": [{"name": "x", "data": "%%%="}]}),
    "256 pictures of nothing": lambda: _post("/api/v1/classify", _encoded(*[b""] * 256)),
    "257 pictures": lambda: _post("/api/v1/classify", _encoded(*[_PIXEL] * 257)),
    "an example of thousands of digits": lambda: Request("GET", f"/api/v1/examples/{'9' * 5000}.png"),
    "an example that there is not": lambda: Request("GET", "/api/v1/examples/999999999.png"),
    "a path upwards": lambda: Request("GET", "/static/..%2f..%2f..%2fetc/passwd"),
    "a path with a null": lambda: Request("GET", "/static/draw.js%00.png"),
    "a path of no UTF-8": lambda: Request("GET", "/api/v1/%ff%fe%c3"),
    "a query of thousands of names": lambda: Request("GET", "/api/v1/sample?" + "&".join(f"a{k}" for k in range(1500))),
    "a count beyond all numbers": lambda: Request("GET", f"/api/v1/sample?count={'9' * 5000}&seed={'9' * 5000}"),
    "a threshold that is no number": lambda: Request(
        "POST", "/api/v1/classify?threshold=nan&top_k=1e9", PICTURE, _PIXEL
    ),
    "a body that is packed": lambda: Request(
        "POST", "/api/v1/classify", PICTURE | {"Content-Encoding": "gzip"}, b"\x1f\x8b"
    ),
    "a body larger than bodies are": lambda: Request("POST", "/api/v1/draw", JSON, b" " * (33 * 2**20)),
    "a kind of body that is none": lambda: Request("POST", "/api/v1/draw", {"Content-Type": "\xff;\x85"}, b"{}"),
    "a method of its own": lambda: Request("BREW", "/api/v1/classify", PICTURE, _PIXEL),
    "a body with a question": lambda: Request("GET", "/api/v1/model", JSON, b"{" * 1000),
    "a picture of no bytes": lambda: Request("POST", "/api/v1/inspect", PICTURE, b""),
    **{name: (lambda body=made[1]: Request("POST", "/api/v1/inspect", PICTURE, body()))
       for name, made in inputs.PICTURES.items()},
}  # fmt: skip
"""Each is refused, or answered with little work."""

_TREES: dict[str, Callable[[], Any]] = {
    "/api/v1/draw": lambda: {"style": [_STYLE, _STYLE], "label": ["3", "4"], "format": "png"},
    "/api/v1/plane": lambda: {"style": _STYLE, "label": "3"},
    "/api/v1/classify?top_k=3": lambda: _encoded(_PIXEL, b"GIF89a"),
    "/v2/models/encoder/infer": lambda: _image([0.5] * 784) | {"id": "7", "parameters": {"binary_data_output": True}},
    "/v2/models/decoder/infer": lambda: {
        "inputs": [_tensor("label", [1, 10], [0.1] * 10), _tensor("style", [1, 3], list(_STYLE))],
        "outputs": [{"name": "image", "parameters": {"binary_data": False}}],
    },
    "/v2/models/classify/infer": lambda: {
        "inputs": [
            {"name": "picture", "shape": [1], "datatype": "BYTES", "data": _encoded(_PIXEL)["images"][0]["data"]}
        ]
    },
}
_QUERIES = ("top_k", "threshold", "novelty", "invert", "normalise", "name", "label", "count", "seed", "path", "token")
_PATHS = (
    *("/api/v1/classify", "/api/v1/inspect", "/api/v1/sample", "/api/v1/model", "/api/v1/examples", "/v2", "/metrics"),
    *("/v2/models/{}", "/v2/models/{}/config", "/v2/models/encoder/versions/{}", "/api/v1/examples/{}.png", "/{}"),
    *("/static/{}", "/api/v1/questions/{}", "/api/v1/questions/{}.png", "/docs", "/openapi.json"),
)


def cases(seed: int, *, quick: bool = False) -> Iterator[tuple[str, Make]]:
    """Give each of ``KINDS``, then requests changed by lot, without end.

    Args:
        seed: The same gives the same requests.
        quick: Leave out the pictures that keep a decoder busy.
    """
    yield from KINDS.items()
    kinds = (_picture, _tree, _text, _binary, _any_path, _tree, *([] if quick else [_stubborn]))
    for number in count():
        kind = kinds[number % len(kinds)]
        yield kind(random.Random(f"{seed}/{number}"))


def labels(seed: int) -> Iterator[tuple[str, Make]]:
    """Give answers to the page of labels, changed by lot, without end."""
    for number in count():
        rng = random.Random(f"{seed}/{number}")
        index, path = rng.choice(((0, "a.png"), (1, "b.png"), (2, "full.png"), (0, "b.png"), (10**8, _word(rng))))
        target = f"/api/v1/questions/{index}?{urlencode({'path': path})}"
        table = {"label": rng.choice(("1", "2", *words.NAMES)), "new": rng.random() < 0.5}
        if rng.random() < 0.4:
            table = words.changed(rng, table, 2)
        yield "an answer", lambda target=target, table=table: Request("PUT", target, JSON, json.dumps(table).encode())


def _picture(rng: random.Random) -> tuple[str, Make]:
    name, body = inputs.any_picture(rng)
    return _sent(rng, name, lambda: body)


def _stubborn(rng: random.Random) -> tuple[str, Make]:
    return _sent(rng, *inputs.any_stubborn(rng))


def _sent(rng: random.Random, name: str, body: Callable[[], bytes]) -> tuple[str, Make]:
    """Send a picture to one of the routes that read one."""
    route = rng.choice(("classify", "inspect", "list", "tensor", "binary"))
    query = _query(rng) if rng.random() < 0.3 else ""

    def make() -> Request:
        data = body()
        if route == "list":
            return _post("/api/v1/classify", _encoded(data, _PIXEL))
        if route == "tensor":
            element = _tensor("picture", [1], [base64.b64encode(data).decode()], datatype="BYTES")
            return _infer("classify", {"inputs": [element]})
        if route == "binary":
            size = {"binary_data_size": 4 + len(data)}
            element = _tensor("picture", [1], datatype="BYTES", parameters=size)
            return _infer("classify", {"inputs": [element]}, struct.pack("<I", len(data)) + data)
        return Request("POST", f"/api/v1/{route}{query}", PICTURE, data)

    return f"{name}, to {route}", make


def _tree(rng: random.Random) -> tuple[str, Make]:
    target = rng.choice(list(_TREES))
    table = words.changed(rng, _TREES[target](), 4)
    return f"other values to {target}", lambda: _post(target, table)


def _text(rng: random.Random) -> tuple[str, Make]:
    target = rng.choice(list(_TREES))
    body = byte_mutations.text_of(rng, json.dumps(_TREES[target](), indent=1))
    return f"other text to {target}", lambda: _post(target, body)


def _binary(rng: random.Random) -> tuple[str, Make]:
    pixels = np.random.default_rng(0).random((2, 1, 28, 28), np.float32).tobytes()
    table: Any = {"inputs": [_tensor("image", [2, 1, 28, 28], parameters={"binary_data_size": len(pixels)})]}
    if rng.random() < 0.7:
        table = words.changed(rng, table, 2)
    text = json.dumps(table).encode()
    body = text + (byte_mutations.bytes_of(rng, pixels, 3) if rng.random() < 0.7 else pixels)
    length = rng.choice((str(len(text)), str(len(text)), str(len(body)), "0", "1", str(len(body) + 1), "-1", "x"))
    return "tensors changed", lambda: Request("POST", "/v2/models/encoder/infer", {LENGTH: length}, body)


def _any_path(rng: random.Random) -> tuple[str, Make]:
    path = rng.choice(_PATHS).format(quote(_word(rng)[:3000], safe=""))
    method = rng.choice(("GET", "GET", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"))
    kind = rng.choice(
        ("application/json", "image/png", "", "application/octet-stream", "multipart/form-data", "x" * 300)
    )
    body = rng.choice((b"", b"{}", b"null", b"[]", b"\0" * 100)) if method in ("POST", "PUT", "PATCH") else b""
    more = rng.choice(
        (
            {},
            *({"Accept": "\xff"}, {"Cookie": "aaecli-0=" + "x" * 3000}, {"Authorization": "Bearer \xe9"}),
            *({"Content-Encoding": "br"}, {"Range": "bytes=0-99999999999999999999"}, {"Expect": "200-maybe"}),
        )
    )
    return f"{method} {path[:60]}", lambda: Request(method, path + _query(rng), {"Content-Type": kind, **more}, body)


def _query(rng: random.Random) -> str:
    pairs = [(rng.choice((*_QUERIES, _word(rng)[:100])), _word(rng)[:1000]) for _ in range(rng.randrange(4))]
    return f"?{urlencode(pairs)}" if pairs else ""


def _word(rng: random.Random) -> str:
    """Give a name or a number that wants to be more than one."""
    word = rng.choice(words.NAMES) if rng.random() < 0.6 else str(rng.choice(words.NUMBERS))
    return word.encode("utf-8", "replace").decode()
