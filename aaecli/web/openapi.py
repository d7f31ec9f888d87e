"""/openapi.json and /docs, both made from the table of routes: what is described is what is checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from aaecli import __version__
from aaecli.text import for_html
from aaecli.web import wire, wire_v2
from aaecli.web.routes import JSON, MAX_DIGITS, Endpoint

_REF = "#/components/schemas/{name}"
_PART = re.compile(r"\{(\w+)(?::(\w+))?\}")
_OCTETS = "application/octet-stream"


def describe(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Give the description of all routes as OpenAPI 3.1."""
    kinds = [kind for entry in endpoints for kind in (entry.answer, entry.request) if _is_struct(kind)]
    _, components = msgspec.json.schema_components([*kinds, wire.Fault, wire_v2.V2Fault], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for entry in endpoints:
        path = _PART.sub(r"{\1}", entry.path)
        paths.setdefault(path, {})[entry.method.lower()] = _operation(entry)
    return {
        "openapi": "3.1.0",
        "info": {"title": "aaecli serve", "version": __version__},
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(entry: Endpoint) -> dict[str, Any]:
    fault = wire_v2.V2Fault if entry.is_v2 else wire.Fault
    operation: dict[str, Any] = {
        "summary": entry.summary,
        "parameters": [*_path_parameters(entry), *_query_parameters(entry)],
        "responses": {
            "200": {"description": "Done.", "content": _content(entry.answer)},
            "default": {"description": "Refused.", "content": {JSON: {"schema": _ref(fault)}}},
        },
    }
    content = {}
    if entry.request is not None:
        content[JSON] = {"schema": _ref(entry.request)}
    if entry.takes_bytes:
        content["image/*"] = {"schema": {"type": "string", "format": "binary"}}
    if entry.takes_tensors:
        content[_OCTETS] = {"schema": {"type": "string", "format": "binary"}}
        header = {
            "name": "Inference-Header-Content-Length",
            "in": "header",
            "schema": {"type": "integer", "minimum": 0},
        }
        operation["parameters"].append(header)
    if content:
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _content(answer: Any) -> dict[str, Any]:
    if answer is None:
        return {}
    if _is_struct(answer):
        return {JSON: {"schema": _ref(answer)}}
    return {str(answer): {"schema": {"type": "string"}}}


def _path_parameters(entry: Endpoint) -> list[dict[str, Any]]:
    kinds = {"number": {"type": "integer", "minimum": 0, "maximum": 10**MAX_DIGITS - 1}}
    return [
        {"name": name, "in": "path", "required": True, "schema": kinds.get(kind, {"type": "string"})}
        for name, kind in _PART.findall(entry.path)
    ]


def _query_parameters(entry: Endpoint) -> list[dict[str, Any]]:
    if entry.query is None:
        return []
    (schema,), components = msgspec.json.schema_components([entry.query], ref_template="{name}")
    properties: dict[str, Any] = components[schema["$ref"]]["properties"]
    return [{"name": name, "in": "query", "schema": kind} for name, kind in properties.items()]


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": _REF.format(name=kind.__name__)}


def page(endpoints: Sequence[Endpoint]) -> str:
    """Give the same as a page to read."""
    rows = []
    for entry in endpoints:
        reads = [kind for kind in (entry.query, entry.request) if kind is not None]
        types = [for_html(kind.__name__) for kind in reads] + ["a picture"] * entry.takes_bytes
        answer = entry.answer.__name__ if _is_struct(entry.answer) else entry.answer or "nothing"
        path = for_html(_PART.sub(r"{\1}", entry.path))
        rows.append(
            f"<tr><td><code>{entry.method}</code></td><td><code>{path}</code></td><td>{for_html(entry.summary)}</td>"
            f"<td>{', '.join(types) or '–'}</td><td>{for_html(answer)}</td></tr>"
        )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<title>aaecli: routes</title><link rel="stylesheet" href="/static/style.css"><body class="docs"><main>'
        '<h1>Routes</h1><p>All types in full: <a href="/openapi.json">/openapi.json</a>. '
        '<a href="/">Back to the page</a>.</p><div class="scroll"><table><thead><tr><th>Method</th><th>Path</th>'
        f"<th>What it does</th><th>Reads</th><th>Answers</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
        "</div></main></body></html>"
    )
