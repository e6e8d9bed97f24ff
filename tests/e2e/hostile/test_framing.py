"""Messages whose end two readers may see in two places (RFC 9112, 6 and 11.2)."""

from __future__ import annotations

import pytest

from tests.e2e.hostile.wire import CHUNKED, CLOSE, QUESTION, ask, chunked, connected, request
from tests.e2e.service import ServiceProcess

MIB = 1024**2
SIZE = len(QUESTION)
WHOLE = chunked(QUESTION)

BAD_LENGTHS = {
    "and chunks": (b"Content-Length: 5", CHUNKED),
    "behind chunks": (CHUNKED, b"Content-Length: 5"),
    "twice the same": (b"Content-Length: %d" % SIZE, b"Content-Length: %d" % SIZE),
    "two": (b"Content-Length: %d" % SIZE, b"Content-Length: 3"),
    "list": (b"Content-Length: %d, %d" % (SIZE, SIZE),),
    "plus": (b"Content-Length: +%d" % SIZE,),
    "minus": (b"Content-Length: -1",),
    "hexadecimal": (b"Content-Length: 0x17",),
    "beyond 64 bits": (b"Content-Length: 99999999999999999999999",),
    "empty": (b"Content-Length: ",),
    "space before the colon": (b"Content-Length : %d" % SIZE,),
    "folded": (b"Content-Length:\r\n %d" % SIZE,),
}
BAD_CODINGS = {
    "unknown": (b"Transfer-Encoding: xchunked",),
    "chunks inside": (b"Transfer-Encoding: chunked, identity",),
    "another below": (b"Transfer-Encoding: gzip, chunked",),
    "twice": (CHUNKED, CHUNKED),
    "list": (b"Transfer-Encoding: chunked, chunked",),
    "parameter": (b"Transfer-Encoding: chunked;q=1",),
    "vertical tab": (b"Transfer-Encoding: \x0bchunked",),
    "quoted": (b'Transfer-Encoding: "chunked"',),
    "folded": (b"Transfer-Encoding:\r\n chunked",),
    "space before the colon": (b"Transfer-Encoding : chunked",),
}
BAD_CHUNKS = {
    "negative": b"-1\r\nx\r\n0\r\n\r\n",
    "beyond 64 bits": b"ffffffffffffffffff\r\nx",
    "prefix": b"0x5\r\nabcde\r\n0\r\n\r\n",
    "no size": b"\r\n\r\n",
    "space": b"%x \r\n%s\r\n0\r\n\r\n" % (SIZE, QUESTION),
    "bare line feeds": b"%x\n%s\n0\n\n" % (SIZE, QUESTION),
    "bare line feed in an extension": b"%x;\n%s\r\n0\r\n\r\n" % (SIZE, QUESTION),
    "control characters in an extension": b"%x;\x01\x02\r\n%s\r\n0\r\n\r\n" % (SIZE, QUESTION),
    "longer than said": b"3\r\n%s\r\n0\r\n\r\n" % QUESTION,
    "no line behind it": b"%x\r\n%sXX0\r\n\r\n" % (SIZE, QUESTION),
    "length behind it": WHOLE.removesuffix(b"\r\n") + b"Content-Length: 5\r\n\r\n",
    "bad trailer": b"%x\r\n%s\r\n0\r\nno colon\r\n\r\n" % (SIZE, QUESTION),
}
ENDLESS = {
    "trailers": WHOLE.removesuffix(b"\r\n") + b"X-Filler: x\r\n" * 100_000,
    "trailer": WHOLE.removesuffix(b"\r\n") + b"X-Filler: " + b"x" * 8 * MIB,
    "extension": b"%x;" % SIZE + b"x" * 8 * MIB,
    "zeros of a size": b"0" * 8 * MIB,
}


@pytest.mark.parametrize("headers", BAD_LENGTHS.values(), ids=BAD_LENGTHS)
def test_a_length_that_is_not_one_is_refused(
    service: ServiceProcess, headers: tuple[bytes, ...]
) -> None:
    _refused(service, request(*headers, body=WHOLE, framed=False))


@pytest.mark.parametrize("headers", BAD_CODINGS.values(), ids=BAD_CODINGS)
def test_a_coding_that_is_not_chunked_is_refused(
    service: ServiceProcess, headers: tuple[bytes, ...]
) -> None:
    _refused(service, request(*headers, body=WHOLE, framed=False))


@pytest.mark.parametrize("body", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_chunks_that_are_none_are_refused(service: ServiceProcess, body: bytes) -> None:
    _refused(service, request(CHUNKED, body=body, framed=False))


def test_extensions_of_chunks_are_let_go(service: ServiceProcess) -> None:
    body = b'%x;a=b;c="d"\r\n%s\r\n0;z\r\n\r\n' % (SIZE, QUESTION)
    assert ask(service.url, request(CHUNKED, body=body, framed=False)).status == 200


@pytest.mark.parametrize("trailer", [b"Accept: text/csv", b"Prefer: respond-async", b"Host: y"])
def test_what_comes_behind_the_body_is_no_header(service: ServiceProcess, trailer: bytes) -> None:
    body = WHOLE.removesuffix(b"\r\n") + trailer + b"\r\n\r\n"
    answer = ask(service.url, request(CHUNKED, body=body, framed=False))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_what_is_no_body_is_bounded_as_headers_are(service: ServiceProcess, body: bytes) -> None:
    answer = ask(service.url, request(CHUNKED, body=body, framed=False))
    assert (answer.status, answer.code) == (431, "headers_too_large")


def test_one_byte_in_each_chunk_is_a_body_too(service: ServiceProcess) -> None:
    body = chunked(*(bytes([each]) for each in QUESTION))
    assert ask(service.url, request(CHUNKED, body=body, framed=False)).status == 200


def test_a_body_longer_than_said_is_the_next_request(service: ServiceProcess) -> None:
    with connected(service.url, request(body=QUESTION) + b"more\r\n\r\n") as connection:
        assert connection.answer().json["rows"] == [{"n": 1}]
        refused = connection.answer()
        assert (refused.status, refused.code) == (400, "malformed_http")
        assert connection.ends()


def test_nothing_is_read_behind_the_last_request(service: ServiceProcess) -> None:
    # RFC 9112, 9.6: who says `close` has said its last.
    more = request(method=b"GET", target=b"/healthz")
    with connected(service.url, request(CLOSE, body=QUESTION) + more) as connection:
        assert connection.answer().status == 200
        assert connection.ends()


def _refused(service: ServiceProcess, content: bytes) -> None:
    """It is a problem, and nothing of the rest is taken for a request."""
    with connected(service.url, content) as connection:
        answer = connection.answer()
        assert (answer.status, answer.code) == (400, "malformed_http")
        assert answer.headers["connection"] == "close"
        assert connection.ends()
