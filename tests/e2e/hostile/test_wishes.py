"""Headers by which clients say what they would like, in forms that no client has."""

from __future__ import annotations

import pytest

from tests.e2e.hostile.wire import ask, question, request
from tests.e2e.service import ServiceProcess

NOT_ACCEPTABLE = (406, "not_acceptable")
MALFORMED = (400, "malformed_request")

REFUSED = {
    "thousands of types": (b"Accept: " + b",".join([b"a/b"] * 15_000), NOT_ACCEPTABLE),
    "quality that is none": (b"Accept: text/csv;q=abc", NOT_ACCEPTABLE),
    "quality without end": (b"Accept: */*;q=inf", NOT_ACCEPTABLE),
    "quality below nothing": (b"Accept: */*;q=-1", NOT_ACCEPTABLE),
    "nothing but semicolons": (b"Accept: " + b";" * 60_000, NOT_ACCEPTABLE),
    "nothing but commas": (b"Accept: " + b"," * 60_000, NOT_ACCEPTABLE),
    "bytes": (b"Accept: \xff/\xfe", NOT_ACCEPTABLE),
    "no coding": (b"Accept-Encoding: *;q=0", NOT_ACCEPTABLE),
    "no coding by name": (b"Accept-Encoding: gzip;q=0, zstd;q=0, identity;q=0", NOT_ACCEPTABLE),
}

TAKEN = {
    "one type of many": b"Accept: text/csv;q=abc, " + b"a/b," * 10_000 + b"application/json",
    "thousands of codings": b"Accept-Encoding: " + b",".join([b"br"] * 20_000),
    "coding with a quality that is none": b"Accept-Encoding: gzip;q=abc, \xff",
    "range": b"Range: bytes=0-5",
    "range that is none": b"Range: bytes=abc",
    "thousands of ranges": b"Range: bytes=" + b"0-1," * 15_000,
    "thousands of preferences": b"Prefer: " + b"a," * 30_000,
    "preference that is none": b"Prefer: ;=,;;,=respond-async,,",
    "wait without end": b"Prefer: wait=999999999999999999999999",
    "tags that a query ignores": b"If-None-Match: " + b'"' * 60_001,
    "date that is none": b"If-Modified-Since: " + b"9" * 60_000,
    "unknown expectation": b"Expect: the-unexpected",
    "HTTP/2 settings": b"HTTP2-Settings: \xff",
}

TAGS = {
    "thousands": (b'"a",' * 15_000, None),
    "quotes": (b'"' * 60_001, MALFORMED),
    "open quote": (b'"a", "' + b"b," * 30_000, MALFORMED),
    "bytes": (b'"\xff"', None),
    "brackets": (b"{}()" * 10, None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wishes_that_cannot_be_met(service: ServiceProcess, name: str) -> None:
    header, expected = REFUSED[name]
    answer = ask(service.url, question(header))
    assert (answer.status, answer.code) == expected


@pytest.mark.parametrize("name", TAKEN)
def test_wishes_that_are_met_or_ignored(service: ServiceProcess, name: str) -> None:
    assert ask(service.url, question(TAKEN[name])).json["rows"] == [{"n": 1}]


@pytest.mark.parametrize("name", TAGS)
def test_tags(service: ServiceProcess, name: str) -> None:
    tags, expected = TAGS[name]
    target = b"/tables/numbers/data"
    answer = ask(service.url, request(b"If-None-Match: " + tags, method=b"GET", target=target))
    if expected is None:
        assert answer.json["rows"] == []
    else:
        assert (answer.status, answer.code) == expected


def test_a_preference_with_a_value_is_one(service: ServiceProcess) -> None:
    # RFC 7240, 2: a value, and parameters, that are not known are ignored.
    answer = ask(service.url, question(b'Prefer: foo, respond-async="x";bar=1'))
    assert answer.status == 202
    path = answer.headers["location"].encode()
    assert ask(service.url, request(method=b"DELETE", target=path)).status == 204


@pytest.mark.parametrize(
    "query, status, code",
    [
        (b"where=%00", 400, "invalid_sql"),
        (b"where=1;DROP%20TABLE%20numbers", 400, "invalid_sql"),
        (b"timeout_s=1e400", 422, "invalid_request"),
        (b"timeout_s=NaN", 422, "invalid_request"),
        (b"row_limit=99999999999999999999", 422, "invalid_request"),
        (b"row_limit=%D9%A1", 422, "invalid_request"),
        (b"columns=%22", 422, "invalid_column"),
        (b"columns=%00", 422, "invalid_column"),
        (b"columns=" + b"," * 30_000, 422, "invalid_column"),
        (b"columns=" + b"n," * 30_000 + b"n", 422, "invalid_column"),
        (b"where=" + b"(" * 30_000, 400, "invalid_sql"),
    ],
    ids=lambda value: value.decode()[:30] if isinstance(value, bytes) else None,
)
def test_questions_in_a_url(service: ServiceProcess, query: bytes, status: int, code: str) -> None:
    target = b"/tables/numbers/data?" + query
    answer = ask(service.url, request(method=b"GET", target=target))
    assert (answer.status, answer.code) == (status, code)
    assert len(answer.content) < 20_000
