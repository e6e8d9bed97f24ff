"""Durable one-row appends: the service with many clients against DuckLake alone.

With all that an append has as served: a key of its own, validation, lineage, the access log,
files and catalog synced.
"""

import itertools
import json
import statistics
import tempfile
import time
from pathlib import Path

import duckdb
import msgspec

from adapters.ducklake.engine.extensions import load_extension
from benchmarks.load import closed_loop, percentile
from tests.e2e.service import ServiceProcess

SECONDS = 8.0
CLIENTS = (1, 16, 64, 256)
TARGETS = {64: 6, 256: 12}
TABLE = {
    "name": "t",
    "columns": [{"name": "id", "type": "BIGINT"}, {"name": "x", "type": "VARCHAR"}],
}
ROWS = b'[{"id":1,"x":"hello"}]'

_keys = itertools.count()


def run() -> None:
    """Measure DuckLake alone first, then the service at rising numbers of clients."""
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as directory:
        alone = duckdb_alone(Path(directory) / "alone")
        rate_alone, p50_alone = len(alone) / SECONDS, statistics.median(alone)
        print(f"DuckLake alone, one thread: {rate_alone:.0f} commits/s, p50 {p50_alone:.1f} ms")
        service = ServiceProcess(Path(directory) / "home", {})
        service.start()
        try:
            with service.client() as client:
                client.post("/tables", json=TABLE).raise_for_status()
                client.put("/tables/t", json=json.loads(ROWS)).raise_for_status()
            for clients in CLIENTS:
                latencies = closed_loop(service.url, append, clients, SECONDS, check)
                rate, p50 = len(latencies) / SECONDS, percentile(latencies, 50)
                target = f" (target {TARGETS[clients]})" if clients in TARGETS else ""
                more = f", {p50 - p50_alone:+.1f} ms (target +3)" if clients == 1 else ""
                print(
                    f"{clients:>4} clients: {rate:>6.0f} appends/s, "
                    f"{rate / rate_alone:>5.1f} of alone{target}, p50 {p50:>6.1f} ms{more}, "
                    f"p99 {percentile(latencies, 99):>6.1f} ms"
                )
        finally:
            service.stop()


def append() -> bytes:
    """The request of one append, under a key of its own."""
    return (
        b"PUT /tables/t HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        b"Idempotency-Key: bench-%d\r\nContent-Length: %d\r\n\r\n%s"
        % (next(_keys), len(ROWS), ROWS)
    )


def check(content: bytes) -> None:
    """Check the answer of an append."""
    answer = msgspec.json.decode(content, type=_Answer)
    if answer.rows_appended != 1 or not answer.run_id:
        raise AssertionError(content.decode())


class _Answer(msgspec.Struct):
    rows_appended: int
    snapshot_id: int
    run_id: str


def duckdb_alone(directory: Path) -> list[float]:
    """Commits of one thread, one row and one commit message each; their milliseconds."""
    directory.mkdir()
    latencies: list[float] = []
    with duckdb.connect() as connection:
        load_extension(connection, "ducklake")
        connection.execute(
            f"ATTACH 'ducklake:{directory}/catalog.ducklake' AS lake "
            f"(DATA_PATH '{directory}/data/')"
        )
        connection.execute("CREATE TABLE lake.t (id BIGINT, x VARCHAR)")
        ends_at = time.monotonic() + SECONDS
        while (began := time.monotonic()) < ends_at:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO lake.t VALUES (1, 'hello')")
            connection.execute("CALL lake.set_commit_message('bench', '{\"v\":1}')")
            connection.execute("COMMIT")
            latencies.append((time.monotonic() - began) * 1000)
    return latencies
