import json
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest
from dependency_injector import providers

from domain.health import Health
from entrypoints.rest.app import create_app
from tests.fakes.datasets import FakeDatasets
from tests.integration.rest.conftest import Api, Fakes, problem
from tests.integration.rest.serving import served


def test_it_lives_and_is_ready(api: Api) -> None:
    assert api.http.get("/healthz").json() == {"status": "alive"}
    ready = api.http.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "checks": {
            "catalog": {"status": "ok"},
            "storage": {"status": "ok"},
            "lineage": {"status": "ok"},
        },
    }


def test_not_ready_says_what_does_not_work(fakes: Fakes, tmp_path: Path) -> None:
    class Broken(FakeDatasets):
        def check(self) -> Health:
            return Health(ok=False, detail="No such disk.")

    fakes.datasets = Broken()
    with served(create_app(fakes.container(tmp_path))) as url:
        answer = httpx.get(f"{url}/readyz", timeout=60)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    told = answer.json()
    assert told["status"] == "not_ready"
    assert told["checks"]["storage"] == {"status": "failed", "detail": "No such disk."}
    assert told["checks"]["catalog"] == {"status": "ok"}


def test_a_check_that_hangs_is_answered_and_harms_no_other(fakes: Fakes, tmp_path: Path) -> None:
    go_on = threading.Event()

    class Hanging(FakeDatasets):
        def check(self) -> Health:
            go_on.wait(30)
            return Health(ok=True)

    fakes.datasets = Hanging()
    container = fakes.container(tmp_path, ready_timeout_s=0.05)
    try:
        with served(create_app(container)) as url:
            for _ in range(12):
                told = httpx.get(f"{url}/readyz", timeout=10).json()
                assert told["checks"]["storage"]["status"] == "failed"
                assert told["checks"]["catalog"] == {"status": "ok"}
                assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
            go_on.set()
    finally:
        go_on.set()


def test_a_part_that_cannot_be_built_is_tried_again(fakes: Fakes, tmp_path: Path) -> None:
    container = fakes.container(tmp_path)
    failures = [OSError("/secret"), OSError("/secret")]

    def build() -> FakeDatasets:
        if failures:
            raise failures.pop()
        return fakes.datasets

    container.datasets.override(providers.ThreadSafeSingleton(build))
    with served(create_app(container)) as url:
        first = httpx.get(f"{url}/readyz", timeout=60)
        assert first.json()["checks"]["storage"] == {
            "status": "failed",
            "detail": "It cannot be opened (OSError).",
        }
        problem(httpx.get(f"{url}/datasets", timeout=60), 500, "internal_error")
        assert httpx.get(f"{url}/datasets", timeout=60).status_code == 200
        assert httpx.get(f"{url}/readyz", timeout=60).status_code == 200


def test_head_is_get_without_content(api: Api) -> None:
    for path in ("/healthz", "/readyz", "/tables", "/datasets", "/openapi.json", "/docs"):
        got, head = api.http.get(path), api.http.head(path)
        assert head.status_code == got.status_code == 200
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("POST", "/healthz", "GET, HEAD"),
        ("PUT", "/tables", "GET, HEAD, POST"),
        ("POST", "/tables/x", "DELETE, GET, HEAD, PUT"),
        ("GET", "/query", "POST, QUERY"),
        ("PATCH", "/datasets/abc", "DELETE, GET, HEAD, POST"),
        ("POST", "/datasets/abc/x", "DELETE, GET, HEAD, PUT"),
        ("OPTIONS", "/tables", "GET, HEAD, POST"),
    ],
)
def test_other_methods_are_405_with_those_of_the_path(
    api: Api, method: str, path: str, allowed: str
) -> None:
    answer = api.http.request(method, path)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/", "/nothing", "/tables/", "/tables/x/y", "/redoc", "//"])
def test_other_paths_are_404(api: Api, path: str) -> None:
    problem(api.http.get(f"{api.url}{path}"), 404, "not_found")


def test_a_request_id_is_taken_or_made(api: Api) -> None:
    mine = api.http.get("/healthz", headers={"x-request-id": "mine 1"})
    assert mine.headers["x-request-id"] == "mine 1"
    for bad in (b"x" * 129, b"\xe9", b""):
        made = api.http.get("/healthz", headers={b"x-request-id": bad})
        assert len(made.headers["x-request-id"]) == 32
    answer = api.http.get("/nothing", headers={"x-request-id": "here"})
    assert problem(answer, 404, "not_found")["request_id"] == "here"


def test_busy_is_429_with_retry_after(fakes: Fakes, tmp_path: Path) -> None:
    app = create_app(fakes.container(tmp_path))
    with served(app) as url:
        pool = app.state.service.workers.reads
        entered = 0
        while True:
            try:
                pool.enter()
            except Exception:  # noqa: BLE001
                break
            entered += 1
        answer = httpx.get(f"{url}/tables", timeout=60)
        problem(answer, 429, "too_busy")
        assert answer.headers["retry-after"] == "1"
        # What is full holds up nothing else.
        assert httpx.get(f"{url}/datasets", timeout=60).status_code == 200
        assert httpx.get(f"{url}/readyz", timeout=60).status_code == 200
        for _ in range(entered):
            pool.leave()
        assert httpx.get(f"{url}/tables", timeout=60).status_code == 200


def test_what_is_no_http_is_a_problem_too(api: Api) -> None:
    head = _talk(api, b"GARBAGE\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert json.loads(head.split(b"\r\n\r\n", 1)[1])["code"] == "malformed_http"


def test_headers_are_bounded(api: Api) -> None:
    line = b"X-Filler: " + b"x" * 1000 + b"\r\n"
    head = _talk(api, b"GET / HTTP/1.1\r\nHost: x\r\n" + line * 100)
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(head.split(b"\r\n\r\n", 1)[1])["code"] == "headers_too_large"


def _talk(api: Api, content: bytes) -> bytes:
    url = httpx.URL(api.url)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        connection.sendall(content)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


def test_a_thousand_stuck_sockets_do_not_hold_up_health(api: Api) -> None:
    url = httpx.URL(api.url)
    stuck = []
    try:
        for _ in range(300):
            connection = socket.create_connection((url.host, url.port or 80))
            connection.sendall(b"PUT /tables/t HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
            stuck.append(connection)
        began = time.perf_counter()
        for _ in range(20):
            assert api.http.get("/healthz").status_code == 200
        assert time.perf_counter() - began < 10
        # They hold no thread either.
        name = api.table()
        assert api.http.put(f"/tables/{name}", json=[{"a": 1}]).status_code == 200
    finally:
        for connection in stuck:
            connection.close()
