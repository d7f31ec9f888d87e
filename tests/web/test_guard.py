"""Each line of the server's security rules, as a request that breaks it."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from aaecli.web.app import build, open_paths
from aaecli.web.guard import HEADERS, LOOPBACK, Rules, new_token
from aaecli.web.service import Service
from tests.web.conftest import OWN

TOKEN = "a-token-of-22-letters"  # noqa: S105  of nothing
DRAW = {"style": [[0, 0, 0]]}


@pytest.fixture
def guarded(service: Service, client: TestClient) -> TestClient:
    """The same running server, for those who have its token."""
    rules = Rules(LOOPBACK, True, TOKEN, open_paths(), 8000)
    return TestClient(build(service, rules), OWN, follow_redirects=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:1", "[::1]:8000", "LOCALHOST"])
def test_own_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/v2", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.5", "", "a:b:c", "user@localhost"],
)
@pytest.mark.parametrize("path", ["/v2/health/live", "/", "/nowhere"])
def test_other_names_are_refused_before_anything_else(client: TestClient, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 400
    assert "not called by this name" in answer.json()["error"]


def test_two_names_are_none(client: TestClient) -> None:
    assert client.get("/v2", headers=[("Host", "localhost"), ("Host", "evil.example")]).status_code == 400


def test_beyond_loopback_an_address_is_a_name_but_no_other_name(guarded: TestClient) -> None:
    assert guarded.get("/v2/health/live", headers={"Host": "192.168.1.5:8000"}).status_code == 200
    assert guarded.get("/v2/health/live", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "https://127.0.0.1:8000"},
    ],
)
def test_a_page_of_another_origin_may_ask_nothing(client: TestClient, method, headers) -> None:
    answer = client.request(method, "/api/v1/draw", json=DRAW, headers=headers)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_page_of_another_origin_may_not_read_either(client: TestClient) -> None:
    assert client.get("/api/v1/sample", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/docs", headers=link).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": OWN}]
)
def test_the_own_page_and_programs_may(client: TestClient, headers) -> None:
    assert client.post("/api/v1/draw", json=DRAW, headers=headers).status_code == 200


def test_a_form_of_another_kind_is_no_json(client: TestClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = client.post("/api/v1/draw", content=b"{}", headers={"Content-Type": kind})
        assert answer.status_code == 415


def test_without_the_token_only_health_answers(guarded: TestClient) -> None:
    for path in ("/", "/docs", "/openapi.json", "/metrics", "/v2", "/api/v1/model", "/static/style.css", "/nowhere"):
        answer = guarded.get(path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
    assert guarded.get("/v2/health/live").status_code == 200
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", "ü"):
        header = {"Authorization": f"Bearer {wrong}".encode()}
        assert guarded.get("/v2", headers=header).status_code == 401
        assert guarded.get("/v2", params={"token": wrong}).status_code == 401
    assert guarded.post(f"/api/v1/draw?token={TOKEN}", json=DRAW).status_code == 401, "only a GET takes it from there"


def test_a_program_shows_the_token_in_a_header(guarded: TestClient) -> None:
    answer = guarded.get("/v2", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200


def test_a_browser_keeps_the_token_as_a_cookie(guarded: TestClient) -> None:
    answer = guarded.get(f"/docs?token={TOKEN}&x=%0d%0a1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/docs?x=%0D%0A1")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"aaecli-8000={TOKEN}; ")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    assert guarded.get("/docs").status_code == 200
    assert guarded.post("/api/v1/draw", json=DRAW).status_code == 200
    foreign = {"Origin": "https://evil.example"}
    assert guarded.post("/api/v1/draw", json=DRAW, headers=foreign).status_code == 403


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "///evil.example"])
def test_the_redirect_stays_here(guarded: TestClient, path: str) -> None:
    answer = guarded.get(f"{OWN}{path}?token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/evil.example")


def test_tokens_are_long_and_new() -> None:
    assert len({new_token() for _ in range(100)}) == 100
    assert min(len(new_token()) for _ in range(100)) >= 22


def test_every_answer_has_the_headers(client: TestClient, guarded: TestClient) -> None:
    answers = [
        client.get("/"),
        client.get("/nowhere"),
        client.get("/v2", headers={"Host": "evil.example"}),
        client.post("/api/v1/draw", json=DRAW),
        client.post("/api/v1/draw", content=b"{"),
        guarded.get("/"),
    ]
    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "'unsafe" not in HEADERS["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
        "/static/",
        "/static/__init__.py",
        "/api/v1/examples/..%2f..%2fx.png",
        "/api/v1/examples/-1.png",
        "/api/v1/examples/1e3.png",
    ],
)
def test_no_request_names_a_file(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_body_is_counted_whatever_it_claims(client: TestClient, service: Service) -> None:
    picture = {"Content-Type": "image/png"}
    limit = service.max_body
    assert client.post("/api/v1/classify", content=bytes(limit + 1), headers=picture).status_code == 413

    def parts():
        for _ in range(20):
            yield bytes(limit // 10)

    assert client.post("/api/v1/classify", content=parts(), headers=picture).status_code == 413
    assert (
        client.post("/api/v1/plane", content=bytes(2**17), headers={"Content-Type": "application/json"}).status_code
        == 413
    )
    assert client.request("GET", "/api/v1/model", content=b"x").status_code == 413
    squeezed = picture | {"Content-Encoding": "gzip"}
    assert client.post("/api/v1/classify", content=b"x", headers=squeezed).status_code == 415
    assert service.memory.held == 0


def test_a_server_that_holds_too_much_says_so(client: TestClient, service: Service, monkeypatch, digit) -> None:
    monkeypatch.setattr("aaecli.web.requests.MAX_HELD", 10)
    answer = client.post("/api/v1/classify", content=digit, headers={"Content-Type": "image/png"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert service.memory.held == 0
