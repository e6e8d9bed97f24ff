"""Answers to clients of HTTP/1.0, which know no chunks: their end is that of the connection.

RFC 9112, 6.1: no transfer coding is sent to a client that has not told of HTTP/1.1; 6.3: an
answer without a length ends where the connection does. Such an answer has no last chunk that
could be missing, so until all of it was sent the connection is set to end by a reset (RST): a
client hears an error, not the end, when the answer fails midway or the service dies.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import Any

from uvicorn._types import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    Scope,
)
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_RESET = struct.pack("ii", 1, 0)
_FLUSH = struct.pack("ii", 0, 0)


class CloseDelimited:
    """An application whose answers are not in chunks.

    Args:
        app: What answers.
        cycle: The request, as the server has it.
    """

    def __init__(self, app: ASGI3Application, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle
        self._has_length = True
        # RFC 9110, 10.1.1: a client of HTTP/1.0 that says `Expect` is not heeded.
        cycle.waiting_for_100_continue = False

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Answer; the server closes the connection behind it."""

        async def unchunked(message: ASGISendEvent) -> None:
            self._frame(message)
            await send(message)
            if not self._has_length and self._cycle.response_complete:
                # The server flushes and closes in a later turn of the event loop.
                self._end_by(_FLUSH)

        await self._app(scope, receive, unchunked)

    def _frame(self, message: Any) -> None:
        cycle = self._cycle
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message["headers"]}
            self._has_length = b"content-length" in names
            if not self._has_length:
                cycle.chunked_encoding = False
                self._end_by(_RESET)
        elif not self._has_length:
            # The server counts bytes down: of an unknown number, these are the ones that are due.
            cycle.expected_content_length = len(message.get("body", b""))

    def _end_by(self, linger: bytes) -> None:
        # The client may have closed the connection already.
        with suppress(OSError):
            connection = self._cycle.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
