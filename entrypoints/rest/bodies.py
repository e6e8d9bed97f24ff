"""Request bodies: from the event loop to the plain iterator that a use case reads in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from starlette.requests import Request
from starlette.types import Message, Receive

from domain.errors import IncompleteBodyError, TooLargeError
from entrypoints.rest.workers import WorkerPool

T = TypeVar("T")

CHUNK_BYTES = 1024**2
"""Bodies are handed on in pieces of at least this size: each hand-over costs a thread switch."""

SMALL_BODY_TIMEOUT_S = 30
"""How long a client may fall silent within a small body."""

_SIZE_DIGITS = 19

BUFFER_BYTES = 8 * 1024**2
"""How far the client may be ahead of the use case."""


class BodyStream:
    """A request's body: filled in the event loop, read once in another thread.

    Args:
        receive: The request's ASGI `receive`.
        max_bytes: The greatest body.
        timeout_s: How long the client may send nothing.
    """

    def __init__(self, receive: Receive, max_bytes: int, timeout_s: float) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._received = 0
        self._complete = False

        self._changed = threading.Condition()
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._ended = False
        self._error: Exception | None = None

        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self._room.set()

    @property
    def received(self) -> int:
        """How many bytes have come."""
        return self._received

    async def fill(self) -> bool:
        """Receive one chunk and hand it on; False when there are no more.

        What is wrong with the body is raised where it is read, not here.
        """
        if self._complete:
            return False
        try:
            chunk = await self._next_chunk()
        except (IncompleteBodyError, TooLargeError) as error:
            self.end(error)
            return False
        with self._changed:
            if chunk:
                self._chunks.append(chunk)
                self._buffered += len(chunk)
            self._ended = self._ended or self._complete
            if self._buffered >= BUFFER_BYTES:
                self._room.clear()
            self._changed.notify()
        return not self._complete

    async def pump(self) -> None:
        """Receive all that is left, never far ahead of the reader."""
        while await self.fill():
            await self._room.wait()

    @asynccontextmanager
    async def coming(self) -> AsyncIterator[None]:
        """While this lasts, it is received; then its reader is given no more."""
        pump = asyncio.create_task(self.pump())
        try:
            yield
        finally:
            self.end(IncompleteBodyError("The body was not read to its end."))
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump

    def end(self, error: Exception | None = None) -> None:
        """Give the reader no more than what has come, and then `error`."""
        with self._changed:
            if not self._ended:
                self._ended = True
                self._error = error
            self._changed.notify()

    def __iter__(self) -> Iterator[bytes]:
        """The body's chunks.

        Raises:
            IncompleteBodyError: When the client went away, or fell silent, before its end.
            TooLargeError: When it is greater than it may be.
        """
        while True:
            with self._changed:
                while not self._chunks and not self._ended:
                    self._changed.wait()
                if not self._chunks:
                    if self._error is not None:
                        raise self._error
                    return
                chunk = self._chunks.popleft()
                was_full = self._buffered >= BUFFER_BYTES
                self._buffered -= len(chunk)
                has_room = self._buffered < BUFFER_BYTES
            if was_full and has_room:
                # A loop that is closed has ended the body, and waits for no room.
                with suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._room.set)
            yield chunk

    async def _next_chunk(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while size < CHUNK_BYTES and not self._complete:
            message = await self._message()
            part = message.get("body", b"")
            if part:
                parts.append(part)
                size += len(part)
                self._received += len(part)
                if self._received > self._max_bytes:
                    raise TooLargeError(f"A body has at most {self._max_bytes} bytes here.")
            self._complete = not message.get("more_body", False)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _message(self) -> Message:
        try:
            async with asyncio.timeout(self._timeout_s):
                message = await self._receive()
        except TimeoutError as error:
            raise IncompleteBodyError(
                f"Nothing came for {self._timeout_s:g} s; the body is not complete."
            ) from error
        if message["type"] == "http.disconnect":
            raise IncompleteBodyError("The sender went away before the whole body had come.")
        return message


async def run_with_body(
    request: Request,
    pool: WorkerPool,
    call: Callable[[BodyStream], T],
    *,
    max_bytes: int,
    timeout_s: float,
) -> T:
    """Do work that reads the request's body while that comes in.

    Raises:
        TooLargeError: When the body says that it is greater than `max_bytes`.
        Exception: What `call` raises, or `WorkerPool.run`.
    """
    body = body_of(request, max_bytes, timeout_s)
    # A client that says nothing holds no thread.
    if not await body.fill():
        return await pool.run(lambda: call(body))
    async with body.coming():
        return await pool.run(lambda: call(body))


def body_of(request: Request, max_bytes: int, timeout_s: float) -> BodyStream:
    """The body of a request, of which nothing has been received.

    Raises:
        TooLargeError: When it says that it is greater than `max_bytes`.
    """
    size = declared_size(request)
    if size is not None and size > max_bytes:
        raise TooLargeError(f"A body has at most {max_bytes} bytes here; this one has {size}.")
    return BodyStream(request.receive, max_bytes, timeout_s)


def declared_size(request: Request) -> int | None:
    """The body's size as the request says it, in bytes; None when it does not."""
    text = request.headers.get("content-length", "")
    # The server has checked it; what is longer than this is not a size.
    return int(text) if text.isascii() and text.isdigit() and len(text) < _SIZE_DIGITS else None


async def read_small_body(request: Request, max_bytes: int) -> bytes:
    """The whole body of a request that controls something, and carries no data.

    Raises:
        TooLargeError: When it is greater than `max_bytes`.
        IncompleteBodyError: When the client goes away, or falls silent.
    """
    body = BodyStream(request.receive, max_bytes, SMALL_BODY_TIMEOUT_S)
    while await body.fill():
        pass
    return b"".join(body)
