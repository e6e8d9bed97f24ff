"""Answers as streams: made in worker threads, never far ahead of the client."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from loguru import logger
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from application.runs import Done
from domain.datasets import ByteStream
from entrypoints.rest.workers import WorkerPool, Workers

T = TypeVar("T")
V = TypeVar("V")

BUFFER_BYTES = 2 * 1024**2
"""How far a stream may be ahead of its client."""

SMALL_CHUNK_BYTES = 64 * 1024
"""Chunks smaller than this are sent together, up to `CHUNK_BYTES`."""

CHUNK_BYTES = 1024**2


class ResponseAbortedError(Exception):
    """An answer failed after it had begun: the connection ends without its final chunk."""


class ClientGoneError(Exception):
    """The client went away before its answer had begun."""


class ClientWatch:
    """Waits for the client to go away, from when the request's body has been read."""

    def __init__(self, receive: Receive) -> None:
        self._task = asyncio.create_task(self._watch(receive))

    @staticmethod
    async def _watch(receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def unless_gone(self, work: Coroutine[Any, Any, V]) -> V:
        """Wait for `work`, which is cancelled when the client goes.

        Raises:
            ClientGoneError: When it went.
        """
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise ClientGoneError
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    def stop(self) -> None:
        """Watch no longer."""
        self._task.cancel()


class ChunkFeed:
    """Pulls a stream in worker threads while its client takes what is there.

    A thread is held while chunks are made, and not while the client is slow to take them.

    Args:
        stream: The stream; it is closed with the feed.
        pool: Where chunks are made.
        closing: Where the stream is closed.
    """

    def __init__(self, stream: ByteStream, pool: WorkerPool, closing: WorkerPool) -> None:
        self._stream = stream
        self._pool = pool
        self._closing = closing
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()

        self._lock = threading.Lock()
        self._iterator: Iterator[bytes] | None = None
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._pulling = False
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None

    async def next(self) -> bytes:
        """The next chunk; empty at the end. Raises what the stream raises."""
        while True:
            with self._lock:
                chunk = self._take()
                if not chunk and self._ended:
                    if self._error is not None:
                        raise self._error
                    return b""
                pull = not self._pulling and not self._ended and self._buffered <= BUFFER_BYTES // 2
                self._pulling = self._pulling or pull
                if not chunk:
                    self._ready.clear()
            if pull:
                self._pool.submit(self._pull)
            if chunk:
                return chunk
            await self._ready.wait()

    async def close(self) -> None:
        """Stop what makes the chunks, and close the stream. May be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        job = self._closing.submit(self._stream.close)
        try:
            await asyncio.wrap_future(job)
        except Exception:  # noqa: BLE001 - the answer is out, there is nobody to tell
            logger.exception("A stream could not be closed.")

    def _take(self) -> bytes:
        if not self._chunks:
            return b""
        taken = [self._chunks.popleft()]
        size = len(taken[0])
        if size < SMALL_CHUNK_BYTES:
            while self._chunks and size + len(self._chunks[0]) <= CHUNK_BYTES:
                taken.append(self._chunks.popleft())
                size += len(taken[-1])
        self._buffered -= size
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def _pull(self) -> None:
        try:
            if self._iterator is None:
                self._iterator = iter(self._stream)
            for chunk in self._iterator:
                if chunk and not self._put(chunk):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised where the chunks are taken
            self._end(error)
        else:
            self._end(None)

    def _put(self, chunk: bytes) -> bool:
        with self._lock:
            self._chunks.append(chunk)
            self._buffered += len(chunk)
            self._pulling = self._buffered < BUFFER_BYTES and not self._closed
            go_on = self._pulling
        self._wake()
        return go_on

    def _end(self, error: BaseException | None) -> None:
        with self._lock:
            self._ended = True
            self._pulling = False
            self._error = error
        self._wake()

    def _wake(self) -> None:
        # When the loop is closed, nobody waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._ready.set)


@dataclass(frozen=True, slots=True)
class Streamed(Generic[T]):
    """What a use case answered, and the stream of its answer, begun.

    Attributes:
        done: The use case's answer.
        first: The first chunk; empty when there is none.
        feed: The chunks behind it.
        client: Who takes them.
        release: To be called when all is over.
    """

    done: Done[T]
    first: bytes
    feed: ChunkFeed
    client: ClientWatch
    release: Callable[[], None]

    async def close(self) -> None:
        """End it, whether all of it was taken or not."""
        self.client.stop()
        self.release()
        await self.feed.close()


async def begin_stream(
    request: Request,
    pool: WorkerPool,
    workers: Workers,
    call: Callable[[], Done[T]],
    stream_of: Callable[[Done[T]], ByteStream],
) -> Streamed[T]:
    """Run a use case that answers with a stream, and pull the first chunk of that.

    So what fails before the first chunk is there is raised here, while a status can be sent.

    Raises:
        BusyError: When too many streams are open.
        ClientGoneError: When the client went away; the stream is closed.
        Exception: What the use case or its stream raises.
    """
    pool.enter()
    client = ClientWatch(request.receive)
    feed: ChunkFeed | None = None
    try:
        done = await client.unless_gone(
            pool.wait(call, discard=lambda late: stream_of(late).close())
        )
        feed = ChunkFeed(stream_of(done), pool, workers.closing)
        first = await client.unless_gone(feed.next())
    except BaseException:
        client.stop()
        if feed is not None:
            await feed.close()
        pool.leave()
        raise
    return Streamed(done, first, feed, client, pool.leave)


class StreamedResponse(Response):
    """Sends a stream; when that fails midway, the connection is cut.

    Args:
        streamed: The stream.
        last_words: Given what failed and the last bytes sent, what to send before the cut.
    """

    def __init__(
        self,
        streamed: Streamed[Any],
        *,
        status_code: int = 200,
        headers: Mapping[str, str],
        last_words: Callable[[BaseException, bytes], bytes] | None = None,
    ) -> None:
        self.status_code = status_code
        self.background = None
        self.body = b""
        self._streamed = streamed
        self._last_words = last_words
        self.init_headers(headers)
        # It would be that of the empty body above.
        if "content-length" not in {name.lower() for name in headers}:
            del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send all, unless the client goes away: then the stream is closed at once."""
        streamed = self._streamed
        try:
            await streamed.client.unless_gone(self._send(send))
        except ClientGoneError:
            logger.info("The client went away before its answer had ended.")
        finally:
            await streamed.close()

    async def _send(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        chunk, tail = self._streamed.first, b""
        try:
            while chunk:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                tail = chunk[-1:]
                chunk = await self._streamed.feed.next()
        except Exception as error:
            logger.opt(exception=error).warning("An answer failed midway; the connection is cut.")
            if self._last_words is not None:
                words = self._last_words(error, tail)
                await send({"type": "http.response.body", "body": words, "more_body": True})
            raise ResponseAbortedError from error
        await send({"type": "http.response.body", "body": b"", "more_body": False})
