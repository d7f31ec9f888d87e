"""Clients that take their time, on real sockets: the clock runs faster here."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from aaecli.web import deadline
from aaecli.web.server import Address, make_server


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server that reads each body, answers after a blink, and has deadlines of fractions of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deadline, "HEADER_SECONDS", 0.2)
        patch.setattr(deadline, "BODY_SECONDS", 0.3)
        patch.setattr(deadline, "ANSWER_SECONDS", 0.5)
        yield from serve()


def serve() -> Iterator[int]:
    """Serve at a port until the generator is left."""

    async def app(scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        while (message := await receive())["type"] == "http.request" and message["more_body"]:
            pass
        if message["type"] == "http.disconnect":
            return
        await asyncio.sleep(30 if scope["path"] == "/slow" else 0)
        body = bytes(2**26 if scope["path"] == "/large" else 2)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    address = Address(port=0)
    listener, ready = address.bind(), threading.Event()
    server = make_server(app, address, capacity=4, on_ready=ready.set)
    server.config.timeout_keep_alive = 0.4
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    assert ready.wait(10)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def closed_after(connection: socket.socket, trickle: bytes) -> float:
    """Send a byte now and then, and give the seconds after which the other side has closed."""
    start = time.monotonic()
    connection.settimeout(0.05)
    while time.monotonic() - start < 10:
        try:
            connection.sendall(trickle)
            if connection.recv(2**16) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - start


@pytest.mark.parametrize(
    ("begin", "trickle", "limit"),
    [
        (b"", b"", 0.2),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"A: b\r\n", 0.2),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", b"x", 0.3),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.3),
        (b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", b"", 0.5),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n", b"A: b\r\n", 0.2),
    ],
)
def test_a_client_that_takes_its_time_is_left(port: int, begin: bytes, trickle: bytes, limit: float) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(begin)
        assert 0.8 * limit <= closed_after(connection, trickle) <= limit + 3


def test_a_client_that_does_not_read_is_left(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1.2)
        received = 0
        try:
            while part := connection.recv(2**20):
                received += len(part)
        except ConnectionError:
            pass
        assert received < 2**26


def test_one_that_does_not_may_go_on(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(4):
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
            answer = b""
            while not answer.endswith(b"\0\0"):
                answer += connection.recv(2**16)
            assert answer.startswith(b"HTTP/1.1 200")
            time.sleep(0.1)


def test_headers_have_a_bound(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 20_000)
        assert connection.recv(2**16).startswith(b"HTTP/1.1 400")


def test_nothing_tells_what_the_server_is(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = connection.recv(2**16).lower()
        assert b"server:" not in answer
        assert b"uvicorn" not in answer
