"""Clients that hold a connection and say little, or nothing, or take nothing."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.hostile.wire import (
    ALIVE,
    LONG,
    QUESTION,
    ask,
    chunked,
    connected,
    question,
    request,
)
from tests.e2e.service import ServiceProcess

STUCK = 300
ROUNDS = 200
TRIES = 3
FAST_MS = 100.0
HALF_A_MINUTE_S = 30
MIB = 1024**2
#: Two megabytes wait for a client, next to the engine's batches
GROWTH_MIB = 300

BEGINNINGS = {
    "nothing": b"",
    "an empty line": b"\r\n",
    "half a line": b"GET /healthz HT",
    "half a head": ALIVE[:-2],
    "a head without its body": question(b"Content-Length: 9", body=b""),
    "half a body": question()[:-5],
    "half a chunk": request(b"Transfer-Encoding: chunked", body=b"5\r\nab", framed=False),
    "half a size of a chunk": request(b"Transfer-Encoding: chunked", body=b"5", framed=False),
    "a body of exabytes": question(b"Content-Length: 4611686018427387904", body=QUESTION),
    "a body that waits for leave": question(
        b"Expect: 100-continue", b"Content-Length: 9", body=b""
    ),
    "an answered request and an empty line": ALIVE + b"\r\n",
}


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_hundreds_that_say_no_more_hold_up_nobody(
    service: ServiceProcess, beginning: bytes
) -> None:
    with ExitStack() as stuck:
        for _ in range(STUCK):
            stuck.enter_context(connected(service.url, beginning))
        # The best of some: other tests may have the cores meanwhile.
        assert min(p99_of_health(service) for _ in range(TRIES)) < FAST_MS
        assert ask(service.url, question()).json["rows"] == [{"n": 1}]


@pytest.mark.parametrize(
    "content",
    [question(), request(b"Transfer-Encoding: chunked", body=chunked(QUESTION), framed=False)],
    ids=["length", "chunks"],
)
def test_a_request_that_drips_is_answered(service: ServiceProcess, content: bytes) -> None:
    with connected(service.url) as connection:
        for byte in content:
            connection.send(bytes([byte]))
            time.sleep(0.001)
        assert connection.answer().json["rows"] == [{"n": 1}]


@pytest.mark.parametrize("data_format", ["json", "ndjson", "csv", "arrow", "parquet"])
def test_who_takes_nothing_holds_no_slot_and_little_memory(
    service: ServiceProcess, data_format: str
) -> None:
    asking = question(body=LONG, target=b"/query?format=" + data_format.encode())
    before = memory_mib(service)
    with ExitStack() as clients:
        for _ in range(4):
            connection = clients.enter_context(connected(service.url, asking, receive_buffer=4096))
            assert connection.head()[0] == 200
        # There is one slot for queries.
        assert ask(service.url, question()).json["rows"] == [{"n": 1}]
        assert memory_mib(service) - before < GROWTH_MIB


@pytest.mark.slow
def test_who_says_nothing_is_left_after_half_a_minute(service: ServiceProcess) -> None:
    with (
        connected(service.url) as silent,
        connected(service.url, b"GET /healthz HT") as begun,
        connected(service.url, ALIVE) as answered,
        connected(service.url, ALIVE) as idle,
    ):
        # What is no request does not keep a connection: not one that is new, nor one that was good.
        silent.send(b"\r\n")
        assert answered.answer().status == 200
        answered.send(b"\r\n")
        assert idle.answer().status == 200
        for connection in (idle, silent, begun, answered):
            connection.socket.settimeout(HALF_A_MINUTE_S + 30)
            assert connection.ends()


def p99_of_health(service: ServiceProcess) -> float:
    """Milliseconds in which 99 of 100 calls are answered that the service lives."""
    took = []
    with connected(service.url) as connection:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            connection.send(ALIVE)
            assert connection.answer().status == 200
            took.append((time.perf_counter() - began) * 1000)
    return statistics.quantiles(took, n=100)[98]


def memory_mib(service: ServiceProcess) -> float:
    """What it has in memory (Linux: /proc/PID/statm, in pages of 4 KiB)."""
    pages = Path(f"/proc/{service.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096 / MIB
