"""What the body of an append claims to be: its Content-Type, its Content-Encoding."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import Headers

from domain.bodies import MAX_CODINGS, BodyFormat, ContentCoding
from domain.errors import UnsupportedCodingError
from entrypoints.rest.negotiation import format_of_body

# "A recipient SHOULD consider "x-gzip" to be equivalent to "gzip"" (RFC 9110, 8.4.1.3).
_CODINGS = {coding.value: coding for coding in ContentCoding} | {"x-gzip": ContentCoding.GZIP}


def codings_of_body(headers: Headers) -> tuple[ContentCoding, ...]:
    """The codings of a body, in the order in which they were applied; `identity` is none.

    Raises:
        UnsupportedCodingError: When one is not read here, or they are too many.
    """
    named = [
        name.strip().lower()
        for line in headers.getlist("content-encoding")
        for name in line.split(",")
        if name.strip()
    ]
    named = [name for name in named if name != "identity"]
    unknown = [name for name in named if name not in _CODINGS]
    if unknown:
        read = ", ".join(ContentCoding)
        raise UnsupportedCodingError(
            f"Content-Encoding {unknown[0][:100]!r} is not read; these are: {read}."
        )
    if len(named) > MAX_CODINGS:
        raise UnsupportedCodingError(f"A body is packed {MAX_CODINGS} times at most.")
    return tuple(_CODINGS[name] for name in named)


async def _body_format(request: Request) -> BodyFormat:
    return BodyFormat(
        format_of_body(request.headers.get("content-type")), codings_of_body(request.headers)
    )


RowBodyFormat = Annotated[BodyFormat, Depends(_body_format)]
"""What the request's body claims to be, for a route that takes rows."""
