"""Requests as bytes, and answers read strictly: what a client library would not send or forgive."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 30.0
"""How long an answer may take: generous, since the machine may be busy with other tests."""

CLOSE = b"Connection: close"
CHUNKED = b"Transfer-Encoding: chunked"
QUESTION = b'{"sql":"SELECT 1 AS n"}'
ENDLESS = b'{"sql":"SELECT sum(hash(i)) AS s FROM range(1000000000000) r(i)"}'
LONG = b'{"sql":"SELECT i, hash(i) AS h FROM range(1000000000000) r(i)"}'
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The code of a problem."""
        assert self.headers["content-type"] == "application/problem+json", self
        code: str = self.json["code"]
        return code


class Connection:
    """A connection to the service."""

    def __init__(self, url: str, receive_buffer: int | None = None) -> None:
        address = urlsplit(url)
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(TIMEOUT_S)
        self.socket.connect((address.hostname, address.port))
        self._file = self.socket.makefile("rb")

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def half_close(self) -> None:
        """Send no more, and listen on."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End it without a word (RST)."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def ends(self) -> bool:
        """Wait for the end; whether nothing came before it."""
        return self._file.read(1) == b""

    def head(self) -> tuple[int, dict[str, str]]:
        """The status and the headers of the next answer."""
        line = self._file.readline().rstrip(b"\r\n")
        assert line.startswith(b"HTTP/1.1 "), line
        headers = {}
        while field := self._file.readline().rstrip(b"\r\n"):
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return int(line.split()[1]), headers

    def answer(self, *, to_head: bool = False) -> Answer:
        """The next answer, all of it."""
        status, headers = self.head()
        if to_head or status in {100, 204, 304}:
            return Answer(status, headers, b"")
        if "content-length" in headers:
            size = int(headers["content-length"])
            content = self._file.read(size)
            assert len(content) == size, "the answer is cut"
        elif headers.get("transfer-encoding") == "chunked":
            content = b"".join(self.chunks())
        else:
            content = self._file.read()
        return Answer(status, headers, content)

    def chunks(self) -> Iterator[bytes]:
        """The content of an answer whose head was read."""
        while size := int(self._file.readline(), 16):
            chunk = self._file.read(size)
            assert len(chunk) == size, "the answer is cut"
            yield chunk
            assert self._file.read(2) == b"\r\n"
        assert self._file.read(2) == b"\r\n"


@contextmanager
def connected(
    url: str, *contents: bytes, receive_buffer: int | None = None
) -> Iterator[Connection]:
    """A connection on which something was sent."""
    connection = Connection(url, receive_buffer)
    try:
        for content in contents:
            connection.send(content)
        yield connection
    finally:
        connection.close()


def ask(url: str, *contents: bytes, to_head: bool = False) -> Answer:
    """The first answer to what is sent."""
    with connected(url, *contents) as connection:
        return connection.answer(to_head=to_head)


def request(
    *headers: bytes,
    body: bytes = b"",
    method: bytes = b"POST",
    target: bytes = b"/query",
    version: bytes = b"HTTP/1.1",
    framed: bool = True,
) -> bytes:
    """A request, with the headers that every one has.

    Args:
        headers: More headers, a line each.
        body: What comes behind the head.
        method: The method.
        target: The request's target.
        version: The version of HTTP.
        framed: Whether the body's length is told.
    """
    lines = [b"%s %s %s" % (method, target, version), b"Host: x", *headers]
    if framed and body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


def question(*headers: bytes, body: bytes = QUESTION, target: bytes = b"/query") -> bytes:
    """A query."""
    return request(b"Content-Type: application/json", *headers, body=body, target=target)


def chunked(*chunks: bytes) -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in chunks) + b"0\r\n\r\n"
