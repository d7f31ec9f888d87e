from __future__ import annotations

import html

import jsonschema
import pytest
from starlette.testclient import TestClient

from aaecli.web.app import OF_A_MODEL, OF_QUESTIONS
from aaecli.web.openapi import describe, page


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from references(part)


@pytest.mark.parametrize("table", [OF_A_MODEL, OF_QUESTIONS])
def test_the_description_holds_every_route_and_every_type(table) -> None:
    found = describe(table)
    assert sum(len(methods) for methods in found["paths"].values()) == len(table)
    names = {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    assert set(references(found)) <= names
    for schema in found["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_answers_are_as_described(client: TestClient, digit) -> None:
    found = client.get("/openapi.json").json()
    picture = {"content": digit, "headers": {"Content-Type": "image/png"}}
    style = {"json": {"style": [0, 0, 0]}}
    asked = [
        ("get", "/api/v1/model", {}),
        ("get", "/api/v1/examples", {}),
        ("post", "/api/v1/classify", picture),
        ("post", "/api/v1/inspect", picture),
        ("post", "/api/v1/plane", style),
        ("get", "/v2", {}),
        ("post", "/api/v1/plane", {"json": {}}),
        ("post", "/api/v1/draw", {"json": {"style": 1}}),
    ]
    for method, path, more in asked:
        answer = client.request(method, path, **more)
        responses = found["paths"][path][method]["responses"]
        schema = responses.get(str(answer.status_code), responses["default"])["content"]["application/json"]["schema"]
        whole = {**schema, "components": found["components"]}
        jsonschema.Draft202012Validator(whole).validate(answer.json())


def test_the_page_lists_them(client: TestClient) -> None:
    text = client.get("/docs").text
    assert text == page(OF_A_MODEL)
    assert all(entry.summary in html.unescape(text) for entry in OF_A_MODEL)
    assert "<script" not in text
