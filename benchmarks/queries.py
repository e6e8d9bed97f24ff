"""Queries over HTTP against DuckDB alone on the same files, and against ROAPI.

The service keeps results for their snapshot. So each question is asked anew, with a number in a
comment that no other has, unless it is measured what asking again takes.

`python -m benchmarks.queries FILE` also writes what was measured to a CSV file.
"""

import csv
import http.client
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
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
IN_PROCESS = "in process"
ARROW = "application/vnd.apache.arrow.stream"
POINT = "SELECT * FROM orders WHERE o_orderkey = 4711"
SMALL_POINT = "SELECT * FROM nation WHERE n_nationkey = 7"
SMALL_ROWS = 200_000
SMALL = f"""
    SELECT i AS id, i * 1.5::DOUBLE AS amount, 'label ' || i AS label, i % 7 AS kind
    FROM range({SMALL_ROWS}) r(i)
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One comparison.

    Attributes:
        what: What was asked.
        service_ms: How long it took over HTTP, in milliseconds.
        other: What it is compared with.
        other_ms: How long it took there.
        target: What the ratio of the two is to be at most.
    """

    what: str
    service_ms: float
    other: str
    other_ms: float
    target: float

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.service_ms:.1f} ms over HTTP, {self.other_ms:.1f} ms "
            f"{self.other}: {self.service_ms / self.other_ms:.2f} (target {self.target:.2f})"
        )


def run() -> None:
    """Make a lake with TPC-H, and compare."""
    for measured in measure():
        print(measured)


def measure() -> Iterator[Measured]:
    """Each comparison as it is made."""
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as directory:
        home = Path(directory) / "home"
        tpch.make_lake(home)
        small = Path(directory) / "small.parquet"
        duckdb.sql(f"COPY ({SMALL}) TO '{small}'")
        with tpch.in_process(home) as alone:
            service = ServiceProcess(home, {"DUCKLAKE_LOG_LEVEL": "WARNING"})
            service.start()
            try:
                yield from compare_points("one row of 1.5 M by its key", POINT, service.url, alone)
                yield from compare_points("one row of 25", SMALL_POINT, service.url, alone)
                rates(service.url)
                yield compare_drain(service.url, alone)
                yield compare_tpch(service.url, alone)
                yield from compare_roapi(service, small, Path(directory))
            finally:
                service.stop()


class Client:
    """Asks over one connection, with as little between as Python has: it shares the cores."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port)

    def ask(self, sql: str, accept: str, *, again: bool = False) -> http.client.HTTPResponse:
        """Send a query; the answer, to be read to its end.

        Args:
            sql: The query.
            accept: The media type of the answer.
            again: Whether it may be answered as it was before.
        """
        body = json.dumps({"sql": sql if again else anew(sql)})
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


_numbers = itertools.count()


def anew(sql: str) -> str:
    """A query that was not asked before."""
    return f"{sql} -- {next(_numbers)}"


def compare_tpch(url: str, alone: duckdb.DuckDBPyConnection) -> Measured:
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
    return Measured(
        "TPC-H SF1, 22 queries, as Arrow", over_http * 1000, IN_PROCESS, in_process * 1000, 1.1
    )


def compare_drain(url: str, alone: duckdb.DuckDBPyConnection) -> Measured:
    """All of lineitem: 6,001,215 rows of 16 columns."""
    client = Client(url)
    over_http, in_process = in_turns(
        lambda: client.drain("FROM lineitem"), lambda: tpch.drain(alone, "FROM lineitem")
    )
    return Measured(
        "6 M rows of 16 columns as Arrow", over_http * 1000, IN_PROCESS, in_process * 1000, 1.25
    )


def compare_points(
    what: str, sql: str, url: str, alone: duckdb.DuckDBPyConnection
) -> Iterator[Measured]:
    """One row by its key, in turns; the target is two milliseconds more."""
    client = Client(url)
    times: list[tuple[float, float, float]] = []
    for _ in range(POINTS):
        asked = timed(lambda: client.ask(sql, "application/json").read())
        again = timed(lambda: client.ask(sql, "application/json", again=True).read())
        in_process = timed(lambda: alone.execute(sql).fetchall())
        times.append((asked, again, in_process))
    asked, again, in_process = (statistics.median(side) * 1000 for side in zip(*times, strict=True))
    target = (in_process + 2) / in_process
    yield Measured(f"{what}, p50", asked, IN_PROCESS, in_process, target)
    yield Measured(f"{what}, asked again, p50", again, IN_PROCESS, in_process, target)


def rates(url: str) -> None:
    """How many point queries a second some clients get."""
    for how, question in (("", anew), (" asked again", str)):
        for clients in CLIENTS:
            latencies = closed_loop(url, lambda q=question: _request(q(POINT)), clients, SECONDS)  # type: ignore[misc]
            print(
                f"{clients:>3} clients: {len(latencies) / SECONDS:>5.0f} point queries{how}/s, "
                f"p50 {percentile(latencies, 50):.1f} ms, p99 {percentile(latencies, 99):.1f} ms"
            )


def _request(sql: str) -> bytes:
    body = json.dumps({"sql": sql}).encode()
    head = b"POST /query HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    head += b"Accept: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


def compare_roapi(service: ServiceProcess, parquet: Path, directory: Path) -> Iterator[Measured]:
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
            for how, again in (("", False), (", asked again", True)):
                one, two = in_turns(
                    lambda a=accept, g=again: ours.ask("SELECT * FROM small", a, again=g).read(),  # type: ignore[misc]
                    lambda a=accept: theirs("SELECT * FROM small", a),  # type: ignore[misc]
                )
                what = f"{SMALL_ROWS:,} rows of 4 columns as {name}{how}"
                yield Measured(what, one * 1000, "by ROAPI", two * 1000, 1)


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


def main() -> None:
    """Print what was measured, and write it to the file that is named."""
    with Path(sys.argv[1]).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(Measured))
        for measured in measure():
            print(measured)
            writer.writerow(
                round(value, 2) if isinstance(value, float) else value
                for value in astuple(measured)
            )


if __name__ == "__main__":
    main()
