from __future__ import annotations

import base64
import json
import struct

import numpy as np
import pytest
from starlette.testclient import TestClient

from aaecli.serve.session import open_encoder, to_float
from tests.web.conftest import png

LENGTH = "Inference-Header-Content-Length"


def ask(client: TestClient, model: str, inputs: list[tuple[str, np.ndarray]], *, binary: bool, out_binary: bool):
    """Ask as Triton's client does: 20 lines of the protocol, independent of the server's own."""
    header: dict = {"id": "7", "inputs": [], "parameters": {"binary_data_output": out_binary}}
    parts = []
    for name, values in inputs:
        entry = {"name": name, "shape": list(values.shape), "datatype": "FP32"}
        if binary:
            parts.append(values.astype("<f4").tobytes())
            entry["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            entry["data"] = values.ravel().tolist()
        header["inputs"].append(entry)
    text = json.dumps(header).encode()
    headers = {LENGTH: str(len(text))} if binary else {}
    answer = client.post(f"/v2/models/{model}/infer", content=b"".join((text, *parts)), headers=headers)
    assert answer.status_code == 200, answer.text
    size = int(answer.headers.get(LENGTH, len(answer.content)))
    found, rest, outputs = json.loads(answer.content[:size]), answer.content[size:], {}
    assert (found["model_name"], found["model_version"], found["id"]) == (model, "1", "7")
    for entry in found["outputs"]:
        if out_binary:
            count = entry["parameters"]["binary_data_size"]
            values, rest = np.frombuffer(rest[:count], "<f4"), rest[count:]
        else:
            values = np.array(entry["data"], np.float32)
        outputs[entry["name"]] = values.reshape(entry["shape"])
    assert rest == b""
    return outputs


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("out_binary", [False, True])
@pytest.mark.parametrize("rows", [1, 7])
def test_tensors_there_and_back(client: TestClient, pair, mnist, binary, out_binary, rows) -> None:
    image = to_float(mnist.test_image[:rows])[:, None]
    expected = dict(zip(("label_prob", "style"), open_encoder(pair / "encoder.onnx", "cpu")(image), strict=True))
    found = ask(client, "encoder", [("image", image)], binary=binary, out_binary=out_binary)
    assert found.keys() == expected.keys()
    for name, values in found.items():
        assert np.abs(values - expected[name]).max() <= 1e-5
    codes = [("label", found["label_prob"]), ("style", found["style"])]
    drawn = ask(client, "decoder", codes, binary=binary, out_binary=out_binary)["image"]
    assert drawn.shape == (rows, 1, 28, 28)
    assert np.abs(drawn - image).mean() < 0.2


def test_pictures_are_read_by_classify(client: TestClient, mnist) -> None:
    files = [png(image) for image in mnist.test_image[:3]]
    body = {
        "inputs": [
            {
                "name": "picture",
                "shape": [3],
                "datatype": "BYTES",
                "data": [base64.b64encode(file).decode() for file in files],
            }
        ],
        "outputs": [{"name": "label"}, {"name": "style", "parameters": {"binary_data": True}}],
    }
    answer = client.post("/v2/models/classify/infer", json=body)
    header = json.loads(answer.content[: int(answer.headers[LENGTH])])
    assert header["outputs"][0] == {"name": "label", "datatype": "BYTES", "shape": [3], "data": ["7", "2", "1"]}
    assert header["outputs"][1]["parameters"] == {"binary_data_size": 3 * 3 * 4}
    packed = b"".join(struct.pack("<I", len(file)) + file for file in files)
    body["inputs"][0] = {
        "name": "picture",
        "shape": [3],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(packed)},
    }
    body["outputs"] = [{"name": "label", "parameters": {"binary_data": True}}]
    text = json.dumps(body).encode()
    again = client.post("/v2/models/classify/infer", content=text + packed, headers={LENGTH: str(len(text))})
    assert again.content[int(again.headers[LENGTH]) :] == b"".join(b"\1\0\0\0" + label for label in (b"7", b"2", b"1"))
    body["inputs"][0] |= {"data": ["AAAA"] * 3, "parameters": {}}
    assert client.post("/v2/models/classify/infer", json=body).status_code == 422


def test_the_server_describes_itself(client: TestClient) -> None:
    assert "binary_tensor_data" in client.get("/v2").json()["extensions"]
    for path in ("live", "ready"):
        assert client.get(f"/v2/health/{path}").status_code == 200
    encoder = client.get("/v2/models/encoder/versions/1").json()
    assert encoder["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 28, 28]}]
    assert [output["name"] for output in encoder["outputs"]] == ["label_prob", "style"]
    assert client.get("/v2/models/decoder/config").json()["input"][0] == {
        "name": "label",
        "data_type": "TYPE_FP32",
        "dims": [10],
    }
    assert client.get("/v2/models/classify/ready").status_code == 200
    assert client.get("/v2/models/other/ready").status_code == 404
    assert client.get("/v2/models/encoder/versions/2").status_code == 404
    before = client.get("/v2/models/decoder/stats").json()["model_stats"][0]["inference_count"]
    client.post("/api/v1/draw", json={"style": [[0, 0, 0]] * 5})
    assert client.get("/v2/models/decoder/stats").json()["model_stats"][0]["inference_count"] == before + 5


def tensor(**changes) -> dict:
    return {"name": "style", "shape": [1, 3], "datatype": "FP32", "data": [0, 0, 0]} | changes


@pytest.mark.parametrize(
    ("inputs", "part"),
    [
        ([], "length >= 1"),
        ([tensor()], "reads label, style"),
        ([tensor(name="x")], "reads label, style"),
        ([tensor(), tensor()], "stands once"),
        ([tensor(data=[0, 0])], "not of the shape"),
        ([tensor(data=["0", "0", "0"])], "not of the shape"),
        ([tensor(data=[True, False, True])], "not of the shape"),
        ([tensor(data=[[0], [0, 0]])], "not of the shape"),
        ([tensor(data=[0, 0, 10**400])], "not of the shape"),
        ([tensor(data=[0, 0, 1e39])], "finite"),
        ([tensor(datatype="FP64")], "FP32"),
        ([tensor(datatype="BYTES")], "not of the shape"),
        ([tensor(datatype="BYTES", shape=[1], data=["%"])], "no base64"),
        ([tensor(shape=[])], "has a batch"),
        ([tensor(shape=[-1, 3])], ">= 0"),
        ([tensor(shape=[0, 3], data=[])], "holds nothing"),
        ([tensor(shape=[0, 2**31, 2**31, 2**31], data=[])], "holds nothing"),
        ([tensor(data=[0, 0, "x" * 10_000])], "not of the shape"),
        ([tensor(data=[[0, 0], [0, "x"]])], "not of the shape"),
        ([tensor(data=None)], "either data"),
        ([tensor(parameters={"binary_data_size": 4})], "either data"),
        ([tensor(data=None, parameters={"binary_data_size": 12})], "what follows"),
        ([tensor(data=None, parameters={"binary_data_size": True})], "what follows"),
    ],
)
def test_a_wrong_request_is_explained(client: TestClient, inputs, part) -> None:
    answer = client.post("/v2/models/decoder/infer", json={"inputs": inputs})
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}
    assert part in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "length", "part"),
    [
        (b"{}", "3", "is no length"),
        (b"{}", "-1", "is no length"),
        (b"{}", "9" * 30, "is no length"),
        (b"[" * 100_000, None, "body is not"),
        (b"\xff", None, "body is not"),
        (json.dumps({"inputs": [tensor()]}).encode() + b"more", None, "body is not"),
    ],
)
def test_a_damaged_body_is_explained(client: TestClient, body, length, part) -> None:
    answer = client.post("/v2/models/decoder/infer", content=body, headers={LENGTH: length} if length else {})
    assert answer.status_code == 400
    assert part in answer.json()["error"]


def test_bytes_that_no_input_has(client: TestClient) -> None:
    text = json.dumps({"inputs": [tensor()]}).encode()
    answer = client.post("/v2/models/decoder/infer", content=text + b"more", headers={LENGTH: str(len(text))})
    assert "More bytes follow" in answer.json()["error"]


@pytest.mark.parametrize("packed", [b"\5\0\0\0abc", b"\1\0\0\0a\1\0\0\0b", b"\1\0", b"\xff\xff\xff\xffa"])
def test_elements_of_bytes_that_do_not_fit(client: TestClient, packed) -> None:
    entry = {"name": "picture", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(packed)}}
    text = json.dumps({"inputs": [entry]}).encode()
    answer = client.post("/v2/models/classify/infer", content=text + packed, headers={LENGTH: str(len(text))})
    assert "not of the shape" in answer.json()["error"]


def test_more_rows_than_are_answered(client: TestClient) -> None:
    rows = 4097
    inputs = [
        tensor(shape=[rows, 3], data=[0] * (3 * rows)),
        tensor(name="label", shape=[rows, 10], data=[0] * (10 * rows)),
    ]
    answer = client.post("/v2/models/decoder/infer", json={"inputs": inputs})
    assert "1 to 4,096" in answer.json()["error"]
    unknown = {"inputs": [tensor()], "outputs": [{"name": "x"}]}
    assert "no output" in client.post("/v2/models/decoder/infer", json=unknown).json()["error"]
