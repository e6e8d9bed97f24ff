"""Clients of HTTP/1.0, which know no chunks (RFC 9112, 7.1)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import BadUpstreamError
from tests.integration.rest.conftest import Fakes
from tests.integration.rest.test_streaming import connected, scripted

MIB = 1024**2
QUERY = "/query?format=ndjson"
BODY = b'{"sql":"select"}'


def asked(version: str, *more: str, method: str = "POST", path: str = QUERY) -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "Host: x", *more]
    if method == "POST":
        lines.append(f"Content-Length: {len(BODY)}")
    return "\r\n".join([*lines, "", ""]).encode() + (BODY if method == "POST" else b"")


def rows(closed: threading.Event) -> Iterator[bytes]:
    for number in range(8):
        yield b"%d\n" % number * (MIB // 4)


def broken(closed: threading.Event) -> Iterator[bytes]:
    yield b"1\n" * (MIB // 4)
    raise BadUpstreamError("The store went away.")


def till_closed(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head and the content of an answer that the end of the connection ends.

    Raises:
        ConnectionResetError: When the connection is reset.
    """
    answer = b""
    while chunk := connection.recv(MIB):
        answer += chunk
    head, _, content = answer.partition(b"\r\n\r\n")
    return head.lower(), content


@pytest.mark.parametrize("more", [(), ("Connection: keep-alive",)])
def test_the_end_of_the_connection_ends_the_answer(
    fakes: Fakes, tmp_path: Path, more: tuple[str, ...]
) -> None:
    with (
        scripted(fakes, tmp_path, rows) as (url, _),
        connected(url, asked("1.0", *more)) as connection,
    ):
        head, content = till_closed(connection)
    assert head.startswith(b"http/1.1 200")
    assert b"transfer-encoding" not in head
    assert b"content-length" not in head
    assert b"connection: close" in head
    assert content == b"".join(rows(threading.Event()))


def test_a_failure_midway_resets_the_connection(fakes: Fakes, tmp_path: Path) -> None:
    with (
        scripted(fakes, tmp_path, broken) as (url, _),
        connected(url, asked("1.0")) as connection,
        pytest.raises(ConnectionResetError),
    ):
        till_closed(connection)


def test_answers_with_a_length_and_without_content_are_as_ever(
    fakes: Fakes, tmp_path: Path
) -> None:
    with scripted(fakes, tmp_path, rows) as (url, _):
        for method in ("GET", "HEAD"):
            with connected(url, asked("1.0", method=method, path="/healthz")) as connection:
                head, content = till_closed(connection)
            assert head.startswith(b"http/1.1 200")
            assert b"content-length: " in head
            assert bool(content) is (method == "GET")
        with connected(url, asked("1.0", method="GET", path="/nowhere")) as connection:
            head, content = till_closed(connection)
            assert head.startswith(b"http/1.1 404")
            assert b"problem+json" in head


def test_nothing_is_said_before_the_answer(fakes: Fakes, tmp_path: Path) -> None:
    # RFC 9110, 10.1.1: 100 (Continue) is not for clients of HTTP/1.0.
    with (
        scripted(fakes, tmp_path, rows) as (url, _),
        connected(url, asked("1.0", "Expect: 100-continue")) as connection,
    ):
        assert till_closed(connection)[0].startswith(b"http/1.1 200")


def test_newer_clients_get_chunks(fakes: Fakes, tmp_path: Path) -> None:
    with (
        scripted(fakes, tmp_path, rows) as (url, _),
        connected(url, asked("1.1", "Connection: close")) as connection,
    ):
        head, content = till_closed(connection)
    assert b"transfer-encoding: chunked" in head
    assert content.endswith(b"\r\n0\r\n\r\n")
