"""Strict routes: what a request says that is unknown, or comes later, is never ignored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import (
    EmptyBodyError,
    MalformedError,
    UnsupportedFormatError,
    UnsupportedOperationError,
)
from entrypoints.rest.bodies import read_small_body
from entrypoints.rest.json_bodies import parse_json

QUERY_METHOD = "QUERY"
"""A method that asks a question in its body, safe and idempotent (RFC 10008)."""

ACCEPT_QUERY = {"Accept-Query": "application/json"}
"""Tells that a path takes the method QUERY, and with what (RFC 10008, section 3)."""

MAX_CONTROL_BODY = 1024**2
"""The greatest body that says what to do, in bytes; those that carry data have other limits."""


@dataclass(frozen=True)
class Later:
    """A dependency that refuses what the contract names and this version does not do yet.

    Attributes:
        headers: Headers; `identity` says nothing in any of them.
    """

    headers: tuple[str, ...]

    async def __call__(self, request: Request) -> None:
        """Raises: UnsupportedOperationError: When the request has one of them."""
        for header in self.headers:
            if request.headers.get(header, "identity").strip().lower() != "identity":
                raise UnsupportedOperationError(f"The header {header!r} is not implemented yet.")


class StrictRoute(APIRoute):
    """A route that knows all its query parameters, and reads JSON bodies strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, behind the checks."""
        handle = super().get_route_handler()
        known = frozenset(_parameters(self.dependant))
        takes_json = self.body_field is not None

        async def strict(request: Request) -> Response:
            _check_query(request, known)
            if takes_json:
                content = await _json_content(request)
                request = _JsonRequest(request, content, parse_json(content))
            return await handle(request)

        return strict


class _JsonRequest(Request):
    """A request whose body was read as JSON already."""

    def __init__(self, request: Request, content: bytes, value: object) -> None:
        scope = dict(request.scope)
        # The framework reads a body as JSON only when it is called so.
        scope["headers"] = [
            *(pair for pair in request.scope["headers"] if pair[0] != b"content-type"),
            (b"content-type", b"application/json"),
        ]
        super().__init__(scope, request.receive)
        self.content = content
        self._value = value

    async def body(self) -> bytes:
        return b"{}"

    async def json(self) -> Any:
        return self._value


def content_of(request: Request) -> bytes:
    """The JSON body of a request as it came; empty where the route takes none."""
    return request.content if isinstance(request, _JsonRequest) else b""


def _parameters(dependant: Dependant) -> Iterable[str]:
    for parameter in dependant.query_params:
        yield parameter.alias
    for dependency in dependant.dependencies:
        yield from _parameters(dependency)


def _check_query(request: Request, known: frozenset[str]) -> None:
    """Raises: MalformedError, RequestValidationError: When the query string is not understood."""
    query: bytes = request.scope["query_string"]
    try:
        given = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1000
        )
    except ValueError as error:
        raise MalformedError("The query string is not UTF-8, or has too many fields.") from error
    errors = [
        {"loc": ("query", name), "msg": "There is no parameter of this name."}
        for name, _ in given
        if name not in known
    ]
    errors += [
        {"loc": ("query", name), "msg": "The parameter is given more than once."}
        for name, count in Counter(name for name, _ in given if name in known).items()
        if count > 1
    ]
    if errors:
        raise RequestValidationError(errors)


async def _json_content(request: Request) -> bytes:
    """The JSON body of a request that controls something.

    Raises:
        MalformedError: When QUERY does not say what it sends.
        UnsupportedFormatError: When it is said to be something else than JSON.
        EmptyBodyError: When there is none.
        TooLargeError: When it is over `MAX_CONTROL_BODY`.
    """
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if media_type.lower() != "application/json":
        raise UnsupportedFormatError(
            f"The body is JSON, and its Content-Type application/json; not {media_type[:100]!r}."
        )
    if request.method == QUERY_METHOD and "content-type" not in request.headers:
        # RFC 10008, section 2: such a request must fail.
        raise MalformedError("QUERY needs a Content-Type: application/json.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedFormatError("The body is sent as it is, without a Content-Encoding.")
    content = await read_small_body(request, MAX_CONTROL_BODY)
    if not content.strip():
        raise EmptyBodyError("A JSON object is due in the body.")
    return content
