"""Clients that go away: in order, halfway or without a word, whatever they had asked for.

That their queries are gone too is shown by the fixture: there is one slot, and it asks next.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.e2e.hostile.busy import until_busy
from tests.e2e.hostile.wire import (
    ALIVE,
    ENDLESS,
    LONG,
    Connection,
    ask,
    connected,
    question,
    request,
)
from tests.e2e.service import ServiceProcess

FORMATS = ("json", "ndjson", "csv", "arrow", "parquet")
WAYS = ("close", "reset")
BEGINNINGS = {
    "head": question()[:10],
    "body": question()[:-5],
    "no body": question(b"Content-Length: 9", body=b""),
    "chunk": request(b"Transfer-Encoding: chunked", body=b"5\r\nab", framed=False),
    "chunks": request(b"Transfer-Encoding: chunked", body=b"5\r\nabcde\r\n", framed=False),
}
QUERIES = {
    "lake": question(body=ENDLESS),
    "table": question(body=ENDLESS, target=b"/tables/numbers/query"),
    "QUERY": request(b"Content-Type: application/json", method=b"QUERY", body=ENDLESS),
    "HTTP/1.0": request(version=b"HTTP/1.0", body=ENDLESS),
    "an upgrade": question(b"Connection: Upgrade", b"Upgrade: h2c", body=ENDLESS),
}


def go(connection: Connection, way: str) -> None:
    if way == "reset":
        connection.reset()
    else:
        connection.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("content", BEGINNINGS.values(), ids=BEGINNINGS)
def test_within_a_request(service: ServiceProcess, content: bytes, way: str) -> None:
    with connected(service.url, content) as connection:
        go(connection, way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("content", QUERIES.values(), ids=QUERIES)
def test_while_the_engine_works(service: ServiceProcess, content: bytes, way: str) -> None:
    with connected(service.url, content) as connection:
        until_busy(service)
        go(connection, way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("data_format", FORMATS)
def test_in_the_middle_of_an_answer(service: ServiceProcess, data_format: str, way: str) -> None:
    asking = question(body=LONG, target=b"/query?format=" + data_format.encode())
    with connected(service.url, asking, receive_buffer=4096) as connection:
        assert connection.head()[0] == 200
        go(connection, way)


@pytest.mark.parametrize("way", WAYS)
def test_while_it_waits_for_a_slot(service: ServiceProcess, way: str) -> None:
    with connected(service.url, question(body=ENDLESS)), ExitStack() as waiting:
        connections = [
            waiting.enter_context(connected(service.url, question(body=ENDLESS))) for _ in range(5)
        ]
        assert ask(service.url, ALIVE).status == 200
        for connection in connections:
            go(connection, way)


def test_hundreds_at_once(service: ServiceProcess) -> None:
    for _ in range(300):
        with connected(service.url, question(body=ENDLESS)) as connection:
            connection.reset()


def test_who_shuts_the_sending_side_is_gone(service: ServiceProcess) -> None:
    # Nothing tells it from one who closed all: a query for it is stopped, as for that one.
    with connected(service.url, question(body=ENDLESS)) as connection:
        until_busy(service)
        connection.half_close()
        assert connection.ends()


@pytest.mark.parametrize("content", [b"", ALIVE[:10], question()[:-5]], ids=["-", "head", "body"])
def test_who_shuts_it_within_a_request_hears_nothing(
    service: ServiceProcess, content: bytes
) -> None:
    with connected(service.url, content) as connection:
        connection.half_close()
        assert connection.ends()


def test_a_body_that_was_cut_writes_nothing(service: ServiceProcess) -> None:
    rows = b'[{"n":1},{"n":2}]'
    head = request(
        b"Content-Type: application/json",
        b"Content-Length: %d" % (len(rows) + 1),
        method=b"PUT",
        target=b"/tables/numbers",
    )
    with connected(service.url, head, rows):
        pass
    count = question(body=b'{"sql":"SELECT count(*) AS n FROM numbers"}')
    assert ask(service.url, count).json["rows"] == [{"n": 0}]
