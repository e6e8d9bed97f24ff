"""A table's data under a URL, for tools that open URLs."""

from __future__ import annotations

import csv
from http import HTTPMethod
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from application.queries.run import RunQueryCommand
from domain import queries
from domain.errors import InvalidColumnError
from entrypoints.rest.conditions import read_condition
from entrypoints.rest.control import StrictRoute
from entrypoints.rest.dependencies import ServiceDep
from entrypoints.rest.documentation import RESULT_HEADERS
from entrypoints.rest.locations import LocatedError, Location, Part
from entrypoints.rest.models.queries import QueryAnswerModel
from entrypoints.rest.moments import MomentDep
from entrypoints.rest.names import TablePathName
from entrypoints.rest.paging import WholeNumber
from entrypoints.rest.results import (
    NOT_MODIFIED_RESPONSE,
    RESULT_RESPONSES,
    EncodingDep,
    answer_query,
)

router = APIRouter(tags=["tables"], route_class=StrictRoute)

_DATA = "/tables/{table_name}/data"


async def _question(
    table: TablePathName,
    at: MomentDep,
    columns: Annotated[
        str | None,
        Query(
            description="Only these columns, divided by commas; one whose name has a comma or a "
            'quote stands in quotes, as in CSV: `a,"b, c"`.',
            examples=["carrier,dep_delay"],
        ),
    ] = None,
    where: Annotated[
        str | None,
        Query(
            description="Only the rows for which this condition in SQL is true.",
            examples=["month = 7 AND carrier = 'UA'"],
        ),
    ] = None,
    row_limit: Annotated[
        WholeNumber | None,
        Query(ge=0, le=2**63 - 1, description="At most so many rows.", examples=[1000]),
    ] = None,
    timeout_s: Annotated[
        float | None,
        Query(
            gt=0,
            allow_inf_nan=False,
            description="How long the engine may work for it, in seconds.",
            examples=[30],
        ),
    ] = None,
) -> queries.Query:
    try:
        names = _names(columns) if columns is not None else None
        return queries.Query(
            table=table,
            columns=names,
            where=where,
            row_limit=row_limit,
            timeout_s=timeout_s,
            at=at,
        )
    except InvalidColumnError as error:
        raise _located(error) from error


def _names(columns: str) -> tuple[str, ...]:
    try:
        (names,) = csv.reader([columns], strict=True)
    except (csv.Error, ValueError) as error:
        raise InvalidColumnError("columns are names divided by commas, as in CSV.") from error
    return tuple(names)


@router.head(_DATA, include_in_schema=False)
@router.get(
    _DATA,
    response_model=QueryAnswerModel,
    responses=RESULT_RESPONSES | NOT_MODIFIED_RESPONSE,
    openapi_extra=RESULT_HEADERS,
)
async def read_data(
    request: Request,
    service: ServiceDep,
    question: Annotated[queries.Query, Depends(_question)],
    encoding: EncodingDep,
) -> Response:
    """Read a table, or some of its columns and rows: a URL that dataframe libraries open.

    It is made as it is sent, so it has no Content-Length and is answered whole, whatever
    Range asks for. HEAD tells all but the rows.
    """
    command = RunQueryCommand(
        question,
        encoding,
        known_tags=read_condition(request.headers).if_none_match or (),
        rows=request.method != HTTPMethod.HEAD,
    )
    try:
        return await answer_query(request, service, command)
    except InvalidColumnError as error:
        raise _located(error) from error


def _located(error: InvalidColumnError) -> LocatedError:
    return LocatedError(error, Location(Part.QUERY, "columns"))
