"""Small appends that go around the framework are answered as its route answers them."""

from __future__ import annotations

import itertools
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.runs import Done
from application.tables.append import AppendRowsCommand
from domain.errors import BusyError, StorageFullError
from domain.tables import AppendOutcome
from entrypoints.rest.app import create_app
from entrypoints.rest.appends import Appends
from entrypoints.rest.quick_appends import BODY_WAIT_S, QuickAppends
from tests.integration.rest.conftest import Api, Fakes, problem
from tests.integration.rest.serving import served

OWN = ("x-request-id", "lineage-run-id", "date")
_numbers = itertools.count()


@dataclass(frozen=True)
class Both:
    """Two services of the same kind; one has no way around the framework."""

    quick: httpx.Client
    plain: httpx.Client
    quick_fakes: Fakes
    plain_fakes: Fakes

    def told(self, client: httpx.Client, fakes: Fakes, request: dict[str, Any]) -> Any:
        before = len(fakes.lineage.events)
        answer = client.request(**request)
        members = answer.json() if answer.content else None
        assert (run := answer.headers.get("lineage-run-id")) is None or len(run) == 36
        for name in ("run_id", "request_id"):
            if isinstance(members, dict):
                members.pop(name, None)
        headers = sorted(
            (name, value)
            for name, value in answer.headers.items()
            if name not in (*OWN, "content-length")
        )
        events = [(event.state, event.operation) for event in fakes.lineage.events[before:]]
        return answer.status_code, headers, members, events

    def assert_same(self, request: dict[str, Any]) -> Any:
        quick = self.told(self.quick, self.quick_fakes, request)
        assert quick == self.told(self.plain, self.plain_fakes, request)
        return quick


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    quick, plain = Fakes(), Fakes()
    directory = tmp_path_factory.mktemp("spool")
    with (
        served(create_app(quick.container(directory / "quick"))) as quick_url,
        httpx.Client(base_url=quick_url, timeout=30) as quick_client,
    ):
        plain_app = create_app(plain.container(directory / "plain"))
        plain_app.user_middleware = [
            each
            for each in plain_app.user_middleware
            if getattr(each.cls, "__name__", "") != QuickAppends.__name__
        ]
        with (
            served(plain_app) as plain_url,
            httpx.Client(base_url=plain_url, timeout=30) as plain_client,
        ):
            for client in (quick_client, plain_client):
                made = client.post(
                    "/tables",
                    json={
                        "name": "t",
                        "columns": [
                            {"name": "a", "type": "INTEGER"},
                            {"name": "b", "type": "VARCHAR"},
                        ],
                    },
                )
                assert made.status_code == 201, made.text
            yield Both(quick_client, plain_client, quick, plain)


BODIES = [
    b'[{"a":1,"b":"x"}]',
    b'{"rows":[{"a":1}]}',
    b"[]",
    b"",
    b"[",
    b'[{"a":"no"}]',
    b'[{"c":1}]',
    b'{"a":1}\n{"a":2}\n',
    b"a,b\n1,x\n",
    b"\xff",
    b'[{"a":1,"b":"' + b"x" * 5_000 + b'"}]',
]
TYPES = [
    None,
    "application/json",
    "Application/JSON; charset=UTF-8",
    "application/json; charset=latin-1",
    "application/x-ndjson",
    "text/csv",
    "text/plain",
    "application/vnd.apache.parquet",
]
KEYS = [None, "known", '"known"', '"open', "a b", "x" * 256, "fresh"]
PATHS = [
    "/tables/t",
    "/tables/main.t",
    "/tables/T",
    "/tables/%74",
    "/tables/nothing",
    "/tables/1t",
    "/tables/a.b.c",
    "/tables/t/",
    "/tables/t?",
    "/tables/t?on_new_columns=error",
    "/tables/t?on_new_columns=never",
    "/tables/t?other=1",
    "/tables/t-t",
]
EXTRAS: list[dict[str, str]] = [
    {},
    {},
    {"If-Match": "*"},
    {"If-Match": '"no"'},
    {"If-Match": "a b"},
    {"If-None-Match": "*"},
    {"If-Unmodified-Since": "now"},
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "identity"},
    {"Content-Encoding": "br"},
    {"X-Request-Id": "mine"},
    {"Accept": "text/plain"},
]


@st.composite
def _requests(draw: st.DrawFn) -> dict[str, Any]:
    headers = dict(draw(st.sampled_from(EXTRAS)))
    content_type = draw(st.one_of(st.just("application/json"), st.sampled_from(TYPES)))
    if content_type is not None:
        headers["Content-Type"] = content_type
    key = draw(st.sampled_from(KEYS))
    if key is not None:
        headers["Idempotency-Key"] = f"fresh-{next(_numbers)}" if key == "fresh" else key
    body = draw(st.sampled_from(BODIES))
    return {
        "method": draw(st.sampled_from(["PUT", "PUT", "PUT", "POST", "OPTIONS"])),
        "url": draw(st.one_of(st.just("/tables/t"), st.sampled_from(PATHS))),
        "headers": headers,
        "content": [body[:3], body[3:]] if draw(st.booleans()) else body,
    }


@settings(max_examples=200, deadline=None)
@given(request=_requests())
def test_the_answers_are_the_same(both: Both, request: dict[str, Any]) -> None:
    both.assert_same(request)


def test_a_header_that_is_given_twice(both: Both) -> None:
    for name in ("Content-Type", "Idempotency-Key", "X-Other"):
        headers = [("Content-Type", "application/json"), (name, "a"), (name, "b")]
        both.assert_same(
            {"method": "PUT", "url": "/tables/t", "headers": headers, "content": BODIES[0]}
        )


def test_the_order_of_ways_does_not_matter_to_a_key(api: Api) -> None:
    """What was done one way is told the other."""
    table, key = api.table(), uuid.uuid4().hex
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    quick = api.http.put(f"/tables/{table}", content=b'[{"a":1}]', headers=headers)
    slow = api.http.put(f"/tables/{table}", content=iter([b'[{"a":', b"1}]"]), headers=headers)
    assert quick.status_code == slow.status_code == 200
    assert slow.headers["idempotent-replayed"] == "true"
    assert slow.content == quick.content


def test_a_body_that_comes_later(api: Api) -> None:
    table = api.table()
    host, port = api.url.removeprefix("http://").split(":")
    head = (
        f"PUT /tables/{table} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: 9\r\nConnection: close\r\n\r\n"
    )
    for pauses in (True, False):
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(head.encode())
            if pauses:
                # Behind the time after which its own route waits for it.
                connection.settimeout(BODY_WAIT_S * 3)
                with pytest.raises(TimeoutError):
                    connection.recv(1)
                connection.settimeout(60)
            connection.sendall(b'[{"a"')
            connection.sendall(b":1}]")
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert answer.startswith(b"HTTP/1.1 200 "), answer


@pytest.mark.parametrize(
    "error, status, code",
    [
        (BusyError("Too much."), 429, BusyError.code),
        (StorageFullError("No space."), 507, StorageFullError.code),
        (RuntimeError("secret"), 500, "internal_error"),
    ],
)
def test_what_goes_wrong_is_a_problem(
    fakes: Fakes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    code: str,
) -> None:
    async def fail(_: Appends, __: AppendRowsCommand) -> Done[AppendOutcome]:
        raise error

    monkeypatch.setattr(Appends, "run_at_once", fail)
    with served(create_app(fakes.container(tmp_path))) as url:
        answer = httpx.put(
            f"{url}/tables/t", content=b"[]", headers={"Content-Type": "application/json"}
        )
    told = problem(answer, status, code)
    assert "secret" not in str(told)
