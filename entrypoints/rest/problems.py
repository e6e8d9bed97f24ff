"""Problems: errors as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Scope

from domain.bodies import ContentCoding
from domain.errors import (
    BadUpstreamError,
    BusyError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    InvalidParametersError,
    LakehouseError,
    LakeLockedError,
    MalformedError,
    NotAcceptableError,
    NotFoundError,
    PreconditionFailedError,
    QueryCancelledError,
    QueryTimeoutError,
    RangeNotSatisfiableError,
    ResourcesExhaustedError,
    RowsDoNotFitError,
    StatementNotEndedError,
    StorageFullError,
    TooLargeError,
    UnavailableError,
    UnsupportedCodingError,
    UnsupportedFormatError,
    UnsupportedOperationError,
    UpstreamTimeoutError,
)
from domain.statements import Failure
from entrypoints.rest.locations import LocatedError, Location, Part

PROBLEM_MEDIA_TYPE = "application/problem+json"

STATUS_OF_ERROR: tuple[tuple[type[LakehouseError], HTTPStatus], ...] = (
    (MalformedError, HTTPStatus.BAD_REQUEST),
    (ForbiddenError, HTTPStatus.FORBIDDEN),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (NotAcceptableError, HTTPStatus.NOT_ACCEPTABLE),
    (ConflictError, HTTPStatus.CONFLICT),
    (PreconditionFailedError, HTTPStatus.PRECONDITION_FAILED),
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (UnsupportedFormatError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (RangeNotSatisfiableError, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE),
    (InvalidError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BusyError, HTTPStatus.TOO_MANY_REQUESTS),
    (UnsupportedOperationError, HTTPStatus.NOT_IMPLEMENTED),
    (BadUpstreamError, HTTPStatus.BAD_GATEWAY),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (LakeLockedError, HTTPStatus.SERVICE_UNAVAILABLE),
    # The service stops queries only as it stops itself, and when nobody waits for them.
    (QueryCancelledError, HTTPStatus.SERVICE_UNAVAILABLE),
    (UpstreamTimeoutError, HTTPStatus.GATEWAY_TIMEOUT),
    (QueryTimeoutError, HTTPStatus.GATEWAY_TIMEOUT),
    (StorageFullError, HTTPStatus.INSUFFICIENT_STORAGE),
    # Not 503: the same query would fail again.
    (ResourcesExhaustedError, HTTPStatus.INSUFFICIENT_STORAGE),
)
"""The status of each kind of error; of two that fit, the first."""

RETRY_AFTER_S = {
    HTTPStatus.TOO_MANY_REQUESTS: "1",
    HTTPStatus.SERVICE_UNAVAILABLE: "5",
}

RETRY_AFTER_S_OF_CODE = {StatementNotEndedError.code: "1"}
"""The same for errors whose status says nothing of trying again."""

RUN_ID_HEADER = "Lineage-Run-Id"


def status_of(error: LakehouseError) -> HTTPStatus:
    """The status code that tells of an error."""
    return status_of_kind(type(error))


def status_of_kind(kind: type[LakehouseError]) -> HTTPStatus:
    """The status code that tells of errors of a kind."""
    for listed, status in STATUS_OF_ERROR:
        if issubclass(kind, listed):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem(
    scope: Scope,
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The members of a problem."""
    members: dict[str, Any] = {
        "type": f"urn:ducklake:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status.value,
        "detail": detail,
        "instance": raw_path(scope),
        "code": code,
        "request_id": scope.get("state", {}).get("request_id", ""),
    }
    if errors:
        members["errors"] = list(errors)
    return members | dict(more or {})


def problem_of(scope: Scope, error: Exception) -> dict[str, Any]:
    """The problem that tells of an error; of one that is not ours, it tells nothing."""
    located = error if isinstance(error, LocatedError) else None
    cause = located.error if located is not None else error
    if isinstance(cause, MemoryError):
        cause = ResourcesExhaustedError("There is not enough memory for this.")
    if not isinstance(cause, LakehouseError):
        return problem(
            scope,
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong in the service; its log tells more under the request's id.",
        )
    errors: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    if isinstance(cause, RowsDoNotFitError):
        errors = [
            _without_none(
                {
                    "in": "body",
                    "row": found.row,
                    "column": found.column,
                    "detail": found.message,
                }
            )
            for found in cause.problems
        ]
    elif isinstance(cause, InvalidError):
        location = located.location if located is not None else _location_of(cause)
        where = location.members() if location is not None else {}
        errors = [where | {"detail": cause.detail}]
    elif isinstance(cause, RangeNotSatisfiableError):
        more["size"] = cause.size
    if cause.position is not None:
        more["position"] = cause.position
    if cause.run_id is not None:
        more["run_id"] = cause.run_id
    return problem(scope, status_of(cause), cause.code, cause.detail, errors=errors, more=more)


def _location_of(error: InvalidError) -> Location | None:
    """The place of a parameter of a statement in the request's JSON, where one is at fault."""
    if not isinstance(error, InvalidParametersError) or error.parameter is None:
        return None
    name = error.parameter
    member = str(int(name) - 1) if name.isdecimal() else name.replace("~", "~0").replace("/", "~1")
    return Location(Part.BODY, f"/parameters/{member}")


def problem_of_failure(scope: Scope, failure: Failure, instance: str) -> dict[str, Any]:
    """The problem that tells why a statement has no result.

    Args:
        scope: The request that asks for it.
        failure: Why.
        instance: The statement's path.
    """
    more: dict[str, Any] = {"instance": instance}
    if failure.position is not None:
        more["position"] = failure.position
    status = _status_of_code(failure.code)
    return problem(scope, status, failure.code, failure.detail, more=more)


def _status_of_code(code: str) -> HTTPStatus:
    kinds: list[type[LakehouseError]] = [LakehouseError]
    while kinds:
        kind = kinds.pop()
        if kind.code == code:
            return next(
                (status for base, status in STATUS_OF_ERROR if issubclass(kind, base)),
                HTTPStatus.INTERNAL_SERVER_ERROR,
            )
        kinds.extend(kind.__subclasses__())
    # A newer replica knows errors that this one does not.
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_response(
    members: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """A problem as an answer, with the headers that go with it."""
    status = HTTPStatus(members["status"])
    found = dict(headers or {})
    if status in RETRY_AFTER_S:
        found.setdefault("Retry-After", RETRY_AFTER_S[status])
    elif members["code"] in RETRY_AFTER_S_OF_CODE:
        found.setdefault("Retry-After", RETRY_AFTER_S_OF_CODE[members["code"]])
    if "run_id" in members:
        found[RUN_ID_HEADER] = members["run_id"]
    if members["code"] == UnsupportedCodingError.code:
        # So that a client can tell which half of its 415 was meant (RFC 9110, 15.5.16).
        found["Accept-Encoding"] = ", ".join(ContentCoding)
    if status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        found["Content-Range"] = f"bytes */{members['size']}"
    return Response(
        msgspec.json.encode(members), status.value, found, media_type=PROBLEM_MEDIA_TYPE
    )


def error_response(scope: Scope, error: Exception) -> Response:
    """An error as an answer."""
    return problem_response(problem_of(scope, error))


def raw_path(scope: Scope) -> str:
    """The request's path as it came."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("latin-1")


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
