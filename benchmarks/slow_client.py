"""Memory while clients read slowly, and how late a timeout is."""

import http.client
import json
import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.results import resident_mib
from tests.e2e.service import ServiceProcess

MB = 1_000_000
SECONDS = float(os.environ.get("BENCH_SLOW_SECONDS", "120"))
"""How long the clients read slowly, until they read the rest as fast as it comes."""
BYTES_A_SECOND = MB
BYTES = 1000 * MB
"""How much each client reads, if its answer is that long."""
FORMATS = ("json", "ndjson", "csv", "arrow", "parquet")
ROWS = """
    SELECT i, i * 1.5 AS amount, 'label ' || i AS label, TIMESTAMP '2026-01-01' AS at
    FROM range(20000000) r(i)
"""
ENDLESS = "SELECT sum(hash(i)) AS s FROM range(1000000000000) r(i)"
ROUNDS = 20
TIMEOUT_S = 0.5


def run() -> None:
    """Read a gigabyte in each format at once; then let queries run too long."""
    with tempfile.TemporaryDirectory(prefix="ducklake-bench-") as directory:
        settings = {"DUCKLAKE_LOG_LEVEL": "ERROR", "DUCKLAKE_MEMORY_LIMIT": "1GB"}
        service = ServiceProcess(Path(directory) / "home", settings)
        service.start()
        try:
            warm_up(service.url)
            watch_memory(service)
            run_out_of_time(service.url)
        finally:
            service.stop()


def warm_up(url: str) -> None:
    """Each format once, so that its libraries are loaded."""
    for data_format in FORMATS:
        with asked(url, data_format, f"FROM ({ROWS}) LIMIT 300000") as answer:
            while answer.read(MB):
                pass


def watch_memory(service: ServiceProcess) -> None:
    """The greatest memory of the service while a slow client of each format reads."""
    before = resident_mib(service.process.pid)
    slow_until = time.monotonic() + SECONDS
    read = dict.fromkeys(FORMATS, 0)

    def client(data_format: str) -> None:
        with asked(service.url, data_format, ROWS) as answer:
            while read[data_format] < BYTES:
                slow = time.monotonic() < slow_until
                part = answer.read(BYTES_A_SECOND // 10 if slow else MB)
                if not part:
                    return
                read[data_format] += len(part)
                if slow:
                    time.sleep(0.1)

    clients = [threading.Thread(target=client, args=(each,)) for each in FORMATS]
    for thread in clients:
        thread.start()
    peaks = {True: before, False: before}
    while any(thread.is_alive() for thread in clients):
        slow = time.monotonic() < slow_until
        peaks[slow] = max(peaks[slow], resident_mib(service.process.pid))
        time.sleep(0.1)
    sizes = ", ".join(f"{size / MB:.0f} MB of {name}" for name, size in read.items())
    print(
        f"{len(FORMATS)} clients read {sizes}. Memory {before:.0f} MiB before; "
        f"{peaks[True] - before:+.0f} at most in {SECONDS:.0f} s at 1 MB/s, "
        f"{peaks[False] - before:+.0f} while they read the rest as fast as it came"
    )


def run_out_of_time(url: str) -> None:
    """How long behind its timeout a query is answered."""
    late = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        with asked(url, "ndjson", ENDLESS, timeout_s=TIMEOUT_S) as answer:
            if answer.status != http.client.GATEWAY_TIMEOUT:
                raise AssertionError(answer.read())
        late.append((time.monotonic() - began - TIMEOUT_S) * 1000)
    print(
        f"timeout: answered {statistics.median(late):.0f} ms behind it (median), "
        f"{max(late):.0f} ms at most; target 1,000 ms"
    )


@contextmanager
def asked(
    url: str, data_format: str, sql: str, timeout_s: float | None = None
) -> Iterator[http.client.HTTPResponse]:
    """The answer to a query, still to be read."""
    with sent(url, data_format, sql, timeout_s) as connection:
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        yield answer


def sent(url: str, data_format: str, sql: str, timeout_s: float | None = None) -> socket.socket:
    """A connection on which a query was sent."""
    address = urlsplit(url)
    connection = socket.socket()
    # A small buffer, or the system would read ahead for the client.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    connection.connect((address.hostname, address.port))
    question = {"sql": sql} | ({} if timeout_s is None else {"timeout_s": timeout_s})
    body = json.dumps(question).encode()
    head = f"POST /query?format={data_format} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}"
    connection.sendall(f"{head}\r\n\r\n".encode() + body)
    return connection
