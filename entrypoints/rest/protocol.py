"""HTTP as uvicorn reads it with httptools, with the bounds and the errors of this service."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from entrypoints.rest.close_delimited import CloseDelimited
from entrypoints.rest.heads import RefusedError, check_head

MAX_HEAD_BYTES = 64 * 1024
"""The request line and all headers together."""

HEAD_SECONDS = 30.0
"""How long they may take to come, from the connection on."""

READ_AHEAD = 16
"""How many requests are read behind the one that is being answered.

While a connection is not read, nobody hears that it has ended.
"""

LINGER_SECONDS = 5.0
"""How long a client that was refused may go on to send; closed earlier, it may lose the answer."""

_AROUND_A_HEADER = len(": \r\n")


class Protocol(HttpToolsProtocol):
    """One connection."""

    _head_bytes = 0
    _bytes_of_nothing = 0
    _in_head = False
    _head_timer: asyncio.TimerHandle | None = None
    _running: RequestResponseCycle | None = None
    _refusal: RefusedError | None = None

    @property
    def _is_answering(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def connection_made(self, transport: Any) -> None:
        """Give the first request its time."""
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell those who answer; the server itself tells only the last one that was read."""
        self._stop_head_timer()
        if self._running is not None and self._is_answering:
            self._leave(self._running)
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        self._unset_keepalive_if_required()
        if self._refusal is not None:
            return
        self._bytes_of_nothing += len(data)
        try:
            self._read(data)
            self._bound(self._bytes_of_nothing)
        except httptools.HttpParserError as error:
            match error.__context__:
                case RefusedError() as refusal:
                    self._refuse(refusal)
                case _:
                    self._refuse(RefusedError("Invalid HTTP request received."))
        except RefusedError as refusal:
            self._refuse(refusal)
        else:
            if self._head_timer is None and not self._is_answering:
                # Empty lines are no request, and do not keep a connection.
                self._start_head_timer()

    def on_message_begin(self) -> None:
        """Count anew, and give this request its time."""
        super().on_message_begin()
        self._head_bytes = self._bytes_of_nothing = 0
        self._in_head = True
        self._start_head_timer()

    def on_url(self, url: bytes) -> None:
        """Take a part of the request's target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. What comes behind a body is none (RFC 9110, 6.5.1), and let go."""
        self._count(len(name) + len(value) + _AROUND_A_HEADER)
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._in_head = False
        self._stop_head_timer()
        check_head(self.parser.get_http_version(), self.parser.get_method(), self.headers)
        if self.parser.should_upgrade():
            # It is read again, without that.
            return
        super().on_headers_complete()
        if 0 < len(self.pipeline) <= READ_AHEAD:
            self.flow.resume_reading()

    def on_body(self, body: bytes) -> None:
        """Take a part of the request's body."""
        self._bytes_of_nothing = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request's body."""
        self._bytes_of_nothing = 0
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, or say that what came behind the last one is none."""
        was_last = not self.pipeline
        super().on_response_complete()
        if was_last and self._refusal is not None and not self.transport.is_closing():
            self._part(self._refusal)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        if cycle.scope["http_version"] == "1.0":
            # It knows no chunks.
            app = CloseDelimited(app, cycle)
        super()._start_asgi_task(cycle, app)

    def _read(self, data: bytes) -> None:
        """Raises: httptools.HttpParserError: When it is no HTTP."""
        rest = memoryview(data)
        while rest:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                # No other protocol is spoken, so the request is to be answered as if it had not
                # asked for one (RFC 9110, 7.8). But then the parser leaves out its body.
                rest = rest[upgrade.args[0] :]
                self.parser.feed_data(self._head_without_upgrade())
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        lines = [b"%s %s HTTP/1.1" % (self.parser.get_method(), self.url)]
        lines += [b"%s: %s" % pair for pair in self.headers if pair[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _refuse(self, refusal: RefusedError) -> None:
        """Answer what is wrong, behind the answers to what came before it, and read no more."""
        self.logger.warning("Refused a request: %s", refusal.detail)
        self._refusal = refusal
        self._stop_head_timer()
        running = self._running
        if running is None or running.response_complete:
            self._part(refusal)
        elif not self.cycle.more_body:
            # All that was begun is whole; its answers come first.
            pass
        elif self.cycle is not running:
            # The body of the last one is broken, and its turn has not come.
            self.pipeline.popleft()
        elif running.response_started:
            self.transport.close()
        else:
            self._leave(running)
            self._part(refusal)

    def _part(self, refusal: RefusedError) -> None:
        """Say the last word, and give the client the time to hear it (RFC 9112, 9.6)."""
        self.transport.write(refusal.answer())
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    @staticmethod
    def _leave(cycle: RequestResponseCycle) -> None:
        """Tell the one who answers that nobody listens any more."""
        cycle.disconnected = True
        cycle.message_event.set()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        self._bound(self._head_bytes)

    @staticmethod
    def _bound(size: int) -> None:
        """Raises: RefusedError: When this is too much for a head.

        The parser tells of a header when it has ended, and keeps it until then; and it tells
        nothing of empty lines and of what stands behind the size of a chunk.
        """
        if size > MAX_HEAD_BYTES:
            raise RefusedError(
                f"The request line and headers have at most {MAX_HEAD_BYTES} bytes.",
                "headers_too_large",
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            )

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._is_answering:
            # What comes next may wait as long as the answer that comes before it.
            self._start_head_timer()
        elif not self.transport.is_closing():
            self.transport.close()

    def _start_head_timer(self) -> None:
        self._stop_head_timer()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
