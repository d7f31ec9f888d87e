from __future__ import annotations

import re

from starlette.testclient import TestClient


def value(text: str, series: str) -> float:
    match = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(match[1]) if match else 0.0


def test_requests_are_counted_by_route_and_never_by_what_they_wrote(client: TestClient, digit) -> None:
    series = 'aaecli_requests_total{code="404",method="GET",route="none"}'
    model = 'aaecli_requests_total{code="404",method="GET",route="/v2/models/{model}"}'
    before = client.get("/metrics").text
    client.get("/secret-of-a-client")
    client.get("/v2/models/secret-of-a-client")
    client.request("SECRET", "/v2")
    client.post("/api/v1/classify", content=digit, headers={"Content-Type": "image/png"})
    after = client.get("/metrics").text
    assert value(after, series) == value(before, series) + 1
    assert value(after, model) == value(before, model) + 1
    assert value(after, 'aaecli_rows_total{model="encoder"}') == value(before, 'aaecli_rows_total{model="encoder"}') + 1
    assert value(after, "aaecli_capacity") == 8
    assert "secret" not in after.lower()
