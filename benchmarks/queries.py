"""Queries over HTTP against DuckDB alone on the same files, and against ROAPI."""

import asyncio
import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa

from benchmarks import tpch
from benchmarks.load import closed_loop, percentile
from benchmarks.roapi import running_roapi
from tests.e2e.service import ServiceProcess

ROUNDS = 5
POINTS = 300
SECONDS = 5.0
CLIENTS = (1, 4, 16)
ARROW = "application/vnd.apache.arrow.stream"
POINT = "SELECT * FROM orders WHERE o_orderkey = 4711"
SMALL_ROWS = 200_000
SMALL = f"""
    SELECT i AS id, i * 1.5::DOUBLE AS amount, 'label ' || i AS label, i % 7 AS kind
    FROM range({SMALL_ROWS}) r(i)
"""


def run() -> None:
    """Make a lake with TPC-H, and compare."""
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as directory:
        home = Path(directory) / "home"
        tpch.make_lake(home)
        small = Path(directory) / "small.parquet"
        duckdb.sql(f"COPY ({SMALL}) TO '{small}'")
        with tpch.in_process(home) as alone:
            service = ServiceProcess(home, {"DUCKLAKE_LOG_LEVEL": "WARNING"})
            service.start()
            try:
                compare_tpch(service.url, alone)
                compare_drain(service.url, alone)
                compare_points(service.url, alone)
                rates(service.url)
                compare_roapi(service, small, Path(directory))
            finally:
                service.stop()


class Client:
    """Asks over one connection, with as little between as Python has: it shares the cores."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port)

    def ask(self, sql: str, accept: str) -> http.client.HTTPResponse:
        """Send a query; the answer, to be read to its end."""
        body = json.dumps({"sql": sql})
        headers = {"Accept": accept, "Content-Type": "application/json"}
        self._connection.request("POST", "/query", body, headers)
        answer = self._connection.getresponse()
        if answer.status != http.client.OK:
            raise AssertionError(answer.read().decode())
        return answer

    def drain(self, sql: str) -> int:
        """Read a result to its end as Arrow; its bytes."""
        answer = self.ask(sql, ARROW)
        with pa.ipc.open_stream(answer) as reader:
            size = sum(batch.nbytes for batch in reader)
        answer.read()
        return size


def compare_tpch(url: str, alone: duckdb.DuckDBPyConnection) -> None:
    """The 22 queries, each in turns; the sums of their best times."""
    client = Client(url)
    over_http = in_process = 0.0
    for sql in tpch.queries().values():
        statement = sql.strip().rstrip(";")
        one, two = in_turns(
            lambda s=statement: client.drain(s),  # type: ignore[misc]
            lambda s=statement: tpch.drain(alone, s),  # type: ignore[misc]
        )
        over_http, in_process = over_http + one, in_process + two
    print(
        f"TPC-H SF1, 22 queries: {over_http:.2f} s over HTTP as Arrow, {in_process:.2f} s in "
        f"process: {over_http / in_process:.2f} (target 1.1)"
    )


def compare_drain(url: str, alone: duckdb.DuckDBPyConnection) -> None:
    """All of lineitem: 6,001,215 rows of 16 columns."""
    client = Client(url)
    over_http, in_process = in_turns(
        lambda: client.drain("FROM lineitem"), lambda: tpch.drain(alone, "FROM lineitem")
    )
    print(
        f"6 M rows of 16 columns: {over_http:.2f} s over HTTP as Arrow, {in_process:.2f} s in "
        f"process: {over_http / in_process:.2f} (target 1.25)"
    )


def compare_points(url: str, alone: duckdb.DuckDBPyConnection) -> None:
    """One row by its key, in turns."""
    client = Client(url)
    times: list[tuple[float, float]] = []
    for _ in range(POINTS):
        one = timed(lambda: client.ask(POINT, "application/json").read())
        two = timed(lambda: alone.execute(POINT).fetchall())
        times.append((one, two))
    over_http, in_process = (statistics.median(side) * 1000 for side in zip(*times, strict=True))
    print(
        f"a point query: p50 {over_http:.1f} ms over HTTP, {in_process:.1f} ms in process: "
        f"{over_http - in_process:+.1f} ms (target +2)"
    )


def rates(url: str) -> None:
    """How many point queries a second some clients get."""
    body = json.dumps({"sql": POINT}).encode()
    request = b"POST /query HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    request += b"Accept: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    for clients in CLIENTS:
        latencies = asyncio.run(closed_loop(url, lambda: request, clients, SECONDS))
        print(
            f"{clients:>3} clients: {len(latencies) / SECONDS:>5.0f} point queries/s, "
            f"p50 {percentile(latencies, 50):.1f} ms, p99 {percentile(latencies, 99):.1f} ms"
        )


def compare_roapi(service: ServiceProcess, parquet: Path, directory: Path) -> None:
    """The same small table, whole, from both."""
    columns = [
        {"name": "id", "type": "BIGINT"},
        {"name": "amount", "type": "DOUBLE"},
        {"name": "label", "type": "VARCHAR"},
        {"name": "kind", "type": "BIGINT"},
    ]
    with service.client() as client:
        client.post("/tables", json={"name": "small", "columns": columns}).raise_for_status()
        client.put(
            "/tables/small",
            content=parquet.read_bytes(),
            headers={"Content-Type": "application/vnd.apache.parquet"},
        ).raise_for_status()
    ours = Client(service.url)
    with running_roapi(parquet, directory) as theirs:
        for name, accept in (("Arrow", ARROW), ("JSON", "application/json")):
            one, two = in_turns(
                lambda a=accept: ours.ask("SELECT * FROM small", a).read(),  # type: ignore[misc]
                lambda a=accept: theirs("SELECT * FROM small", a),  # type: ignore[misc]
            )
            print(
                f"{SMALL_ROWS:,} rows of 4 columns as {name}: {one * 1000:.0f} ms, "
                f"ROAPI {two * 1000:.0f} ms: {one / two:.2f} of its time"
            )


def in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """The best seconds of each, taken in turns; once before that does not count."""
    first(), second()
    times = [(timed(first), timed(second)) for _ in range(ROUNDS)]
    return min(one for one, _ in times), min(two for _, two in times)


def timed(call: Callable[[], object]) -> float:
    """How long a call takes, in seconds."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
