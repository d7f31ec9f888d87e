"""The server as a process of its own, as it is typed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aaecli.errors import AaeError
from aaecli.web.server import Address


@contextmanager
def running(
    pair: Path | None, *words: str, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Start a server, and give it with what it printed."""
    command = [sys.executable, "-m", "aaecli", "serve", "--port", "0", "--json", *words]
    command += [] if pair is None else ["--model", str(pair)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()


def get(url: str, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_it_answers_until_ctrl_c(pair) -> None:
    with running(pair) as (process, said):
        assert said == {"url": f"http://127.0.0.1:{said['port']}/", "port": said["port"]}
        with socket.create_connection(("127.0.0.1", said["port"])) as damaged:
            damaged.sendall(b"\0\r\n\r\n")
            assert damaged.recv(100).startswith(b"HTTP/1.1 400")
        assert get(said["url"])[0] == 200
        assert get(f"{said['url']}v2/models/x%1b[31m?secret=1")[0] == 400
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
        assert (process.returncode, out) == (130, "")
        lines = err.splitlines()
        assert lines[0].startswith("Model: ")
        assert [line.rpartition(" ")[0].rpartition(" ")[0] for line in lines[1:]] == [
            "GET / 200",
            "GET /v2/models/{model} 400",
        ]


def test_beyond_loopback_it_wants_a_token(pair, tmp_path) -> None:
    path = tmp_path / "token"
    path.write_text("a-token-from-a-file\n")
    with running(pair, "--host", "0.0.0.0", "--token-file", str(path), "--allow-host", "my.box") as (process, said):  # noqa: S104
        assert said["token"] == "a-token-from-a-file"  # noqa: S105
        assert said["url"] == f"http://{socket.gethostname()}:{said['port']}/?token=a-token-from-a-file"
        url = f"http://127.0.0.1:{said['port']}/v2"
        assert get(url)[0] == 401
        assert get(url, Authorization="Bearer a-token-from-a-file")[0] == 200
        assert get(url, Authorization="Bearer a-token-from-a-file", Host="my.box")[0] == 200
        assert get(url, Authorization="Bearer a-token-from-a-file", Host="other.box")[0] == 400
        assert get(f"{url}/health/ready")[0] == 200
        process.terminate()
        err = process.communicate(timeout=300)[1]
        assert "there is no TLS" in err
        assert "a-token-from-a-file" not in err


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AaeError, match=f"Port {port} of 127.0.0.1 is taken") as caught:
            Address(port=port).bind()
        assert "--port 0" in caught.value.hint
    with pytest.raises(AaeError, match="nothing can listen there"):
        Address("no.such.host.invalid").bind()
    with pytest.raises(AaeError, match="nothing can listen there"):
        Address("203.0.113.7", 0).bind()


@pytest.mark.parametrize(
    ("host", "loopback", "url"),
    [
        ("127.0.0.1", True, "http://127.0.0.1:80/"),
        ("localhost", True, "http://localhost:80/"),
        ("::1", True, "http://[::1]:80/"),
        ("192.168.1.5", False, "http://192.168.1.5:80/?token=x"),
        ("my.box", False, "http://my.box:80/?token=x"),
    ],
)
def test_addresses(host: str, loopback: bool, url: str) -> None:
    address = Address(host)
    assert address.is_loopback is loopback
    rules = address.rules(80, None, always=False)
    assert bool(rules.token) is not loopback
    assert address.url(80, "x" if rules.token else "") == url
    assert address.rules(80, None, always=True).token
    assert address.rules(80, "given", always=False).token == "given"  # noqa: S105


def test_without_its_packages_it_says_which_command_brings_them(pair) -> None:
    block = "import sys; sys.modules['starlette'] = None; from aaecli.cli import main; main(['serve', '--port', '0'])"
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "The server needs starlette" in done.stderr
    assert "`python -m pip install starlette uvicorn msgspec prometheus-client`" in done.stderr
