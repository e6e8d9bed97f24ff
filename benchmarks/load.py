"""Closed-loop load: so many clients, each sending its next request as the last is answered."""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

import httptools
import uvloop


def closed_loop(
    url: str,
    next_request: Callable[[], bytes],
    clients: int,
    seconds: float,
    check: Callable[[bytes], None] = lambda _: None,
) -> list[float]:
    """Send requests for some seconds; the milliseconds that each answer took.

    Args:
        url: The service.
        next_request: Makes a request.
        clients: How many send them, each on a connection of its own.
        seconds: For how long.
        check: Called with each answer's content; raises when it is not the right one.
    """
    return uvloop.run(_closed_loop(url, next_request, clients, seconds, check))


async def _closed_loop(
    url: str,
    next_request: Callable[[], bytes],
    clients: int,
    seconds: float,
    check: Callable[[bytes], None],
) -> list[float]:
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    ends_at = time.monotonic() + seconds
    made = [_Client(next_request, ends_at, check) for _ in range(clients)]
    for client in made:
        await loop.create_connection(lambda client=client: client, address.hostname, address.port)
    await asyncio.gather(*(client.ended for client in made))
    return [latency for client in made for latency in client.latencies]


class _Client(asyncio.Protocol):
    """A client on a connection of its own. It does little: it shares the cores with the service."""

    def __init__(
        self, next_request: Callable[[], bytes], ends_at: float, check: Callable[[bytes], None]
    ) -> None:
        self.latencies: list[float] = []
        self.ended = asyncio.get_running_loop().create_future()
        self._next_request = next_request
        self._ends_at = ends_at
        self._check = check
        self._parser = httptools.HttpResponseParser(self)
        self._content = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._transport.abort()
            if not self.ended.done():
                self.ended.set_exception(error.__context__ or error)

    def on_body(self, body: bytes) -> None:
        self._content += body

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status != HTTPStatus.OK:
            raise AssertionError(f"{status}: {self._content.decode()}")
        self._check(self._content)
        self._content = b""
        now = time.monotonic()
        self.latencies.append((now - self._began) * 1000)
        if now < self._ends_at:
            self._send()
        else:
            self._transport.close()
            self.ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or AssertionError("The service closed the connection."))

    def _send(self) -> None:
        self._began = time.monotonic()
        self._transport.write(self._next_request())


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile of the values."""
    return statistics.quantiles(values, n=100)[percent - 1]
