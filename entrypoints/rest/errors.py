"""Turns every exception of the application into a problem, the framework's own included."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from loguru import logger
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from domain.errors import LakehouseError
from entrypoints.rest.client import ClientGoneError
from entrypoints.rest.control import ACCEPT_QUERY, QUERY_METHOD
from entrypoints.rest.locations import LocatedError, Part
from entrypoints.rest.problems import (
    error_response,
    problem,
    problem_of,
    problem_response,
    status_of,
)

CLIENT_GONE_STATUS = 499
"""What access logs have for a client that went away first; it is never sent."""

MAX_ERRORS = 100
"""So many mistakes of one request are told."""

MAX_NAME = 100
"""So many characters of a name that was sent are repeated."""

_PARTS = {"path": Part.PATH, "query": Part.QUERY, "header": Part.HEADER, "body": Part.BODY}


def add_error_handlers(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Answer every exception with a problem.

    Args:
        app: The application.
        routers: Where the methods of a path are looked up.
    """
    app.add_exception_handler(LakehouseError, _lakehouse)
    app.add_exception_handler(LocatedError, _lakehouse)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(ClientGoneError, _client_gone)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these
        return _http(request, error, routers)

    app.add_exception_handler(HTTPException, http)


def known_error_response(scope: Scope, error: LakehouseError | LocatedError) -> Response:
    """One of the domain's errors as an answer; the log tells of those that are the service's."""
    cause = error.error if isinstance(error, LocatedError) else error
    status = status_of(cause)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED:
        # The chain tells the operator what the answer must not tell the caller.
        logger.opt(exception=error).warning("Answered {}: {}", status.value, cause.detail)
    if scope["method"] == QUERY_METHOD and status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return problem_response(problem_of(scope, error), ACCEPT_QUERY)
    return error_response(scope, error)


def unexpected_error_response(scope: Scope, error: Exception) -> Response:
    """An error that nobody expected as an answer; the log alone tells what it was."""
    logger.opt(exception=error).error("A request failed in a way that nobody expected.")
    return error_response(scope, error)


async def _lakehouse(request: Request, error: Exception) -> Response:
    assert isinstance(error, LakehouseError | LocatedError)  # noqa: S101 - it is for these
    return known_error_response(request.scope, error)


async def _client_gone(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return Response(status_code=CLIENT_GONE_STATUS)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for these
    errors = [_told(found) for found in error.errors()[:MAX_ERRORS]]
    members = problem(
        request.scope,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid_request",
        "; ".join(_sentence(found) for found in errors[:10]),
        errors=errors,
    )
    return problem_response(members)


def _told(found: Mapping[str, Any]) -> dict[str, str]:
    """What pydantic found, without the input: that may be large, or a secret."""
    place = [_short(str(part)) for part in found["loc"]]
    part = _PARTS.get(place[0], Part.BODY) if place else Part.BODY
    detail = re.sub(r"^Value error, ", "", str(found["msg"]))
    if part is Part.BODY:
        escaped = (name.replace("~", "~0").replace("/", "~1") for name in place[1:])
        return {"in": part, "pointer": "".join(f"/{name}" for name in escaped), "detail": detail}
    return {"in": part, "name": ".".join(place[1:]), "detail": detail}


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}..."


def _sentence(told: Mapping[str, str]) -> str:
    place = told.get("pointer", told.get("name", ""))
    detail = told["detail"]
    return f"{told['in']} {place}: {detail}" if place else f"{told['in']}: {detail}"


def _http(request: Request, error: HTTPException, routers: Sequence[APIRouter]) -> Response:
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request, routers)))
        if QUERY_METHOD in headers["Allow"]:
            headers |= ACCEPT_QUERY
        detail = f"{request.method} is not for this path."
        members = problem(request.scope, status, "method_not_allowed", detail)
    elif status is HTTPStatus.NOT_FOUND:
        members = problem(request.scope, status, "not_found", "There is nothing at this path.")
    else:
        code = status.phrase.lower().replace(" ", "_").replace("-", "_")
        members = problem(request.scope, status, code, str(error.detail))
    return problem_response(members, headers)


def _methods(request: Request, routers: Iterable[APIRouter]) -> set[str]:
    """All methods that the path has: the framework names those of one route only."""
    found: set[str] = set()
    for router in routers:
        for route in router.routes:
            if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
                found |= route.methods or set()
    if "GET" in found:
        found.add("HEAD")
    return found
