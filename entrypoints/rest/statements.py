"""Answering that a query will run on its own."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from application.statements.rules import utc_now
from domain.errors import InvalidError
from domain.queries import Query
from entrypoints.rest.answers import json_answer
from entrypoints.rest.dependencies import Service
from entrypoints.rest.documentation import LOCATION_HEADER
from entrypoints.rest.locations import Part, located
from entrypoints.rest.models.statements import StatementAnswer, statement_path
from entrypoints.rest.preferences import RESPOND_ASYNC

ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": StatementAnswer,
        "description": "With `Prefer: respond-async`: it runs on its own, as the statement at "
        "Location",
        "headers": LOCATION_HEADER
        | {
            "Preference-Applied": {
                "description": "`respond-async`.",
                "schema": {"type": "string"},
            },
            "Retry-After": {
                "description": "When to look at it, in seconds.",
                "schema": {"type": "integer"},
            },
        },
    }
}


async def accept(request: Request, service: Service, query: Query) -> Response:
    """Have a query run on its own.

    Raises:
        InvalidError: When the request says something of a format: there is none yet.
        LakehouseError: What `SubmitStatement` raises.
    """
    for parameter in ("format", "numbers"):
        if parameter in request.query_params:
            with located(Part.QUERY, parameter):
                raise InvalidError("With respond-async, this is said where the result is fetched.")
    statement = await service.workers.statements.run(
        lambda: service.container.submit_statement()(query)
    )
    return json_answer(
        StatementAnswer.of(statement, request.scope, utc_now()),
        status=202,
        headers={
            "Location": statement_path(statement),
            "Preference-Applied": RESPOND_ASYNC,
            "Retry-After": "1",
            "Cache-Control": "no-store",
        },
    )
