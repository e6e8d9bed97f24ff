"""Bodies: streamed in bounded memory, and answered early without losing the answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.datasets import PutOutcome
from entrypoints.rest.app import create_app
from tests.eventually import eventually
from tests.fakes.datasets import FakeDatasets
from tests.integration.rest.conftest import Api, Fakes, problem
from tests.integration.rest.serving import served
from tests.integration.rest.test_streaming import connected

MIB = 1024**2


class Counting(FakeDatasets):
    """Reads uploads as it is told to, and keeps nothing of them.

    Attributes:
        go_on: Cleared, it stops taking.
        taken: How many bytes it took.
        largest: The largest chunk.
    """

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.go_on.set()
        self.taken = 0
        self.chunks = 0
        self.failed: BaseException | None = None

    def put_object(self, ref: Any, content: Iterable[bytes], **more: Any) -> PutOutcome:
        try:
            for chunk in content:
                self.taken += len(chunk)
                self.chunks += 1
                self.go_on.wait(30)
        except BaseException as error:
            self.failed = error
            raise
        return super().put_object(ref, [b""], **(more | {"size": None}))


def test_a_slow_store_holds_back_the_client(fakes: Fakes, tmp_path: Path) -> None:
    datasets = Counting()
    datasets.go_on.clear()
    fakes.datasets = datasets
    sent = 0
    with served(create_app(fakes.container(tmp_path))) as url:
        httpx.post(f"{url}/datasets/abc", timeout=60).raise_for_status()
        head = f"PUT /datasets/abc/x HTTP/1.1\r\nHost: x\r\nContent-Length: {200 * MIB}\r\n\r\n"
        with connected(url, head.encode()) as connection:
            connection.settimeout(0.5)
            with suppress(TimeoutError):
                while sent < 200 * MIB:
                    sent += connection.send(bytes(64 * 1024))
            # Eight MiB wait for the store; the rest is what the system holds for both ends.
            assert sent < 32 * MIB
            datasets.go_on.set()
            connection.settimeout(20)
            while sent < 200 * MIB:
                sent += connection.send(bytes(min(64 * 1024, 200 * MIB - sent)))
            assert connection.recv(100).startswith(b"HTTP/1.1 201")
    assert datasets.taken == 200 * MIB
    assert datasets.chunks <= 201


def test_a_client_that_goes_midway_fails_the_upload(fakes: Fakes, tmp_path: Path) -> None:
    datasets = Counting()
    fakes.datasets = datasets
    with served(create_app(fakes.container(tmp_path))) as url:
        httpx.post(f"{url}/datasets/abc", timeout=60).raise_for_status()
        head = b"PUT /datasets/abc/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        with connected(url, head + b"100000\r\n" + bytes(MIB) + b"\r\n5\r\nab"):
            eventually(lambda: datasets.taken > 0, "nothing came")
        eventually(lambda: datasets.failed is not None, "the upload did not fail")
        assert "before the whole body" in str(datasets.failed)
        assert httpx.get(f"{url}/datasets/abc/x", timeout=60).status_code == 404


def test_a_client_that_falls_silent_fails_the_upload(fakes: Fakes, tmp_path: Path) -> None:
    with served(create_app(fakes.container(tmp_path, client_timeout_s=0.2))) as url:
        httpx.post(f"{url}/datasets/abc", timeout=60).raise_for_status()
        head = b"PUT /datasets/abc/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"
        with connected(url, head) as connection:
            answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"incomplete_body" in answer


def test_limits_hold_by_what_is_said_and_by_what_comes(fakes: Fakes, tmp_path: Path) -> None:
    container = fakes.container(tmp_path, max_object_size=10, max_table_body=10)
    with served(create_app(container)) as url, httpx.Client(base_url=url) as client:
        client.post("/datasets/abc").raise_for_status()
        client.post(
            "/tables", json={"name": "t", "columns": [{"name": "a", "type": "INT"}]}
        ).raise_for_status()
        for path in ("/datasets/abc/x", "/tables/t"):
            for content in (b" " * 11, iter([b" " * 6] * 2)):
                headers = {"content-type": "application/json"}
                answer = client.put(path, content=content, headers=headers)
                problem(answer, 413, "too_large")
        assert client.put("/datasets/abc/x", content=b"0123456789").status_code == 201


@pytest.mark.parametrize("size", [1000, 3 * MIB, 40 * MIB])
def test_an_early_answer_is_heard(api: Api, size: int) -> None:
    """The body is far from read when the answer comes; a client that goes on sending gets it."""
    for _ in range(3):
        answer = httpx.put(f"{api.url}/datasets/not-there/x", content=bytes(size), timeout=30)
        problem(answer, 404, "bucket_not_found")
        answer = httpx.put(f"{api.url}/nothing", content=bytes(size), timeout=30)
        problem(answer, 404, "not_found")


def test_a_small_rest_keeps_the_connection(api: Api) -> None:
    small = api.http.put("/datasets/not-there/x", content=b"abc")
    assert "connection" not in small.headers
    large = api.http.put("/nothing", content=bytes(20 * MIB))
    assert large.headers["connection"] == "close"


def test_a_client_that_waits_for_leave_is_refused_without_it(api: Api) -> None:
    head = (
        f"PUT /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: {50 * MIB}\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    with connected(api.url, head.encode()) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 404")


def test_a_client_that_never_stops_is_cut_after_its_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrypoints.rest.middleware.LINGER_SECONDS", 0.3)
    head = b"PUT /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n"
    with connected(api.url, head) as connection:
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - began < 20:
                connection.sendall(bytes(MIB))
        assert time.monotonic() - began < 10


def test_uploads_at_the_same_time_do_not_mix(api: Api) -> None:
    bucket = api.bucket()
    failures: list[str] = []

    def upload(number: int) -> None:
        content = bytes([number]) * (2 * MIB + number)

        def pieces() -> Iterator[bytes]:
            for start in range(0, len(content), 100_000):
                yield content[start : start + 100_000]

        url = f"{api.url}/datasets/{bucket}/{number}"
        put = httpx.put(url, content=pieces(), timeout=60)
        got = httpx.get(url, timeout=60)
        if put.status_code != 201 or got.content != content:
            failures.append(f"{number}: {put.status_code} {len(got.content)}")

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_pipelined_requests_are_answered_in_order(api: Api) -> None:
    url = httpx.URL(api.url)
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        connection.sendall(
            b"GET /nothing1 HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing2 HTTP/1.1\r\nHost: x\r\n"
            b"Connection: close\r\n\r\n"
        )
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert answer.index(b"/nothing1") < answer.index(b"/nothing2")
