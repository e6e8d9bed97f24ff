"""Results over HTTP in each format, against draining the same result in process."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import httpx

from adapters.ducklake.engine.extensions import load_extension
from tests.e2e.service import ServiceProcess

ROWS = 3_000_000
FORMATS = ("arrow", "parquet", "csv", "ndjson", "json")
ROUNDS = 3
MIB = 1024**2
SOURCE = f"""
    SELECT i AS id, i * 1.5 AS amount, (i * 1.25)::DECIMAL(18,2) AS price, 'text ' || i AS label,
           DATE '2020-01-01' + (i % 1000)::INTEGER AS day,
           TIMESTAMP '2020-01-01' + INTERVAL (i) SECOND AS moment,
           i % 7 AS kind, i % 2 = 0 AS even
    FROM range({ROWS}) r(i)
"""


def run() -> None:
    """Make a lake, drain the table in process, then over HTTP."""
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as directory:
        home = Path(directory) / "home"
        alone = drained_in_process(home)
        print(f"{ROWS:,} rows of 8 columns, in process: {alone:.2f} s")
        service = ServiceProcess(home, {"DUCKLAKE_LOG_LEVEL": "WARNING"})
        service.start()
        try:
            with service.client(timeout_s=300) as client:
                for data_format in FORMATS:
                    seconds, size = best(lambda f=data_format: download(client, f))  # type: ignore[misc]
                    print(
                        f"{data_format:>8}: {seconds:5.2f} s, "
                        f"{seconds / alone:5.2f} of in process, "
                        f"{size / MIB / seconds:6.0f} MiB/s"
                    )
                point = statistics.median(ask(client) for _ in range(100))
                print(f"a point query: p50 {point:.1f} ms over HTTP")
                memory = resident_mib(service.process.pid)
                print(f"the service's memory afterwards: {memory:.0f} MiB")
        finally:
            service.stop()


def drained_in_process(home: Path) -> float:
    """Make the table with DuckDB itself, and drain it as Arrow; the best of some rounds."""
    data = home / "lake" / "data"
    data.mkdir(parents=True)
    with duckdb.connect() as connection:
        load_extension(connection, "ducklake")
        connection.execute(
            f"ATTACH 'ducklake:{home}/lake/catalog.ducklake' AS lake (DATA_PATH '{data}/')"
        )
        connection.execute(f"CREATE TABLE lake.t AS {SOURCE}")

        def drain() -> tuple[float, int]:
            began = time.monotonic()
            size = sum(
                batch.nbytes for batch in connection.execute("FROM lake.t").to_arrow_reader(100_000)
            )
            return time.monotonic() - began, size

        return best(drain)[0]


def download(client: httpx.Client, data_format: str) -> tuple[float, int]:
    """Read a whole answer; its seconds and bytes."""
    began = time.monotonic()
    size = 0
    body = {"sql": "FROM t"}
    with client.stream("POST", "/query", json=body, params={"format": data_format}) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_raw(MIB):
            size += len(chunk)
    return time.monotonic() - began, size


def ask(client: httpx.Client) -> float:
    """A query for one row; its milliseconds."""
    began = time.monotonic()
    client.post("/query", json={"sql": "FROM t WHERE id = 4711"}).raise_for_status()
    return (time.monotonic() - began) * 1000


def resident_mib(pid: int) -> float:
    """The memory of a process, in MiB (Linux: proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def best(measure: Callable[[], tuple[float, int]]) -> tuple[float, int]:
    """The quickest of some rounds."""
    return min(measure() for _ in range(ROUNDS))
