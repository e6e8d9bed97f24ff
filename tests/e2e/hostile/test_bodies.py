"""Bodies of queries: JSON that is none, that is too much, or that says what nothing can hold."""

from __future__ import annotations

import codecs
import gzip
import json

import pytest

from tests.e2e.hostile.wire import QUESTION, ask, connected, question, request
from tests.e2e.service import ServiceProcess

MALFORMED = (400, "malformed_body")
TOO_DEEP = (413, "too_large")
INVALID = (422, "invalid_request")
DEEP = 100_000

BODIES = {
    "a name twice": (b'{"sql":"SELECT 1","sql":"SELECT 2"}', MALFORMED),
    "deep lists": (b'{"parameters":' + b"[" * DEEP + b"]" * DEEP + b"}", TOO_DEEP),
    "deep objects": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, TOO_DEEP),
    "deep and open": (b"[" * DEEP, TOO_DEEP),
    "beyond a double": (b'{"sql":"SELECT ?","parameters":[1e400]}', MALFORMED),
    "not a number": (b'{"sql":"SELECT ?","parameters":[NaN]}', MALFORMED),
    "infinity": (b'{"sql":"SELECT 1","timeout_s":Infinity}', MALFORMED),
    "5,000 digits": (b'{"sql":"SELECT ?","parameters":[' + b"9" * 5000 + b"]}", MALFORMED),
    "4,000 digits": (
        b'{"sql":"SELECT ?","parameters":[' + b"9" * 4000 + b"]}",
        (422, "invalid_parameters"),
    ),
    "4,000 digits of rows": (b'{"sql":"SELECT 1","row_limit":' + b"9" * 4000 + b"}", INVALID),
    "4,000 digits of time": (b'{"sql":"SELECT 1","timeout_s":' + b"9" * 4000 + b"}", INVALID),
    "half of a surrogate pair": (b'{"sql":"SELECT \'\\ud800\'"}', MALFORMED),
    "half of one in a name": (b'{"\\udfff":1,"sql":"SELECT 1"}', MALFORMED),
    "NUL in SQL": (b'{"sql":"SELECT 1\\u0000"}', (400, "invalid_sql")),
    "control character": (b'{"sql":"SELECT \n1"}', MALFORMED),
    "byte order mark": (codecs.BOM_UTF8 + QUESTION, MALFORMED),
    "UTF-16": (QUESTION.decode().encode("utf-16"), MALFORMED),
    "no UTF-8": (b'{"sql":"SELECT \'\xff\'"}', MALFORMED),
    "overlong UTF-8": (b'{"sql":"SELECT \'\xc0\xaf\'"}', MALFORMED),
    "more behind it": (QUESTION + b" x", MALFORMED),
    "two": (QUESTION * 2, MALFORMED),
    "half": (QUESTION[:10], MALFORMED),
    "single quotes": (b"{'sql':'SELECT 1'}", MALFORMED),
    "list": (b"[]", INVALID),
    "null": (b"null", INVALID),
    "text": (b'"SELECT 1"', INVALID),
    "unknown member": (b'{"sql":"SELECT 1","' + b"a" * 100_000 + b'":1}', INVALID),
    "many unknown members": (
        json.dumps({"sql": "SELECT 1"} | {f"m{n}": n for n in range(50_000)}).encode(),
        INVALID,
    ),
    "white space": (b" \r\n\t ", (400, "empty_body")),
    "nothing": (b"", (400, "empty_body")),
    "two megabytes": (b'{"sql":"' + b" " * 2_000_000 + b'"}', (413, "too_large")),
    "long SQL": (b'{"sql":"' + b"x" * 900_000 + b'"}', (413, "too_large")),
    "brackets": (
        json.dumps({"sql": f"SELECT {'(' * 20_000}1{')' * 20_000}"}).encode(),
        (400, "invalid_sql"),
    ),
}

TYPES = {
    b"Content-Type: multipart/form-data; boundary=x": (415, "unsupported_media_type"),
    b"Content-Type: application/x-www-form-urlencoded": (415, "unsupported_media_type"),
    b"Content-Type: text/plain": (415, "unsupported_media_type"),
    b"Content-Type:": (415, "unsupported_media_type"),
    b"Content-Type: /": (415, "unsupported_media_type"),
    b"Content-Type: " + b"a" * 60_000: (415, "unsupported_media_type"),
    b"Content-Encoding: x": (415, "unsupported_media_type"),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_are_no_question(service: ServiceProcess, name: str) -> None:
    body, expected = BODIES[name]
    answer = ask(service.url, question(b"Content-Length: %d" % len(body), body=b"") + body)
    assert (answer.status, answer.code) == expected
    assert len(answer.content) < 20_000, "it repeats what was sent"


@pytest.mark.parametrize("header", TYPES, ids=lambda header: header.decode()[:30])
def test_types_that_are_not_read(service: ServiceProcess, header: bytes) -> None:
    answer = ask(service.url, request(header, body=QUESTION))
    assert (answer.status, answer.code) == TYPES[header]


def test_packed_questions_are_not_read(service: ServiceProcess) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    answer = ask(service.url, question(b"Content-Encoding: gzip", body=bomb))
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


def test_packed_rows_are_unpacked_within_bounds(service: ServiceProcess) -> None:
    bomb = gzip.compress(b'{"n":1}\n' + b" " * 100_000_000)
    headers = (b"Content-Type: application/x-ndjson", b"Content-Encoding: gzip")
    target = b"/tables/numbers"
    answer = ask(service.url, request(*headers, method=b"PUT", target=target, body=bomb))
    assert (answer.status, answer.code) == (413, "too_large")


def test_json_is_utf_8_whatever_its_type_says(service: ServiceProcess) -> None:
    # RFC 8259, 11: the type has no such parameter.
    answer = ask(
        service.url, request(b"Content-Type: application/json; charset=utf-16", body=QUESTION)
    )
    assert answer.json["rows"] == [{"n": 1}]


def test_characters_beyond_the_first_plane_are_as_they_were(service: ServiceProcess) -> None:
    body = b'{"sql":"SELECT ? AS c","parameters":["\\ud83d\\ude00\\u0000"]}'
    assert ask(service.url, question(body=body)).json["rows"] == [{"c": "\U0001f600\0"}]


def test_leave_to_send_is_given_once(service: ServiceProcess) -> None:
    head = question(b"Expect: 100-continue", b"Content-Length: %d" % len(QUESTION), body=b"")
    with connected(service.url, head) as connection:
        assert connection.answer().status == 100
        connection.send(QUESTION)
        assert connection.answer().json["rows"] == [{"n": 1}]


def test_leave_to_send_is_not_given_for_what_is_refused(service: ServiceProcess) -> None:
    head = request(b"Content-Type: text/plain", b"Expect: 100-continue", b"Content-Length: 9")
    answer = ask(service.url, head)
    assert answer.status == 415
    # The client may send the body all the same: what comes next is not known.
    assert answer.headers["connection"] == "close"
