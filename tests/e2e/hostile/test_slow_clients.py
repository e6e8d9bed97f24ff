"""Clients that hold a connection and say little, or nothing, or take nothing."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from benchmarks.load import percentile
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
FAST_MS = 100.0
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
        took = []
        with connected(service.url) as connection:
            for _ in range(ROUNDS):
                began = time.perf_counter()
                connection.send(ALIVE)
                assert connection.answer().status == 200
                took.append((time.perf_counter() - began) * 1000)
        assert percentile(took, 99) < FAST_MS
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
@pytest.mark.parametrize(
    "beginning", [b"", b"GET /healthz HT", ALIVE + b"\r\n"], ids=["nothing", "head", "empty line"]
)
def test_who_says_nothing_is_left_after_half_a_minute(
    service: ServiceProcess, beginning: bytes
) -> None:
    with connected(service.url, beginning) as connection:
        if ALIVE in beginning:
            assert connection.answer().status == 200
        connection.socket.settimeout(60)
        assert connection.ends()


def memory_mib(service: ServiceProcess) -> float:
    """What it has in memory (Linux: /proc/PID/statm, in pages of 4 KiB)."""
    with open(f"/proc/{service.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / MIB
