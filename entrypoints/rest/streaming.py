"""Answers as streams, which are begun before a status is sent and cut when they fail midway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from loguru import logger
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from application.runs import Done
from domain.datasets import ByteStream
from entrypoints.rest.client import ClientGoneError, ClientWatch
from entrypoints.rest.feed import ChunkFeed
from entrypoints.rest.workers import WorkerPool, Workers

T = TypeVar("T")


class ResponseAbortedError(Exception):
    """An answer failed after it had begun: the connection ends without its final chunk."""


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
    answered: list[Done[T]] = []

    def opened() -> ByteStream:
        answered.append(call())
        return stream_of(answered[0])

    feed = ChunkFeed(opened, pool, workers.closing)
    try:
        first = await client.unless_gone(feed.next())
    except BaseException:
        client.stop()
        await feed.close()
        pool.leave()
        raise
    return Streamed(answered[0], first, feed, client, pool.leave)


class StreamedResponse(Response):
    """Sends a stream; when that fails midway, the connection is cut.

    Args:
        streamed: The stream.
    """

    def __init__(
        self,
        streamed: Streamed[Any],
        *,
        status_code: int = 200,
        headers: Mapping[str, str],
    ) -> None:
        self.status_code = status_code
        self.background = None
        self.body = b""
        self._streamed = streamed
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
        chunk = self._streamed.first
        try:
            while chunk:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                chunk = await self._streamed.feed.next()
        except Exception as error:
            logger.opt(exception=error).warning("An answer failed midway; the connection is cut.")
            raise ResponseAbortedError from error
        await send({"type": "http.response.body", "body": b"", "more_body": False})
