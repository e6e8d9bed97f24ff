"""Queries."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from application.queries.run import RunQueryCommand
from domain import queries
from domain.errors import NotAcceptableError
from domain.formats import DataFormat
from entrypoints.rest.answers import json_answer
from entrypoints.rest.conditions import read_condition
from entrypoints.rest.control import ACCEPT_QUERY, QUERY_METHOD, StrictRoute
from entrypoints.rest.dependencies import Service, ServiceDep
from entrypoints.rest.documentation import QUESTION_HEADERS
from entrypoints.rest.models.queries import (
    LakeQuestion,
    QueryAnswerModel,
    QueryPlanAnswer,
    TableQuestion,
)
from entrypoints.rest.names import TablePathName
from entrypoints.rest.preferences import responds_async
from entrypoints.rest.results import RESULT_RESPONSES, EncodingDep, answer_query
from entrypoints.rest.statements import ACCEPTED, accept

router = APIRouter(tags=["queries"], route_class=StrictRoute)

# Its parameter is read, and its name checked, in entrypoints.rest.names.
_TABLE_QUERY = "/tables/{table_name}/query"
DryRun = Annotated[
    bool,
    Query(
        description="Do not run it: answer with the plan, the tables and columns that it would "
        "read, and how many bytes that is at most.",
    ),
]


# OpenAPI 3.1 knows no method QUERY, so the description tells of it.
@router.api_route("/query", methods=[QUERY_METHOD], include_in_schema=False)
@router.post(
    "/query",
    response_model=QueryAnswerModel | QueryPlanAnswer,
    responses=RESULT_RESPONSES | ACCEPTED,
    openapi_extra=QUESTION_HEADERS,
)
async def query_lake(
    request: Request,
    service: ServiceDep,
    question: LakeQuestion,
    encoding: EncodingDep,
    dry_run: DryRun = False,
) -> Response:
    """Ask a question of any tables.

    The method QUERY (RFC 10008) does the same, and tells clients and caches that it is safe to
    repeat. What the lake's snapshot alone decides has an ETag; QUERY with `If-None-Match` is
    answered 304 while that is good, POST ignores conditions.
    """
    query = queries.Query(
        sql=question.sql,
        parameters=question.parameters,
        row_limit=question.row_limit,
        timeout_s=question.timeout_s,
        at=question.at(),
    )
    if dry_run:
        return await _plan(service, query, encoding)
    return await _answer(request, service, query, encoding)


@router.api_route(_TABLE_QUERY, methods=[QUERY_METHOD], include_in_schema=False)
@router.post(
    _TABLE_QUERY,
    response_model=QueryAnswerModel | QueryPlanAnswer,
    responses=RESULT_RESPONSES | ACCEPTED,
    openapi_extra=QUESTION_HEADERS,
)
async def query_table(
    request: Request,
    service: ServiceDep,
    table: TablePathName,
    question: TableQuestion,
    encoding: EncodingDep,
    dry_run: DryRun = False,
) -> Response:
    """Ask a question of a table, or for the table itself. Other tables may be named too.

    The method QUERY (RFC 10008) does the same, and tells clients and caches that it is safe to
    repeat. What the lake's snapshot alone decides has an ETag; QUERY with `If-None-Match` is
    answered 304 while that is good, POST ignores conditions.
    """
    query = queries.Query(
        sql=question.sql,
        table=table,
        parameters=question.parameters,
        row_limit=question.row_limit,
        timeout_s=question.timeout_s,
        at=question.at(),
    )
    if dry_run:
        return await _plan(service, query, encoding)
    return await _answer(request, service, query, encoding)


async def _answer(
    request: Request, service: Service, query: queries.Query, encoding: queries.ResultEncoding
) -> Response:
    if responds_async(request.headers):
        return await accept(request, service, query)
    command = RunQueryCommand(query, encoding, known_tags=_known_tags(request))
    answer = await answer_query(request, service, command)
    answer.headers.update(ACCEPT_QUERY)
    return answer


def _known_tags(request: Request) -> tuple[str, ...]:
    """The tags of answers that the caller has; what a POST selects is no representation.

    So it must ignore such conditions (RFC 9110, 13.2.1), while QUERY heeds them as GET does
    (RFC 10008, section 2).
    """
    if request.method != QUERY_METHOD:
        return ()
    return read_condition(request.headers).if_none_match or ()


async def _plan(
    service: Service, query: queries.Query, encoding: queries.ResultEncoding
) -> Response:
    if encoding.format is not DataFormat.JSON:
        raise NotAcceptableError("A plan is told in JSON (application/json).")
    plan = await service.workers.queries.run(lambda: service.container.plan_query()(query))
    return json_answer(QueryPlanAnswer.of(plan), headers={"Cache-Control": "no-store"})
