from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from aaecli.web.labelling import Labelling
from tests.web.conftest import TOKEN


@pytest.fixture
def client(label_client: TestClient) -> TestClient:
    return label_client


def put(client: TestClient, index: int, path: str, label: str, **more: bool):
    return client.put(f"/api/v1/questions/{index}", params={"path": path}, json={"label": label, **more})


def test_an_answer_is_kept_before_it_is_acknowledged(client: TestClient, kept) -> None:
    asked = client.get("/api/v1/questions").json()
    assert asked["questions"][0] == {"index": 0, "path": "a.png", "guess": "1", "probability": 0.75, "label": ""}
    assert put(client, 0, "a.png", " 2 ").json() == {"label": "2", "new": False}
    assert put(client, 1, "b.png", "1").status_code == 200
    assert put(client, 1, "b.png", "").status_code == 200
    assert kept == [("a.png", "2"), ("b.png", "1"), ("b.png", "")]
    assert [question["label"] for question in client.get("/api/v1/questions").json()["questions"]] == ["2", "", ""]


def test_what_could_not_be_written_is_not_acknowledged(client: TestClient, labelling: Labelling) -> None:
    answer = put(client, 2, "full.png", "2")
    assert (answer.status_code, answer.json()["hint"]) == (400, "Make free space.")
    assert labelling.given == {}


def test_a_new_class_is_one_that_is_meant(client: TestClient, kept) -> None:
    assert put(client, 0, "a.png", "11").json()["error"] == "There is no class '11' yet."
    assert put(client, 0, "a.png", "11", new=True).status_code == 200
    assert put(client, 0, "a.png", "two\nlines", new=True).status_code == 400
    assert put(client, 0, "a.png", "x" * 101, new=True).status_code == 400
    assert client.get("/api/v1/questions").json()["classes"] == ["1", "2", "11"]
    assert kept == [("a.png", "11")]


def test_an_answer_to_a_question_of_before_is_refused(client: TestClient, kept) -> None:
    assert client.post("/api/v1/questions/more", json={}).json()["questions"][0]["path"] == "c.png"
    assert put(client, 0, "a.png", "1").status_code == 409
    assert put(client, 5, "c.png", "1").status_code == 409
    assert client.get("/api/v1/questions/0.png?path=a.png").status_code == 404
    assert client.get("/api/v1/questions/0.png?path=c.png").headers["content-type"] == "image/png"
    assert kept == []


def test_it_is_only_for_who_has_the_token(client: TestClient, kept) -> None:
    client.headers.pop("Authorization")
    for path in ("/", "/label", "/api/v1/questions", "/api/v1/questions/0.png?path=a.png"):
        assert client.get(path).status_code == 401
    assert put(client, 0, "a.png", "1").status_code == 401
    opened = client.get(f"/label?token={TOKEN}")
    assert (opened.status_code, opened.headers["location"]) == (303, "/label")
    assert client.get("/label").status_code == 200
    answer = client.put(
        "/api/v1/questions/0?path=a.png", json={"label": "1"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert kept == []


def test_its_pages(client: TestClient) -> None:
    assert client.get("/").headers["location"] == "/label"
    assert "/api/v1/questions" in client.get("/openapi.json").json()["paths"]
    assert client.get("/api/v1/classify").status_code == 404
