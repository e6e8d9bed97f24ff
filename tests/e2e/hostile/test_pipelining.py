"""Several requests on one connection, sent before the answers came."""

from __future__ import annotations

import pytest

from tests.e2e.hostile.busy import until_busy
from tests.e2e.hostile.wire import (
    ALIVE,
    CHUNKED,
    ENDLESS,
    LONG,
    QUESTION,
    ask,
    chunked,
    connected,
    question,
    request,
)
from tests.e2e.service import ServiceProcess

MANY = 200


def numbered(number: int) -> bytes:
    return question(body=b'{"sql":"SELECT %d AS n"}' % number)


def test_answers_come_in_the_order_of_the_requests(service: ServiceProcess) -> None:
    requests = b"".join(numbered(number) + ALIVE for number in range(MANY))
    with connected(service.url, requests) as connection:
        for number in range(MANY):
            assert connection.answer().json["rows"] == [{"n": number}]
            assert connection.answer().json == {"status": "alive"}


def test_requests_cut_anywhere_are_whole(service: ServiceProcess) -> None:
    requests = numbered(1) + request(CHUNKED, body=chunked(QUESTION), framed=False) + ALIVE
    with connected(service.url) as connection:
        for byte in requests:
            connection.send(bytes([byte]))
        assert [connection.answer().status for _ in range(3)] == [200, 200, 200]


def test_a_request_that_fails_harms_no_other(service: ServiceProcess) -> None:
    bad = question(body=b'{"sql":"SELECT nothing"}')
    with connected(service.url, numbered(1) + bad + numbered(2)) as connection:
        assert connection.answer().json["rows"] == [{"n": 1}]
        assert connection.answer().status == 400
        assert connection.answer().json["rows"] == [{"n": 2}]


@pytest.mark.parametrize(
    "rest",
    [
        b"garbage\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        request(CHUNKED, body=b"no size\r\n", framed=False),
        b"\r\n" * 100_000,
    ],
    ids=["garbage", "no host", "bad chunk", "empty lines"],
)
def test_what_is_no_request_is_refused_behind_the_answers(
    service: ServiceProcess, rest: bytes
) -> None:
    with connected(service.url, numbered(1) + ALIVE + numbered(2) + rest) as connection:
        assert connection.answer().json["rows"] == [{"n": 1}]
        assert connection.answer().json == {"status": "alive"}
        assert connection.answer().json["rows"] == [{"n": 2}]
        assert connection.answer().status in {400, 431}
        assert connection.ends()


def test_garbage_does_not_get_into_an_answer_that_goes_on(service: ServiceProcess) -> None:
    rows = b'{"sql":"SELECT i FROM range(3000000) r(i)"}'
    asking = question(body=rows, target=b"/query?format=csv")
    with connected(service.url, asking) as connection:
        assert connection.head()[0] == 200
        connection.send(b"garbage\r\n\r\n")
        content = b"".join(connection.chunks())
        assert content.count(b"\n") == 3_000_001
        assert connection.answer().code == "malformed_http"
        assert connection.ends()


@pytest.mark.parametrize("body", [ENDLESS, LONG], ids=["no row", "rows"])
@pytest.mark.parametrize("waiting", [1, 10])
def test_who_goes_with_requests_waiting_leaves_no_query(
    service: ServiceProcess, body: bytes, waiting: int
) -> None:
    # The fixture asks next, and there is one slot.
    with connected(service.url, question(body=body)) as connection:
        if body is ENDLESS:
            until_busy(service)
        else:
            assert connection.head()[0] == 200
        connection.send(ALIVE * waiting)
        # So that what waits was read; all connections are read in turn.
        assert ask(service.url, ALIVE).status == 200


def test_who_goes_from_what_came_at_once_leaves_no_query(service: ServiceProcess) -> None:
    with connected(service.url, question(body=ENDLESS) + ALIVE):
        until_busy(service)


def test_an_endless_query_holds_up_its_own_connection_alone(service: ServiceProcess) -> None:
    with (
        connected(service.url, question(body=ENDLESS) + ALIVE),
        connected(service.url, ALIVE) as another,
    ):
        assert another.answer().status == 200
