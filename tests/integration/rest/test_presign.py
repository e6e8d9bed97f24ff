"""Presigned URLs over HTTP: what may be asked, and what a store without them answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.rest.conftest import Api, problem

WANTED = {"object": "a/b", "method": "GET", "expires_s": 60}


def test_a_store_without_such_urls(api: Api) -> None:
    answer = api.http.post(f"/datasets/{api.bucket()}/presign", json=WANTED)

    problem(answer, 501, "not_implemented")


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"method": "DELETE"}, "invalid_request"),
        ({"method": "get"}, "invalid_request"),
        ({"expires_s": 0}, "invalid_request"),
        ({"expires_s": 604_801}, "invalid_request"),
        ({"expires_s": "60"}, "invalid_request"),
        ({"expires_s": None}, "invalid_request"),
        ({"object": ""}, "invalid_object_name"),
        ({"object": "a/../b"}, "invalid_object_name"),
        ({"object": "a\n"}, "invalid_object_name"),
        ({"object": "a/", "method": "PUT"}, "invalid_object_name"),
        ({"more": 1}, "invalid_request"),
    ],
)
def test_what_cannot_be_asked_for(api: Api, changes: dict[str, Any], code: str) -> None:
    answer = api.http.post(f"/datasets/{api.bucket()}/presign", json=WANTED | changes)

    members = problem(answer, 422, code)
    assert all(error["in"] == "body" for error in members["errors"])


@pytest.mark.parametrize("name", list(WANTED))
def test_all_is_needed(api: Api, name: str) -> None:
    wanted = {member: value for member, value in WANTED.items() if member != name}

    members = problem(api.http.post("/datasets/abc/presign", json=wanted), 422, "invalid_request")

    assert members["errors"][0]["pointer"] == f"/{name}"
