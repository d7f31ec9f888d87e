"""Hostile requests in numbers, all to one server in a process of its own, and what is wrong with its answers."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from socket import create_connection
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.data import stubborn
from tests.hostile.http_requests import JSON, PICTURE, Make, Request
from tests.hostile.words import OBEYED

SECONDS = 5.0
"""CPU seconds that the server and its processes may spend on a request."""
BYTES = 2**30
"""Memory that each of them may have."""
_CLOCK_SECONDS = 120
_TICK = os.sysconf("SC_CLK_TCK")
_REFUSALS = frozenset([400, 401, 403, 404, 405, 408, 409, 413, 415, 422])


class Reply(NamedTuple):
    """What came back: status 0 for nothing, with the reason as the body."""

    status: int
    kind: str
    body: bytes


class Exchange(NamedTuple):
    """How a request ended: its name, the answer, the CPU seconds and the memory that it took, and what is wrong."""

    name: str
    reply: Reply
    seconds: float
    max_bytes: int
    faults: tuple[str, ...]


@dataclass
class Server:
    """`aaecli serve`, running.

    Attributes:
        pid: Its first process.
        netloc: Host and port.
        token: What it wants to be shown; may be empty.
    """

    pid: int
    netloc: str
    token: str = ""

    def ask(self, request: Request) -> Reply:
        """Send a request as it is and read the answer."""
        headers = {"Host": self.netloc, "Content-Length": str(len(request.body)), "Connection": "close"}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        lines = [f"{request.method} {request.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in (headers | request.headers).items()]
        head = "\r\n".join((*lines, "", "")).encode("latin-1")
        host, _, port = self.netloc.rpartition(":")
        with closing(create_connection((host, int(port)), _CLOCK_SECONDS)) as connection:
            # It may answer before it has read a body that is too large.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(head + request.body)
            answer = HTTPResponse(connection, method=request.method)
            try:
                answer.begin()
                return Reply(answer.status, answer.getheader("Content-Type", ""), answer.read())
            except (HTTPException, OSError) as error:
                return Reply(0, "", repr(error).encode())

    def took(self) -> tuple[float, int]:
        """Give the CPU seconds of its processes so far, and the most memory that one of them has had."""
        seconds, most = 0.0, 0
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for pid in (self.pid, *children):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue  # it has just ended
            # Its own, and for the first those of its children that have ended.
            seconds += sum(map(int, fields[11:15] if pid == self.pid else fields[11:13])) / _TICK
            peak = re.search(r"VmHWM:\s+(\d+) kB", status)
            most = max(most, 1024 * int(peak[1]) if peak else 0)
        return seconds, most


@contextmanager
def serving(*words: str) -> Iterator[tuple[Server, Path]]:
    """Start `aaecli serve` and give it with the file that its stderr goes to.

    Args:
        words: More words of the command.
    """
    command = [sys.executable, "-m", "aaecli", "serve", "--port", "0", "--no-browser", "--json", "--device", "cpu"]
    notes = Path(os.environ.get("TMPDIR", "/tmp"), f"hostile-serve-{os.getpid()}.txt")  # noqa: S108
    with notes.open("wb") as err:
        process = subprocess.Popen([*command, *words], stdout=subprocess.PIPE, stderr=err, preexec_fn=_limit)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, notes.read_text(errors="replace")
        yield Server(process.pid, urlsplit(json.loads(line)["url"]).netloc), notes
    finally:
        process.terminate()
        process.communicate()
        notes.unlink()


def _limit() -> None:
    # Beyond what is allowed, so that a fault shows its extent, and well below what the machine has.
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def exchange(server: Server, name: str, make: Make) -> Exchange:
    """Send one request, and look at the answer and at what it took."""
    request = make()
    before, _ = server.took()
    reply = server.ask(request)
    after, most = server.took()
    faults = list(faults_of(request, reply))
    if after - before > SECONDS:
        faults.append(f"it took {after - before:.1f} CPU seconds")
    if most > BYTES:
        faults.append(f"the server takes {most / 2**20:,.0f} MiB")
    return Exchange(name, reply, after - before, most, tuple(faults))


def faults_of(request: Request, reply: Reply) -> Iterator[str]:
    """Say what is wrong with an answer."""
    status, kind, body = reply
    if status == 0:
        yield f"there is no answer: {body.decode()}"
    elif status >= 400:
        if status not in _REFUSALS:
            yield f"the status is {status}"
        elif request.method != "HEAD" and kind == JSON["Content-Type"]:
            said = json.loads(body)
            if not (
                said.keys() in ({"error"}, {"error", "hint"}) and all(isinstance(text, str) for text in said.values())
            ):
                yield f"it is refused without a sentence: {said}"
        elif request.method != "HEAD" and body != b"Invalid HTTP request received.":
            yield f"it is refused in {kind!r}: {body[:100]!r}"
    elif kind == JSON["Content-Type"] and body:
        json.loads(body, parse_constant=_no_number)


def _no_number(name: str) -> float:
    raise AssertionError(f"{name} is no number of JSON")


def summary(exchanges: Sequence[Exchange]) -> tuple[str, ...]:
    """Sum them up as a row of ``session.table``."""
    statuses = [found.reply.status for found in exchanges]
    return (
        *("requests", f"{len(exchanges):,}", f"{sum(status >= 400 for status in statuses):,}"),
        *(f"{sum(0 < status < 400 for status in statuses):,}", f"{sum(bool(found.faults) for found in exchanges):,}"),
        f"{max(found.seconds for found in exchanges):.1f}",
        f"{max(found.max_bytes for found in exchanges) / 2**20:,.0f}",
    )


def still_answers(server: Server, notes: Path) -> Iterator[str]:
    """Say what is wrong with a server after all that: an honest picture is answered, and nothing odd was written."""
    began = time.monotonic()
    reply = server.ask(Request("POST", "/api/v1/classify", PICTURE, stubborn.honest()["small PNG"]))
    if reply.status != 200 or time.monotonic() - began > _CLOCK_SECONDS:
        yield f"an honest picture is answered with {reply}"
    said = notes.read_text(errors="replace")
    if "Traceback" in said or "Warning: " in said:
        yield f"it wrote {said[-1500:]!r}"
    if found := OBEYED.search(said):
        yield f"it wrote {found[0]!r} as it is"
