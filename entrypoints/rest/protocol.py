"""HTTP as uvicorn reads it with httptools, with the bounds and the errors of this service."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from entrypoints.rest.close_delimited import CloseDelimited

MAX_HEAD_BYTES = 64 * 1024
"""The request line and all headers together."""

HEAD_SECONDS = 30.0
"""How long they may take to come, from the connection on."""

KNOW_NO_CHUNKS = frozenset({"0.9", "1.0"})
"""The versions of HTTP in which no answer comes in chunks."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Give the first request its time."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_head_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Count anew, and give this request its time."""
        super().on_message_begin()
        self._head_bytes = 0
        self._stop_head_timer()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def on_url(self, url: bytes) -> None:
        """Take a part of the request's target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._stop_head_timer()
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if cycle.scope["http_version"] in KNOW_NO_CHUNKS:
            app = CloseDelimited(app, cycle)
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        """Say that this is no HTTP, as all problems are said."""
        status = HTTPStatus.BAD_REQUEST
        code, detail = "malformed_http", msg
        if self._head_bytes > MAX_HEAD_BYTES:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            code = "headers_too_large"
            detail = f"The request line and headers have at most {MAX_HEAD_BYTES} bytes."
        content = msgspec.json.encode(
            {
                "type": f"urn:ducklake:problem:{code}",
                "title": code.replace("_", " ").capitalize(),
                "status": status.value,
                "detail": detail,
                "instance": "",
                "code": code,
                "request_id": "",
            }
        )
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            "content-type: application/problem+json\r\n"
            f"content-length: {len(content)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + content)
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            # The parser makes an error of its own of it, and that a 400.
            raise ValueError("too many bytes of headers")

    def _head_is_late(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
