"""Queries."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from application.queries.run import RunQueryCommand
from domain import queries
from entrypoints.rest.conditions import read_condition
from entrypoints.rest.control import ACCEPT_QUERY, QUERY_METHOD, Later, StrictRoute
from entrypoints.rest.dependencies import Service, ServiceDep
from entrypoints.rest.documentation import QUESTION_HEADERS
from entrypoints.rest.models.queries import LakeQuestion, QueryAnswerModel, TableQuestion
from entrypoints.rest.names import TablePathName
from entrypoints.rest.preferences import responds_async
from entrypoints.rest.results import RESULT_RESPONSES, EncodingDep, answer_query
from entrypoints.rest.statements import ACCEPTED, accept

router = APIRouter(tags=["queries"], route_class=StrictRoute)

# Its parameter is read, and its name checked, in entrypoints.rest.names.
_TABLE_QUERY = "/tables/{table_name}/query"
_LATER = [Depends(Later(parameters=("dry_run",)))]


# OpenAPI 3.1 knows no method QUERY, so the description tells of it.
@router.api_route("/query", methods=[QUERY_METHOD], include_in_schema=False, dependencies=_LATER)
@router.post(
    "/query",
    response_model=QueryAnswerModel,
    responses=RESULT_RESPONSES | ACCEPTED,
    openapi_extra=QUESTION_HEADERS,
    dependencies=_LATER,
)
async def query_lake(
    request: Request, service: ServiceDep, question: LakeQuestion, encoding: EncodingDep
) -> Response:
    """Ask a question of any tables.

    The method QUERY (RFC 10008) does the same, and tells clients and caches that it is safe to
    repeat. What the lake's snapshot alone decides has an ETag.
    """
    query = queries.Query(
        sql=question.sql,
        parameters=question.parameters,
        row_limit=question.row_limit,
        timeout_s=question.timeout_s,
    )
    return await _answer(request, service, query, encoding)


@router.api_route(
    _TABLE_QUERY, methods=[QUERY_METHOD], include_in_schema=False, dependencies=_LATER
)
@router.post(
    _TABLE_QUERY,
    response_model=QueryAnswerModel,
    responses=RESULT_RESPONSES | ACCEPTED,
    openapi_extra=QUESTION_HEADERS,
    dependencies=_LATER,
)
async def query_table(
    request: Request,
    service: ServiceDep,
    table: TablePathName,
    question: TableQuestion,
    encoding: EncodingDep,
) -> Response:
    """Ask a question of a table, or for the table itself. Other tables may be named too.

    The method QUERY (RFC 10008) does the same, and tells clients and caches that it is safe to
    repeat. What the lake's snapshot alone decides has an ETag.
    """
    query = queries.Query(
        sql=question.sql,
        table=table,
        parameters=question.parameters,
        row_limit=question.row_limit,
        timeout_s=question.timeout_s,
    )
    return await _answer(request, service, query, encoding)


async def _answer(
    request: Request, service: Service, query: queries.Query, encoding: queries.ResultEncoding
) -> Response:
    if responds_async(request.headers):
        return await accept(request, service, query)
    known = read_condition(request.headers).if_none_match or ()
    command = RunQueryCommand(query, encoding, known_tags=known)
    answer = await answer_query(request, service, command)
    answer.headers.update(ACCEPT_QUERY)
    return answer
