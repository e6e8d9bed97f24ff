"""Streams: bounded while the client is slow, and stopped when it goes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from dependency_injector import providers

from domain.datasets import ByteRange, ByteStream, ObjectInfo, ObjectMetadata, ObjectRef, OpenObject
from domain.errors import QueryCancelledError
from domain.lineage import RunState
from entrypoints.rest.app import create_app
from tests.eventually import eventually
from tests.fakes.datasets import FakeDatasets
from tests.integration.rest.conftest import Fakes
from tests.integration.rest.scripted import ScriptedQueries, ScriptedResult
from tests.integration.rest.serving import served

MIB = 1024**2
HEAD = b"POST /query?format=ndjson HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n"
ASK = HEAD + b'{"sql":"select"}'


@contextmanager
def scripted(
    fakes: Fakes, tmp_path: Path, chunks: Callable[[threading.Event], Iterator[bytes]], **more: Any
) -> Iterator[tuple[str, ScriptedQueries]]:
    queries = ScriptedQueries(lambda _: ScriptedResult(chunks))
    container = fakes.container(tmp_path, **more)
    container.queries.override(providers.Object(queries))
    with served(create_app(container), user_timeout_ms=1000) as url:
        yield url, queries


@contextmanager
def connected(url: str, request: bytes, receive_buffer: int = 64 * 1024) -> Iterator[socket.socket]:
    parsed = httpx.URL(url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(20)
        connection.connect((parsed.host, parsed.port))
        connection.sendall(request)
        yield connection


def endless(closed: threading.Event) -> Iterator[bytes]:
    while not closed.is_set():
        yield b'{"n":1}\n' * (MIB // 8)
    raise QueryCancelledError("It was stopped.")


def test_a_slow_client_holds_bounded_memory_and_no_thread(fakes: Fakes, tmp_path: Path) -> None:
    # Of one thread for queries, two clients that take nothing leave enough for a third.
    with (
        scripted(fakes, tmp_path, endless, query_workers=1) as (url, queries),
        connected(url, ASK),
        connected(url, ASK),
    ):
        eventually(lambda: len(queries.opened) == 2, "the queries did not open")
        eventually(lambda: all(result.taken >= 2 * MIB for result in queries.opened), "no chunks")
        time.sleep(0.3)
        assert all(result.taken <= 12 * MIB for result in queries.opened)
        with connected(url, ASK) as third:
            received = 0
            while received < 20 * MIB:
                received += len(third.recv(MIB))


def test_a_client_that_goes_stops_its_query_at_once(fakes: Fakes, tmp_path: Path) -> None:
    with scripted(fakes, tmp_path, endless) as (url, queries):
        with connected(url, ASK) as connection:
            connection.recv(100)
        began = time.monotonic()
        assert queries.opened[0].closed.wait(20)
        assert time.monotonic() - began < 5
        eventually(
            lambda: any(event.state is RunState.ABORT for event in fakes.lineage.events),
            "the run did not end",
        )
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200


def test_a_client_that_goes_before_the_first_row_stops_its_query(
    fakes: Fakes, tmp_path: Path
) -> None:
    running = threading.Event()

    def long(closed: threading.Event) -> Iterator[bytes]:
        running.set()
        closed.wait(30)
        yield from ()
        raise QueryCancelledError("It was stopped.")

    with scripted(fakes, tmp_path, long) as (url, queries):
        with connected(url, ASK):
            assert running.wait(20)
        assert queries.opened[0].closed.wait(20)
        eventually(
            lambda: any(event.state is RunState.ABORT for event in fakes.lineage.events),
            "the run did not end",
        )


def test_a_client_that_takes_nothing_is_given_up(fakes: Fakes, tmp_path: Path) -> None:
    with scripted(fakes, tmp_path, endless) as (url, queries), connected(url, ASK, 4096):
        eventually(lambda: bool(queries.opened), "the query did not open")
        assert queries.opened[0].closed.wait(60)


def test_the_end_of_the_service_stops_queries(fakes: Fakes, tmp_path: Path) -> None:
    running = threading.Event()

    def long(closed: threading.Event) -> Iterator[bytes]:
        running.set()
        yield b'{"n":1}\n'
        closed.wait(30)
        raise QueryCancelledError("It was stopped.")

    began = 0.0
    with scripted(fakes, tmp_path, long) as (url, queries), connected(url, ASK) as connection:
        assert running.wait(20)
        connection.recv(100)
        began = time.monotonic()
    assert queries.opened[0].closed.is_set()
    assert time.monotonic() - began < 20


def test_chunks_of_any_size_make_one_answer(fakes: Fakes, tmp_path: Path) -> None:
    lines = [b'{"n":%d}\n' % number for number in range(20_000)]
    whole = b"".join(lines)

    def pieces(closed: threading.Event) -> Iterator[bytes]:
        for start in range(0, len(whole), 17):
            yield whole[start : start + 17]
            yield b""

    with scripted(fakes, tmp_path, pieces) as (url, _):
        ndjson = httpx.post(f"{url}/query?format=ndjson", json={"sql": "x"}, timeout=60)
        assert ndjson.content == whole
        told = httpx.post(f"{url}/query", json={"sql": "x"}, timeout=60).json()
        assert told["rows"] == [{"n": number} for number in range(20_000)]


class _Endless(OpenObject):
    """A large object of zeros, made as it is read."""

    def __init__(self, info: ObjectInfo) -> None:
        self._info = info
        self.taken = 0
        self.closed = threading.Event()

    @property
    def info(self) -> ObjectInfo:
        return self._info

    def read(self, part: ByteRange | None = None) -> ByteStream:
        return self

    def __iter__(self) -> Iterator[bytes]:
        while self.taken < self._info.size and not self.closed.is_set():
            self.taken += MIB
            yield bytes(MIB)

    def close(self) -> None:
        self.closed.set()


class _OneLargeObject(FakeDatasets):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.opened: list[_Endless] = []

    def open_object(self, ref: ObjectRef) -> OpenObject:
        from datetime import UTC, datetime  # noqa: PLC0415

        now = datetime.now(UTC)
        info = ObjectInfo(ref, self.size, "tag", "x/y", ObjectMetadata(), now)
        self.opened.append(_Endless(info))
        return self.opened[-1]


def test_a_download_is_cut_when_the_client_goes_and_bounded_when_it_waits(
    fakes: Fakes, tmp_path: Path
) -> None:
    datasets = _OneLargeObject(10 * 1024 * MIB)
    fakes.datasets = datasets
    request = b"GET /datasets/abc/x HTTP/1.1\r\nHost: x\r\n\r\n"
    with served(create_app(fakes.container(tmp_path))) as url:
        with connected(url, request) as connection:
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
            eventually(lambda: datasets.opened[0].taken >= 2 * MIB, "no bytes")
            time.sleep(0.2)
            assert datasets.opened[0].taken <= 12 * MIB
        assert datasets.opened[0].closed.wait(20)


def test_a_download_whose_store_fails_midway_is_short(fakes: Fakes, tmp_path: Path) -> None:
    class Short(_OneLargeObject):
        def open_object(self, ref: ObjectRef) -> OpenObject:
            opened = super().open_object(ref)
            assert isinstance(opened, _Endless)
            pieces = iter(opened)

            def failing() -> Iterator[bytes]:
                yield next(pieces)
                raise OSError("/secret")

            opened.__class__ = type("Failing", (_Endless,), {"__iter__": lambda _: failing()})
            return opened

    fakes.datasets = Short(3 * MIB)
    with (
        served(create_app(fakes.container(tmp_path))) as url,
        pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"),
    ):
        httpx.get(f"{url}/datasets/abc/x", timeout=60)
