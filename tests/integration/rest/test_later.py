"""What the contract names and this version does not do: 501, never ignored."""

from __future__ import annotations

import pytest

from entrypoints.rest.routes.later import LATER
from tests.integration.rest.conftest import Api, problem

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("method, path", LATER)
def test_calls(api: Api, method: str, path: str) -> None:
    target = path.replace("{bucket_name}", "abc").replace("{", "").replace("}", "")
    members = problem(api.http.request(method, target), 501, "not_implemented")
    assert path in members["detail"]


@pytest.mark.parametrize(
    "method, path, header, value",
    [
        ("POST", "/tables", "If-None-Match", "*"),
        ("PUT", "/tables/{table}", "If-None-Match", "*"),
        ("DELETE", "/tables/{table}", "If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("GET", "/tables/{table}", "If-Match", '"1"'),
        ("POST", "/datasets/abc", "Idempotency-Key", "k"),
        ("PUT", "/datasets/{bucket}/x", "Content-Encoding", "gzip"),
        ("PUT", "/datasets/{bucket}/x", "Content-MD5", "abc"),
        ("PUT", "/datasets/{bucket}/x", "Content-Digest", "sha-256=:abc:"),
        ("PUT", "/datasets/{bucket}/x", "Content-Range", "bytes 0-0/1"),
        ("DELETE", "/datasets/{bucket}/x", "If-Match", '"1"'),
    ],
)
def test_headers(api: Api, method: str, path: str, header: str, value: str) -> None:
    target = path.format(table=api.table(), bucket=api.bucket())
    content = b"[]" if method == "PUT" else b'{"sql": "select 1"}'
    answer = api.http.request(
        method,
        target,
        content=None if method == "GET" else content,
        headers={"content-type": "application/json", header: value},
    )
    members = problem(answer, 501, "not_implemented")
    assert header.lower() in members["detail"].lower()


def test_other_preferences_are_preferences(api: Api) -> None:
    answer = api.http.post(
        f"/tables/{api.table()}/query", json={}, headers={"prefer": "return=minimal"}
    )
    assert answer.status_code == 200


def test_an_identity_encoding_says_nothing(api: Api) -> None:
    headers = JSON | {"content-encoding": "identity"}
    answer = api.http.put(f"/tables/{api.table()}", content=b"[]", headers=headers)
    assert answer.status_code == 200
