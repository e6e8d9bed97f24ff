"""Durable one-row appends: the service with many clients against DuckLake alone."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from adapters.ducklake.extensions import load_extension
from tests.e2e.service import ServiceProcess

SECONDS = 8.0
CLIENTS = (1, 16, 64, 256)
TABLE = {
    "name": "t",
    "columns": [{"name": "id", "type": "BIGINT"}, {"name": "x", "type": "VARCHAR"}],
}
ROWS = b'[{"id":1,"x":"hello"}]'


def run() -> None:
    """Measure DuckLake alone first, then the service at rising numbers of clients."""
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as directory:
        alone = duckdb_alone(Path(directory) / "alone")
        print(f"DuckLake alone, one thread: {alone:.0f} commits/s")
        service = ServiceProcess(Path(directory) / "home", {"DUCKLAKE_LOG_LEVEL": "WARNING"})
        service.start()
        try:
            with service.client() as client:
                client.post("/tables", json=TABLE).raise_for_status()
                client.put("/tables/t", json=json.loads(ROWS)).raise_for_status()
            for clients in CLIENTS:
                latencies = asyncio.run(load(service.url, clients))
                rate = len(latencies) / SECONDS
                print(
                    f"{clients:>4} clients: {rate:>6.0f} appends/s, {rate / alone:>5.1f} of alone, "
                    f"p50 {percentile(latencies, 50):>6.1f} ms, "
                    f"p99 {percentile(latencies, 99):>6.1f} ms"
                )
        finally:
            service.stop()


def duckdb_alone(directory: Path) -> float:
    """Commits a second of one thread: one row and one commit message each."""
    directory.mkdir()
    with duckdb.connect() as connection:
        load_extension(connection, "ducklake")
        connection.execute(
            f"ATTACH 'ducklake:{directory}/catalog.ducklake' AS lake "
            f"(DATA_PATH '{directory}/data/')"
        )
        connection.execute("CREATE TABLE lake.t (id BIGINT, x VARCHAR)")
        count = 0
        began = time.monotonic()
        while time.monotonic() - began < SECONDS:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO lake.t VALUES (1, 'hello')")
            connection.execute("CALL lake.set_commit_message('bench', '{\"v\":1}')")
            connection.execute("COMMIT")
            count += 1
        return count / (time.monotonic() - began)


async def load(url: str, clients: int) -> list[float]:
    """Let clients append one row after the other; the milliseconds that each append took."""
    ends_at = time.monotonic() + SECONDS
    runs = await asyncio.gather(*(one_client(url, ends_at) for _ in range(clients)))
    return [latency for run_ in runs for latency in run_]


async def one_client(url: str, ends_at: float) -> list[float]:
    """A client on a connection of its own. Bare sockets: it shares the cores with the service."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    request = (
        b"PUT /tables/t HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(ROWS), ROWS)
    )
    latencies: list[float] = []
    while (began := time.monotonic()) < ends_at:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise AssertionError(head.decode())
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        latencies.append((time.monotonic() - began) * 1000)
    writer.close()
    return latencies


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile of the values."""
    return statistics.quantiles(values, n=100)[percent - 1]
