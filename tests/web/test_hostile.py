"""Requests from strangers: each is refused with a sentence or answered, and the server goes on.

A quick share; ``nox -s hostile`` sends as many as are asked for to a server in a process of its own, with limits.
"""

from __future__ import annotations

from itertools import islice

import pytest
from starlette.testclient import TestClient

from tests.hostile.http_requests import KINDS, PICTURE, Request, cases, labels
from tests.hostile.http_session import Reply, faults_of
from tests.hostile.inputs import PICTURES

# Whether a decoder goes to the end of a picture is seen without a server.
_MEANT = [name for name in KINDS if name not in PICTURES]
_CHANGED = list(islice(cases(0, quick=True), len(KINDS), len(KINDS) + 120))


def reply_of(client: TestClient, request: Request) -> Reply:
    """Send a request; what the application raises is raised here."""
    headers = {name: value.encode("latin-1") for name, value in request.headers.items()}
    answer = client.request(request.method, request.target, headers=headers, content=request.body)
    return Reply(answer.status_code, answer.headers.get("content-type", ""), answer.content)


@pytest.mark.parametrize("name", _MEANT)
def test_a_request_that_means_harm(client: TestClient, name: str) -> None:
    request = KINDS[name]()
    assert not list(faults_of(request, reply_of(client, request)))


def test_requests_changed_by_lot(client: TestClient, digit: bytes) -> None:
    statuses = set()
    for name, make in _CHANGED:
        request = make()
        reply = reply_of(client, request)
        assert not list(faults_of(request, reply)), (name, request.target, request.body[:1000], reply)
        statuses.add(reply.status)
    assert {200, 400, 404, 405, 422} <= statuses, "some are answered, and there is more than one way to be refused"
    assert reply_of(client, Request("POST", "/api/v1/classify", PICTURE, digit)).status == 200


def test_the_page_of_labels(label_client: TestClient, kept: list[tuple[str, str]]) -> None:
    for _, make in _CHANGED[::2]:
        request = make()
        assert not list(faults_of(request, reply_of(label_client, request)))
    assert not kept, "none of them labels a picture"
    for _, make in islice(labels(0), 150):
        request = make()
        assert not list(faults_of(request, reply_of(label_client, request))), request
    assert {path for path, _ in kept} == {"a.png", "b.png"}
    assert all(label.isprintable() and len(label) <= 100 for _, label in kept)
