"""A service whose slots for queries are all taken, on a real lake."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from entrypoints.container import build_container
from entrypoints.rest.app import create_app
from entrypoints.settings import load_settings
from tests.integration.rest.serving import served

ENDLESS = "SELECT sum(hash(i)) AS s FROM range(1000000000000) r(i)"
RUNNING, WAITING = 2, 3
FAST_S = 5.0
"""Generous, since the machine that runs the tests may be busy: the queries never end."""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    settings = load_settings(
        {},
        home=tmp_path / "home",
        lineage_flush_s=0,
        query_workers=RUNNING,
        query_queue=WAITING,
        ready_timeout_s=FAST_S,
    )
    with served(create_app(build_container(settings))) as base:
        httpx.get(f"{base}/readyz", timeout=60).raise_for_status()
        asked = httpx.post(f"{base}/query", json={"sql": "SELECT 1"}, timeout=60)
        asked.raise_for_status()
        httpx.post(f"{base}/datasets/files", timeout=60).raise_for_status()
        yield base


@contextmanager
def endless_query(url: str) -> Iterator[None]:
    parsed = httpx.URL(url)
    body = json.dumps({"sql": ENDLESS}).encode()
    head = f"POST /query HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((parsed.host, parsed.port or 80)) as connection:
        connection.sendall(head.encode() + body)
        yield


def until_refused(url: str) -> httpx.Response:
    """The first answer that is not one to wait for: requests may overtake each other."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        # This one may come before the last of the others, and then would wait for ever.
        with suppress(httpx.ReadTimeout):
            answer = httpx.post(f"{url}/query", json={"sql": "SELECT 1"}, timeout=2)
            if answer.status_code == 429:
                return answer
    raise AssertionError("the queue never was full")


def test_all_else_goes_on_while_queries_take_all_slots(url: str) -> None:
    with ExitStack() as queries:
        for _ in range(RUNNING + WAITING):
            queries.enter_context(endless_query(url))
        refused = until_refused(url)
        assert refused.json()["code"] == "too_busy"
        assert int(refused.headers["retry-after"]) >= 1
        for method, path, content, status in (
            ("GET", "/healthz", None, 200),
            ("GET", "/readyz", None, 200),
            ("PUT", "/datasets/files/x", bytes(1024**2), 201),
            ("GET", "/datasets/files/x", None, 200),
            ("GET", "/tables", None, 200),
            ("DELETE", "/datasets/files/x", None, 204),
        ):
            began = time.monotonic()
            answer = httpx.request(method, f"{url}{path}", content=content, timeout=60)
            assert answer.status_code == status, (path, answer.text)
            assert time.monotonic() - began < FAST_S, path
    # The clients went away: their slots are free, those of queries that waited too.
    deadline = time.monotonic() + 30
    while (
        answer := httpx.post(f"{url}/query", json={"sql": "SELECT 2 AS n"}, timeout=60)
    ).status_code == 429:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert answer.json()["rows"] == [{"n": 2}]
