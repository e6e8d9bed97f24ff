"""Durable one-row appends: the service with many clients against DuckLake alone."""

import asyncio
import json
import tempfile
import time
from pathlib import Path

import duckdb

from adapters.ducklake.extensions import load_extension
from benchmarks.load import closed_loop, percentile
from tests.e2e.service import ServiceProcess

SECONDS = 8.0
CLIENTS = (1, 16, 64, 256)
TABLE = {
    "name": "t",
    "columns": [{"name": "id", "type": "BIGINT"}, {"name": "x", "type": "VARCHAR"}],
}
ROWS = b'[{"id":1,"x":"hello"}]'
REQUEST = (
    b"PUT /tables/t HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(ROWS), ROWS)
)


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
                latencies = asyncio.run(closed_loop(service.url, REQUEST, clients, SECONDS))
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
