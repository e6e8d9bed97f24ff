"""Page tokens: opaque to the client, checked when they come back."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Query
from pydantic import BeforeValidator
from starlette.requests import Request

from domain.datasets import MAX_PAGE_SIZE
from domain.errors import InvalidPageTokenError

MAX_TOKEN_LENGTH = 8192
_DIGITS = re.compile(r"[0-9]{1,18}")


def _whole_number(value: object) -> object:
    """Only digits: pydantic would take `1.0` and ` 1` for a number too."""
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise ValueError("a whole number in digits")
    return value


WholeNumber = Annotated[int, BeforeValidator(_whole_number)]

PageSize = Annotated[
    WholeNumber,
    Query(ge=1, le=MAX_PAGE_SIZE, description="At most so many are answered.", examples=[100]),
]
PageToken = Annotated[
    str | None,
    Query(description="`next_page_token` of the page before."),
]


def to_token(*place: str) -> str:
    """The token of a place in a listing."""
    packed = json.dumps(place, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def from_token(token: str, parts: int) -> tuple[str, ...]:
    """The place that a token names.

    Raises:
        InvalidPageTokenError: When the service did not hand it out.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidPageTokenError("The page token is not one of this service.")
    try:
        padded = token + "=" * (-len(token) % 4)
        packed = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
        place: Any = json.loads(packed)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidPageTokenError("The page token is not one of this service.") from error
    if (
        not isinstance(place, list)
        or len(place) != parts
        or not all(isinstance(part, str) and _is_text(part) for part in place)
    ):
        raise InvalidPageTokenError("The page token is not one of this service.")
    return tuple(place)


def _is_text(part: str) -> bool:
    try:
        part.encode()
    except UnicodeEncodeError:
        return False
    return True


def next_link(request: Request, token: str) -> str:
    """The Link header that names the next page (RFC 8288)."""
    query = [
        f"{quote(name, safe='')}={quote(value, safe='')}"
        for name, value in request.query_params.multi_items()
        if name != "page_token"
    ]
    query.append(f"page_token={token}")
    return f'<{request.scope["path"]}?{"&".join(query)}>; rel="next"'
