"""Chunks on their way from worker threads to the event loop, never far ahead of the client."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress

from loguru import logger

from domain.datasets import ByteStream
from entrypoints.rest.workers import WorkerPool

BUFFER_BYTES = 2 * 1024**2
"""How far a stream may be ahead of its client."""

SMALL_CHUNK_BYTES = 64 * 1024
"""Chunks smaller than this are sent together, up to `CHUNK_BYTES`."""

CHUNK_BYTES = 1024**2


class ChunkFeed:
    """Opens a stream in a worker thread, and pulls it there while its client takes what is there.

    A thread is held while chunks are made, and not while the client is slow to take them. What
    opens the stream goes on to make its chunks: a short answer takes one thread, once.

    Args:
        open_: Opens the stream; called with the first chunk that is asked for, in a worker.
        pool: Where the stream is opened and its chunks are made. At its end it is closed there.
        closing: Where a stream is closed that has not ended.
    """

    def __init__(
        self, open_: Callable[[], ByteStream], pool: WorkerPool, closing: WorkerPool
    ) -> None:
        self._open = open_
        self._stream: ByteStream | None = None
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
        """The next chunk; empty at the end. Raises what opening or the stream raises."""
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
                self._pool.submit(self._pull).add_done_callback(self._dropped)
            if chunk:
                return chunk
            await self._ready.wait()

    async def close(self) -> None:
        """Stop what makes the chunks, and close the stream. May be called twice."""
        stream = self._left_to_close()
        if stream is not None:
            await asyncio.wrap_future(self._closing.submit(lambda: _close(stream)))

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
                self._iterator = self._begun()
            for chunk in self._iterator:
                if chunk and not self._put(chunk):
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised where the chunks are taken
            self._end(error)
            self._pool.linger(error)
        else:
            self._end(None)
        if (stream := self._left_to_close()) is not None:
            _close(stream)

    def _begun(self) -> Iterator[bytes]:
        if self._closed:
            return iter(())
        stream = self._open()
        with self._lock:
            # Whoever closed the feed in the meantime had no stream to close.
            wanted = not self._closed
            self._stream = stream if wanted else None
        if wanted:
            return iter(stream)
        _close(stream)
        return iter(())

    def _left_to_close(self) -> ByteStream | None:
        """The stream, for the one who is to close it."""
        with self._lock:
            stream, self._stream = self._stream, None
            self._closed = True
        return stream

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

    def _dropped(self, job: Future[None]) -> None:
        # The service ends, and the pool has let go of what was waiting.
        if job.cancelled():
            self._end(asyncio.CancelledError())

    def _wake(self) -> None:
        # When the loop is closed, nobody waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._ready.set)


def _close(stream: ByteStream) -> None:
    try:
        stream.close()
    except Exception:  # noqa: BLE001 - the answer is out, there is nobody to tell
        logger.exception("A stream could not be closed.")
