"""What every request passes through: plain ASGI, so that streams stay streams."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress

from loguru import logger
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import MalformedPathError
from domain.randomness import random_bytes
from entrypoints.rest.errors import unexpected_error_response
from entrypoints.rest.names import routing_path
from entrypoints.rest.problems import error_response, raw_path
from entrypoints.rest.streaming import ResponseAbortedError

REQUEST_ID_HEADER = "X-Request-Id"
_REQUEST_ID_NAME = REQUEST_ID_HEADER.lower().encode()
_REQUEST_ID = re.compile(r"[ -~]{1,128}")

SMALL_REST_BYTES = 1024**2
SMALL_REST_SECONDS = 0.5
LINGER_SECONDS = 5.0


class AccessLog:
    """Gives each request its id, and writes one line when it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        given = _first(scope, _REQUEST_ID_NAME).strip()
        request_id = given if _REQUEST_ID.fullmatch(given) else random_bytes().hex()
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                told = (_REQUEST_ID_NAME, request_id.encode("ascii"))
                message["headers"] = [*message.get("headers", ()), told]
            await send(message)

        outcome = ""
        with logger.contextualize(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except ResponseAbortedError:
                outcome = " cut"
                raise
            except asyncio.CancelledError:
                outcome = " stopped"
                raise
            finally:
                milliseconds = (time.perf_counter() - began) * 1000
                # The query string is left out: people put secrets there.
                logger.bind(
                    method=scope["method"],
                    path=raw_path(scope),
                    status=status,
                    ms=round(milliseconds, 1),
                ).info("access{}", outcome)


class Failsafe:
    """Answers an exception that nobody expected, and tells the log alone what it was."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except ResponseAbortedError:
            raise
        except Exception as error:
            response = unexpected_error_response(scope, error)
            if started:
                raise ResponseAbortedError from error
            await response(scope, receive, send)


class RawPath:
    """Routes by the path as it came, so that `%2F` stays within a name.

    Names are decoded where they are read, once.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless its path is no path."""
        if scope["type"] == "http":
            try:
                scope["path"] = routing_path(scope)
            except MalformedPathError as error:
                await error_response(scope, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class HeadAsGet:
    """Answers HEAD as GET without the content (RFC 9110, 9.3.2), but for some paths.

    There it has a route of its own, which does not read the object or run the query.
    """

    def __init__(self, app: ASGIApp, own_routes: re.Pattern[str]) -> None:
        self._app = app
        self._own_routes = own_routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if (
            scope["type"] != "http"
            or scope["method"] != "HEAD"
            or self._own_routes.match(scope["path"])
        ):
            await self._app(scope, receive, send)
            return

        async def send_without_content(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_without_content)


class EarlyAnswer:
    """Lets a client hear an answer that comes before all of its body was read.

    A server that closes a connection on which data still comes resets it, and the answer is
    lost on the way. So a small rest is read before the answer, and with a large one the
    connection is closed after the answer, as soon as the client stops or some seconds passed
    (RFC 9112, 9.6).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        rest = _Rest(receive)
        keep = True

        async def send_late(message: Message) -> None:
            nonlocal keep
            if message["type"] == "http.response.start":
                if not rest.complete and _is_small(scope):
                    await rest.drain(SMALL_REST_SECONDS)
                if not rest.complete:
                    keep = False
                    MutableHeaders(scope=message)["Connection"] = "close"
            elif not keep and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await rest.drain(LINGER_SECONDS)
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await self._app(scope, rest.receive, send_late)


class _Rest:
    """What is left of a request's body."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.complete = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self.complete = True
        return message

    async def drain(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.complete:
                    await self.receive()


def _first(scope: Scope, name: bytes) -> str:
    """The first header of a name; empty when there is none."""
    value: bytes = next((value for each, value in scope["headers"] if each == name), b"")
    return value.decode("latin-1")


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _is_small(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    size = headers.get("content-length", "")
    # A client that waits for leave to send is not given it.
    return (
        size.isascii()
        and size.isdigit()
        and int(size[:18]) <= SMALL_REST_BYTES
        and "expect" not in headers
    )
