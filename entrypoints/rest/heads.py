"""What the head of a request must and must not say for its message to be taken at all.

Of what the parser lets through, this is what leaves two readers of one message with two opinions
of it: the ground of request smuggling (RFC 9112, 11.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus

import msgspec

VERSIONS = frozenset({"1.0", "1.1"})

_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")


class RefusedError(Exception):
    """This is no HTTP, or none that is spoken here.

    Args:
        detail: Says what is wrong.
        code: The problem's code.
        status: The status of the answer.
    """

    def __init__(
        self,
        detail: str,
        code: str = "malformed_http",
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.status = status

    def answer(self) -> bytes:
        """The whole answer, a problem as all others are."""
        content = msgspec.json.encode(
            {
                "type": f"urn:ducklake:problem:{self.code}",
                "title": self.code.replace("_", " ").capitalize(),
                "status": self.status.value,
                "detail": self.detail,
                "instance": "",
                "code": self.code,
                "request_id": "",
            }
        )
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n"
            "content-type: application/problem+json\r\n"
            f"content-length: {len(content)}\r\n"
            "connection: close\r\n\r\n"
        )
        return head.encode("ascii") + content


def check_head(version: str, method: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Look at a head that the parser has read.

    Args:
        version: The version of HTTP, as `1.1`.
        method: The method.
        headers: The headers, their names in lower case.

    Raises:
        RefusedError: When the message cannot be taken.
    """
    if version not in VERSIONS:
        raise RefusedError(
            "HTTP/1.1 and HTTP/1.0 are spoken here.",
            "http_version_not_supported",
            HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
        )
    if method == b"CONNECT":
        # What follows it would be no HTTP.
        raise RefusedError("CONNECT is for proxies.")
    hosts = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if _HOST.fullmatch(value) is None:
                raise RefusedError("Host is no host.")
        elif name == b"transfer-encoding" and value.lower() != b"chunked":
            # The parser undoes chunks alone, and would pass on what else was done as the body.
            raise RefusedError("The only Transfer-Encoding that is taken is 'chunked'.")
    # RFC 9112, 3.2: both are to be answered 400.
    if hosts > 1 or (hosts == 0 and version != "1.0"):
        raise RefusedError("A request has one header Host.")
