"""Small appends that say nothing unusual, answered before the framework looks at them.

Its routing, its search for parameters and its layers cost more than a small append itself. What
is read of a request here is read by the functions of the append's own route, and whatever is
unusual about it, or wrong, is left to that route: it gets the request as it came.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.tables.append import AppendRowsCommand
from domain.bodies import BodyFormat
from domain.errors import LakehouseError
from domain.formats import DataFormat
from domain.idempotency import IdempotencyKey
from domain.tables import TableName
from entrypoints.rest.appends import Appends, append_answer
from entrypoints.rest.errors import known_error_response, unexpected_error_response
from entrypoints.rest.negotiation import format_of_body
from entrypoints.rest.write_terms import keyed_terms, parse_key

SMALL_BODY_BYTES = 4 * 1024
"""A body up to this size is read in the event loop: that takes less time than to hand it on."""

BODY_WAIT_S = 0.1
"""How long the body may take to come; then its own route waits for it."""

_PATH = re.compile(rb"/tables/([A-Za-z0-9_.]+)")
_READ_AT_ONCE = frozenset({DataFormat.JSON, DataFormat.NDJSON, DataFormat.CSV})
_UNUSUAL_HEADERS = frozenset(
    {
        b"content-encoding",
        b"expect",
        b"if-match",
        b"if-none-match",
        b"if-unmodified-since",
        b"transfer-encoding",
    }
)


class QuickAppends:
    """Answers small appends, and passes all other requests on."""

    def __init__(self, app: ASGIApp, appends: Callable[[], Appends]) -> None:
        self._app = app
        self._appends = appends

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on as it came."""
        head = _head_of(scope)
        if head is None or head.size > self._appends().max_body:
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_WAIT_S):
                message = await receive()
        except TimeoutError:
            await self._app(scope, receive, send)
            return
        if message["type"] != "http.request" or message.get("more_body", False):
            await self._app(scope, _beginning_with(message, receive), send)
            return
        response = await self._response(scope, head.command(scope, message.get("body", b"")))
        await response(scope, receive, send)

    async def _response(self, scope: Scope, command: AppendRowsCommand) -> Response:
        try:
            done = await self._appends().run_at_once(command)
        except LakehouseError as error:
            return known_error_response(scope, error)
        except Exception as error:  # noqa: BLE001 - it is logged, and told as every other one
            return unexpected_error_response(scope, error)
        return append_answer(done)


class _Head(NamedTuple):
    """What a small append says before its body."""

    table: TableName
    body_format: BodyFormat
    content_type: str
    size: int
    key: IdempotencyKey | None

    def command(self, scope: Scope, content: bytes) -> AppendRowsCommand:
        """The append that a request asks for."""
        if self.key is None:
            return AppendRowsCommand(self.table, (content,), self.body_format)
        said = keyed_terms(scope, self.key, content_type=self.content_type)
        return AppendRowsCommand(self.table, said.body((content,)), self.body_format, said.terms)


def _head_of(scope: Scope) -> _Head | None:
    """What a request says; None when there is anything to it that is not read here."""
    if scope["type"] != "http" or scope["method"] != "PUT" or scope["query_string"]:
        return None
    headers = dict(scope["headers"])
    if len(headers) < len(scope["headers"]) or not _UNUSUAL_HEADERS.isdisjoint(headers):
        return None
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    size, key = headers.get(b"content-length", b""), headers.get(b"idempotency-key")
    try:
        return _Head(
            _table_at(scope["raw_path"]),
            _format_of(content_type),
            content_type,
            _small_size(size),
            None if key is None else parse_key(key.decode("latin-1")),
        )
    except (_UnusualError, LakehouseError):
        return None


class _UnusualError(Exception):
    """This is not read here."""


# The same few come again and again.
@lru_cache(maxsize=1024)
def _table_at(path: bytes) -> TableName:
    match = _PATH.fullmatch(path)
    if match is None:
        raise _UnusualError
    return TableName.parse(match[1].decode())


@lru_cache(maxsize=16)
def _format_of(content_type: str) -> BodyFormat:
    data_format = format_of_body(content_type)
    if data_format not in _READ_AT_ONCE:
        raise _UnusualError
    return BodyFormat(data_format)


def _small_size(text: bytes) -> int:
    if not text.isdigit() or len(text) > len(str(SMALL_BODY_BYTES)) or int(text) > SMALL_BODY_BYTES:
        raise _UnusualError
    return int(text)


def _beginning_with(message: Message, receive: Receive) -> Receive:
    """Receives a message again, and then what comes behind it."""
    messages = [message]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
