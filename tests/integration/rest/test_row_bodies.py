"""Bodies of appends: how they are packed."""

from __future__ import annotations

import gzip
import sys

import pytest

from tests.integration.rest.conftest import Api, problem

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CSV = {"content-type": "text/csv"}
ROWS = b"a\n1\n2\n"


@pytest.mark.parametrize(
    "coding, body",
    [
        ("gzip", gzip.compress(ROWS)),
        ("x-gzip", gzip.compress(ROWS)),
        ("GZip", gzip.compress(b"a\n1\n") + gzip.compress(b"2\n")),
        ("zstd", zstd.compress(ROWS)),
        ("zstd", zstd.compress(b"a\n1\n") + zstd.compress(b"2\n")),
        ("gzip, zstd", zstd.compress(gzip.compress(ROWS))),
        ("identity, gzip", gzip.compress(ROWS)),
        ("identity", ROWS),
        ("", ROWS),
    ],
)
def test_packed_rows_are_appended(api: Api, coding: str, body: bytes) -> None:
    name = api.table()
    headers = CSV | {"content-encoding": coding}
    answer = api.http.put(f"/tables/{name}", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows_appended"] == 2
    assert api.http.get(f"/tables/{name}").json()["row_count"] == 2


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, br", "gzip, gzip, gzip", "*", "x"])
def test_other_codings_are_415_with_those_that_are_read(api: Api, coding: str) -> None:
    headers = CSV | {"content-encoding": coding}
    answer = api.http.put(f"/tables/{api.table()}", content=ROWS, headers=headers)
    problem(answer, 415, "unsupported_content_coding")
    assert answer.headers["accept-encoding"] == "gzip, zstd"


def test_another_415_names_no_codings(api: Api) -> None:
    headers = {"content-type": "text/html", "content-encoding": "gzip"}
    answer = api.http.put(f"/tables/{api.table()}", content=gzip.compress(ROWS), headers=headers)
    problem(answer, 415, "unsupported_media_type")
    assert "accept-encoding" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        ROWS,
        gzip.compress(ROWS)[:-1],
        gzip.compress(ROWS) + b"garbage",
        gzip.compress(b"a\n1\n") + gzip.compress(b"2\n")[:9],
    ],
)
def test_what_is_not_packed_as_it_says_is_400_and_appends_nothing(api: Api, body: bytes) -> None:
    name = api.table()
    headers = CSV | {"content-encoding": "gzip"}
    problem(api.http.put(f"/tables/{name}", content=body, headers=headers), 400, "malformed_body")
    assert api.http.get(f"/tables/{name}").json()["row_count"] == 0
