"""Heads: targets, methods, versions, names and values, and too much of them."""

from __future__ import annotations

import pytest

from tests.e2e.hostile.wire import CLOSE, QUESTION, ask, connected, question, request
from tests.e2e.service import ServiceProcess

MIB = 1024**2
HOST = b"Host: x\r\n"

NO_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "SSH": b"SSH-2.0-OpenSSH_9.9\r\n",
    "PROXY protocol": b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n",
    "response": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "NULs": bytes(1000),
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: x\n\n",
    "bare carriage returns": b"GET /healthz HTTP/1.1\rHost: x\r\r",
    "version 1.2": b"GET /healthz HTTP/1.2\r\n" + HOST + b"\r\n",
    "version 9.9": b"GET /healthz HTTP/9.9\r\n" + HOST + b"\r\n",
    "version in small letters": b"GET /healthz http/1.1\r\n" + HOST + b"\r\n",
    "unknown method": b"FOO /query HTTP/1.1\r\n" + HOST + b"\r\n",
    "method in small letters": b"get /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "long method": b"A" * 100_000 + b" /query HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT example.org:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT to a path": b"CONNECT /query HTTP/1.1\r\n" + HOST + b"\r\n",
    "authority as target": b"GET example.org:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "file as target": b"GET file:///etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in the target": b"GET /tables/a\x00b HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes in the target": b"GET /tables/\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "UTF-8 in the target": b"GET /tables/\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes in the query string": b"GET /queries?page_token=\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "space in the target": b"GET /tables/a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "host that is none": b"GET /healthz HTTP/1.1\r\nHost: x y\r\n\r\n",
    "host with a path": b"GET /healthz HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "folded header": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-A: a\r\n b\r\n\r\n",
    "NUL in a value": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-A: a\x00b\r\n\r\n",
    "control character in a value": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-A: \x01\r\n\r\n",
    "space in a name": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X A: b\r\n\r\n",
    "bytes in a name": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X\xff: b\r\n\r\n",
    "no name": b"GET /healthz HTTP/1.1\r\n" + HOST + b": b\r\n\r\n",
    "no colon": b"GET /healthz HTTP/1.1\r\n" + HOST + b"XA\r\n\r\n",
}

TOO_MUCH = {
    "many headers": HOST + b"a: b\r\n" * 20_000,
    "long value": HOST + b"a: " + b"b" * 8 * MIB,
    "long name": HOST + b"a" * 8 * MIB,
    "long tag": HOST + b"If-None-Match: " + b'"a",' * 2 * MIB,
}

NO_NAMES = {
    b"%2F": (422, "invalid_table_name"),
    b"a%2Fb": (422, "invalid_table_name"),
    b"..%2f..%2fetc%2fpasswd": (422, "invalid_table_name"),
    b"%00": (422, "invalid_table_name"),
    b"a%0d%0aX-A:b": (422, "invalid_table_name"),
    b"%25%32%46": (422, "invalid_table_name"),
    b"%C3%A9": (422, "invalid_table_name"),
    b"'": (422, "invalid_table_name"),
    b'"x"': (422, "invalid_table_name"),
    b"a;drop": (422, "invalid_table_name"),
    b"a" * 5000: (422, "invalid_table_name"),
    # Bytes that are no UTF-8: none at all, an overlong slash, half of a surrogate pair
    b"%FF": (400, "malformed_path"),
    b"%C0%AF": (400, "malformed_path"),
    b"%ED%A0%80": (400, "malformed_path"),
    b"%": (400, "malformed_path"),
    b"%zz": (400, "malformed_path"),
    b"%u0041": (400, "malformed_path"),
}


@pytest.mark.parametrize("content", NO_HTTP.values(), ids=NO_HTTP)
def test_what_is_no_http_is_refused(service: ServiceProcess, content: bytes) -> None:
    with connected(service.url, content) as connection:
        answer = connection.answer()
        assert (answer.status, answer.code) == (400, "malformed_http")
        assert connection.ends()


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/0.9"])
def test_other_versions_are_refused(service: ServiceProcess, version: bytes) -> None:
    answer = ask(service.url, request(method=b"GET", target=b"/healthz", version=version))
    assert (answer.status, answer.code) == (505, "http_version_not_supported")


def test_a_line_of_http_0_9_is_refused(service: ServiceProcess) -> None:
    # The parser takes it for the first line of a head, which an empty one ends.
    answer = ask(service.url, b"GET /healthz\r\n\r\n")
    assert (answer.status, answer.code) == (505, "http_version_not_supported")


@pytest.mark.parametrize("headers", TOO_MUCH.values(), ids=TOO_MUCH)
def test_headers_are_bounded_and_who_sends_on_hears_so(
    service: ServiceProcess, headers: bytes
) -> None:
    _hears_that_it_is_too_much(service, b"GET /healthz HTTP/1.1\r\n" + headers)


def test_a_target_without_end_is_bounded(service: ServiceProcess) -> None:
    _hears_that_it_is_too_much(service, b"GET /tables/" + b"a" * 8 * MIB)


def test_a_query_string_of_a_hundred_thousand_fields_is_bounded(service: ServiceProcess) -> None:
    _hears_that_it_is_too_much(service, question(target=b"/query?" + b"a=1&" * 100_000))


@pytest.mark.parametrize(
    "query, status, code",
    [
        (b"a=1&" * 2000, 400, "malformed_request"),
        (b"&" * 60_000, 400, "malformed_request"),
        (b"a=1&" * 900, 422, "invalid_request"),
        (b"a" * 60_000 + b"=1", 422, "invalid_request"),
        (b"format=csv&format=csv", 422, "invalid_request"),
        (b"format=%FF", 400, "malformed_request"),
        (b"%ED%A0%80=1", 400, "malformed_request"),
        (b"format=%00", 406, "not_acceptable"),
    ],
    ids=["many", "ampersands", "unknown", "long", "twice", "no UTF-8", "surrogate", "NUL"],
)
def test_query_strings(service: ServiceProcess, query: bytes, status: int, code: str) -> None:
    answer = ask(service.url, question(target=b"/query?" + query))
    assert (answer.status, answer.code) == (status, code)
    assert len(answer.content) < 10_000, "it repeats what was sent"


@pytest.mark.parametrize("name", NO_NAMES, ids=lambda name: name.decode()[:20])
@pytest.mark.parametrize("path", ["data", "query"])
def test_names_that_are_none(service: ServiceProcess, name: bytes, path: str) -> None:
    target = b"/tables/%s/%s" % (name, path.encode())
    if path == "data":
        answer = ask(service.url, request(method=b"GET", target=target))
    else:
        answer = ask(service.url, question(target=target, body=b"{}"))
    assert (answer.status, answer.code) == NO_NAMES[name]


@pytest.mark.parametrize("query_id", [b"%00", b"a", b"x" * 3000, b"%2F", b"..%2f"])
def test_ids_of_queries_that_are_none(service: ServiceProcess, query_id: bytes) -> None:
    for method, path in ((b"GET", b""), (b"GET", b"/result"), (b"DELETE", b"")):
        answer = ask(
            service.url, request(method=method, target=b"/queries/%s%s" % (query_id, path))
        )
        assert (answer.status, answer.code) == (404, "statement_not_found")


def test_an_absolute_target_is_its_path(service: ServiceProcess) -> None:
    # RFC 9112, 3.2.2: servers must take it, whatever Host says.
    target = b"http://example.org/healthz"
    assert ask(service.url, request(CLOSE, method=b"GET", target=target)).status == 200


@pytest.mark.parametrize("target", [b"//healthz", b"/tables/../healthz", b"*"])
def test_paths_are_taken_as_they_are(service: ServiceProcess, target: bytes) -> None:
    answer = ask(service.url, request(method=b"GET", target=target))
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("method", [b"TRACE", b"PROPFIND", b"HEAD"])
def test_methods_of_others_are_not_for_queries(service: ServiceProcess, method: bytes) -> None:
    answer = ask(service.url, request(method=method), to_head=method == b"HEAD")
    assert answer.status == 405
    assert answer.headers["allow"] == "POST, QUERY"


def test_bytes_in_values_are_taken(service: ServiceProcess) -> None:
    answer = ask(service.url, question(b"X-A: \xff\xfe", b"X-Request-Id: \xff\xfe"))
    assert answer.status == 200
    assert answer.headers["x-request-id"].isalnum()


def test_clients_of_http_1_0_need_no_host(service: ServiceProcess) -> None:
    head = b"POST /query HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(QUESTION)
    assert ask(service.url, head + QUESTION).json["rows"] == [{"n": 1}]


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.3"])
def test_another_protocol_is_not_taken_up_and_the_request_answered(
    service: ServiceProcess, protocol: bytes
) -> None:
    # Java's own client asks so for HTTP/2 with each request, bodies and all.
    asking = question(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: %s" % protocol)
    with connected(service.url, asking * 2) as connection:
        for _ in range(2):
            assert connection.answer().json["rows"] == [{"n": 1}]
        head, body = asking[: -len(QUESTION)], QUESTION
        connection.send(head)
        connection.send(body[:5])
        connection.send(body[5:])
        assert connection.answer().json["rows"] == [{"n": 1}]


def _hears_that_it_is_too_much(service: ServiceProcess, content: bytes) -> None:
    with connected(service.url, content) as connection:
        answer = connection.answer()
        assert (answer.status, answer.code) == (431, "headers_too_large")
        assert connection.ends()
