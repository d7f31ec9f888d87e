from __future__ import annotations

import base64
import io
import json
import time

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from aaecli.cli import main
from aaecli.data.dataset import Dataset
from tests.web.conftest import png

PICTURE = {"Content-Type": "image/png"}


def encoded(images) -> list[dict[str, str]]:
    return [
        {"name": f"{index}.png", "data": base64.b64encode(png(image)).decode()} for index, image in enumerate(images)
    ]


def drawn(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_picture_is_answered_as_classify_does(client: TestClient, pair, digit, tmp_path, capsys) -> None:
    (tmp_path / "x.png").write_bytes(digit)
    with pytest.raises(SystemExit):
        main(["classify", str(tmp_path / "x.png"), "--model", str(pair), "--json", "--quiet", "--top-k", "3"])
    expected = json.loads(capsys.readouterr().out) | {"image": "x.png"}
    answer = client.post("/api/v1/classify?top_k=3&name=x.png", content=digit, headers=PICTURE)
    assert answer.status_code == 200
    assert answer.json() == {"answers": [expected]}
    assert list(answer.json()["answers"][0]) == list(expected), "the keys stand in the same order"


def test_several_pictures_at_once(client: TestClient, mnist: Dataset) -> None:
    images = encoded(mnist.test_image[:20])
    images.insert(5, {"name": "bad.png", "data": base64.b64encode(b"no picture").decode()})
    answers = client.post("/api/v1/classify", json={"images": images}).json()["answers"]
    assert [answer["image"] for answer in answers] == [image["name"] for image in images]
    assert answers.pop(5) == {
        "image": "bad.png",
        "error": "bad.png is not a picture.",
        "hint": "Known formats: PNG, JPEG, GIF, WebP, TIFF, BMP, PNM, AVIF, JPEG 2000, ICO.",
    }
    right = [answer["label"] == str(label) for answer, label in zip(answers, mnist.test_label[:20], strict=True)]
    assert sum(right) >= 16


def test_a_single_picture_that_cannot_be_read(client: TestClient) -> None:
    answer = client.post("/api/v1/classify?name=x.png", content=b"GIF89a", headers={"Content-Type": "image/gif"})
    assert (answer.status_code, answer.json()["error"]) == (422, "x.png is damaged or cut short.")
    assert client.post("/api/v1/inspect", content=b"", headers=PICTURE).status_code == 422


def test_the_query_has_the_flags_of_classify(client: TestClient, digit) -> None:
    answer = client.post("/api/v1/classify?threshold=1", content=digit, headers=PICTURE).json()["answers"][0]
    assert answer["label"] == "unsure"
    assert (answer["novelty"] is None) == (answer["reconstruction_error"] is None)
    answer = client.post("/api/v1/classify?novelty=true", content=digit, headers=PICTURE).json()["answers"][0]
    assert 0 < answer["novelty"] < 1
    for query in ("top_k=0", "threshold=2", "invert=maybe", "colour=1", "top_k=1&top_k=2"):
        answer = client.post(f"/api/v1/classify?{query}", content=digit, headers=PICTURE)
        assert answer.status_code == 400, query
    blank = png(np.zeros((28, 28), np.uint8))
    assert client.post("/api/v1/classify?invert=true", content=blank, headers=PICTURE).status_code == 200


def test_inspect_shows_what_the_page_needs(client: TestClient, digit, mnist) -> None:
    shown = client.post("/api/v1/inspect?top_k=10", content=digit, headers=PICTURE).json()
    assert shown["answer"]["label"] == "7"
    assert (drawn(base64.b64decode(shown["seen"])) == mnist.test_image[0]).all()
    assert list(shown["by_class"]) == [str(k) for k in range(10)]
    assert sum(shown["label_prob"].values()) == pytest.approx(1, abs=1e-3)
    assert drawn(base64.b64decode(shown["reconstruction"])).shape == (28, 28)
    # One's own style, asked for by number, gives the drawing of that class again.
    row = {"style": [shown["style"]], "label": ["3"]}
    again = client.post("/api/v1/draw", json=row)
    assert (drawn(again.content) == drawn(base64.b64decode(shown["by_class"]["3"]))).all()


def test_draw_as_picture_and_as_bytes(client: TestClient) -> None:
    style = [[0.0, 0.0, 0.0]] * 12
    sheet = client.post("/api/v1/draw", json={"style": style})
    assert sheet.headers["content-type"] == "image/png"
    assert drawn(sheet.content).shape == (2 * 28 + 2, 10 * 28 + 9 * 2)
    labels = [[float(k == row % 10) for k in range(10)] for row in range(12)]
    raw = client.post("/api/v1/draw", json={"style": style, "label": labels, "format": "bytes"})
    assert raw.headers["x-image-shape"] == "12,28,28"
    images = np.frombuffer(raw.content, np.uint8).reshape(12, 28, 28)
    assert (images[0] == images[10]).all()
    assert (images[0] != images[1]).any()


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"style": [[0, 0]]}, "3 numbers"),
        ({"style": [[0, 0, 0]], "label": ["x"]}, "no class 'x'"),
        ({"style": [[0, 0, 0]], "label": [[1, 0]]}, "10 numbers"),
        ({"style": [[0, 0, 0]] * 3, "label": ["1", "2"]}, "2 labels for 3 styles"),
        ({"style": [[0, 0, 1e300]]}, "too large"),
        ({"style": []}, "length >= 1"),
        ({"style": [[0, 0, 0]] * 1025}, "length <= 1024"),
        ({"style": [[0, 0, 0]], "colour": 1}, "unknown field"),
        ({}, "missing required field"),
    ],
)
def test_a_wrong_request_to_draw_is_explained(client: TestClient, body, part) -> None:
    answer = client.post("/api/v1/draw", json=body)
    assert answer.status_code == 400
    assert part in answer.json()["error"]


def test_sample_draws_as_generate_does(client: TestClient, pair, tmp_path, capsys) -> None:
    out = tmp_path / "sheet.png"
    words = ["generate", "--model", str(pair), "--digit", "4", "--count", "7", "--seed", "3", "--scale", "1"]
    with pytest.raises(SystemExit):
        main([*words, "--out", str(out)])
    capsys.readouterr()
    answer = client.get("/api/v1/sample?label=4&count=7&seed=3")
    assert (drawn(answer.content) == np.asarray(Image.open(out))).all()


def test_the_plane_is_where_the_drawing_changes_most(client: TestClient) -> None:
    plane = client.post("/api/v1/plane", json={"style": [0, 0, 0], "label": "1"}).json()
    axes = np.array(plane["axes"])
    assert axes.shape == (2, 3)
    assert axes @ axes.T == pytest.approx(np.eye(2), abs=1e-5)
    assert plane["reach"] == 2.5

    def change(direction) -> float:
        style = [(0.25 * sign * np.array(direction)).tolist() for sign in (1, -1)]
        found = client.post("/api/v1/draw", json={"style": style, "label": ["1"], "format": "bytes"}).content
        ends = np.frombuffer(found, np.uint8).reshape(2, -1).astype(float)
        return float(np.linalg.norm(ends[0] - ends[1]))

    assert change(axes[0]) >= max(change(unit) for unit in np.eye(3)) - 4


def test_examples_are_encoded_beside_the_requests(client: TestClient, mnist) -> None:
    for _ in range(100):
        found = client.get("/api/v1/examples").json()
        if found["ready"]:
            break
        time.sleep(0.05)
    assert [dot["label"] for dot in found["dots"]] == [str(label) for label in mnist.train_label[-40:]]
    assert (drawn(client.get("/api/v1/examples/3.png").content) == mnist.train_image[-37]).all()
    assert client.get("/api/v1/examples/40.png").status_code == 404
    body = png(mnist.train_image[-5])
    nearest = client.post("/api/v1/inspect", content=body, headers=PICTURE).json()["nearest"]
    assert nearest[0] == {"index": 35, "label": str(mnist.train_label[-5]), "distance": pytest.approx(0, abs=1e-3)}


def test_the_model_describes_itself(client: TestClient) -> None:
    found = client.get("/api/v1/model").json()
    assert found["classes"] == [str(k) for k in range(10)]
    assert (found["style_dim"], found["decodes"], found["device"]) == (3, True, "cpu")


def test_what_is_not_there(client: TestClient) -> None:
    assert client.get("/api/v1/nothing").json() == {"error": "There is nothing here.", "hint": "See /docs."}
    wrong = client.get("/api/v1/classify")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
