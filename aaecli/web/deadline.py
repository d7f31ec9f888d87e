"""Connections that take their time are closed: uvicorn waits for ever, as long as a byte comes now and then."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 5.0
"""From the first byte of a request, or the opening of the connection, to the end of its headers."""
BODY_SECONDS = 25.0
"""From there to the end of its body."""
ANSWER_SECONDS = 120.0
"""From there to the end of the answer."""


class Deadline(H11Protocol):
    """The protocol of a connection, with an end to each stage of a request."""

    _timer: asyncio.TimerHandle | None = None
    _stage: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for headers."""
        super().connection_made(transport)
        self._enter(h11.IDLE)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, and see whether they end a stage."""
        if self._stage is None:
            self._enter(h11.IDLE)
        super().data_received(data)
        if self._stage is not None and self.conn.their_state is not self._stage:
            self._enter(self.conn.their_state)

    def on_response_complete(self) -> None:
        """Let the timer of uvicorn for idle connections take over, or go on with a request that came meanwhile."""
        self._clear()
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; one whose client does not read what was sent is not waited for."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _enter(self, stage: Any) -> None:
        self._clear()
        self._stage = stage
        seconds = {h11.IDLE: HEADER_SECONDS, h11.SEND_BODY: BODY_SECONDS}.get(stage, ANSWER_SECONDS)
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _clear(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._stage = None
