"""Chunks on their way from worker threads to the event loop, never far ahead of the client."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
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
            self._pool.linger(error)
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
