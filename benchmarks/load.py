"""Closed-loop load: so many clients, each sending its next request as the last is answered."""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit


async def closed_loop(
    url: str, next_request: Callable[[], bytes], clients: int, seconds: float
) -> list[float]:
    """Send requests for some seconds; the milliseconds that each answer took."""
    ends_at = time.monotonic() + seconds
    runs = await asyncio.gather(*(_one_client(url, next_request, ends_at) for _ in range(clients)))
    return [latency for run in runs for latency in run]


async def _one_client(url: str, next_request: Callable[[], bytes], ends_at: float) -> list[float]:
    """A client on a connection of its own. Bare sockets: it shares the cores with the service."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    latencies: list[float] = []
    while (began := time.monotonic()) < ends_at:
        writer.write(next_request())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise AssertionError(head.decode())
        await _skip_body(reader, head.lower())
        latencies.append((time.monotonic() - began) * 1000)
    writer.close()
    return latencies


async def _skip_body(reader: asyncio.StreamReader, head: bytes) -> None:
    if b"transfer-encoding: chunked" in head:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    else:
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile of the values."""
    return statistics.quantiles(values, n=100)[percent - 1]
