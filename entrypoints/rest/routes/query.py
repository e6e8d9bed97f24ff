"""Queries."""

from __future__ import annotations

import time
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response
from starlette.types import Scope

from application.queries.run import QueryAnswer, RunQueryCommand
from application.runs import Done
from domain import queries
from domain.datasets import ByteStream
from domain.formats import DataFormat
from domain.lineage import new_run_id
from domain.queries import ResultEncoding
from entrypoints.rest.control import Later, StrictRoute
from entrypoints.rest.dependencies import Service, ServiceDep
from entrypoints.rest.documentation import RESULT_CONTENT, RUN_HEADER, problems
from entrypoints.rest.envelope import JsonEnvelope
from entrypoints.rest.models.queries import LakeQuestion, QueryAnswerModel, TableQuestion
from entrypoints.rest.names import TablePathName
from entrypoints.rest.negotiation import CONTENT_TYPES, choose_format
from entrypoints.rest.problems import RUN_ID_HEADER, problem_of
from entrypoints.rest.streaming import StreamedResponse, begin_stream

router = APIRouter(tags=["queries"], route_class=StrictRoute)

# Its parameter is read, and its name checked, in entrypoints.rest.names.
_TABLE_QUERY = "/tables/{table_name}/query"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK.value: {
        "description": "The rows, in the format that `format` or Accept asks for",
        "content": RESULT_CONTENT,
        "headers": RUN_HEADER,
    },
    **problems(403, 404, 406, 415, 507),
}


async def _encoding(
    request: Request,
    format: Annotated[  # noqa: A002 - the parameter's name in the contract
        str | None,
        Query(
            description="The format of the answer; it goes before Accept.",
            json_schema_extra={"enum": [each.value for each in DataFormat]},
            examples=["csv"],
        ),
    ] = None,
    numbers: Annotated[
        Literal["string"] | None,
        Query(description="In JSON, write numbers as strings where a double would lose digits."),
    ] = None,
) -> ResultEncoding:
    chosen = choose_format(request.headers.get("accept"), format)
    return ResultEncoding(chosen, wide_numbers_as_text=numbers == "string")


EncodingDep = Annotated[ResultEncoding, Depends(_encoding)]


@router.post(
    "/query",
    response_model=QueryAnswerModel,
    responses=_RESPONSES,
    dependencies=[Depends(Later(parameters=("dry_run",), preferences=("respond-async",)))],
)
async def query_lake(
    request: Request, service: ServiceDep, question: LakeQuestion, encoding: EncodingDep
) -> Response:
    """Ask a question of any tables."""
    query = queries.Query(
        sql=question.sql,
        parameters=question.parameters,
        row_limit=question.row_limit,
        timeout_s=question.timeout_s,
    )
    return await _answer(request, service, RunQueryCommand(query, encoding))


@router.post(
    _TABLE_QUERY,
    response_model=QueryAnswerModel,
    responses=_RESPONSES,
    dependencies=[Depends(Later(parameters=("dry_run",), preferences=("respond-async",)))],
)
async def query_table(
    request: Request,
    service: ServiceDep,
    table: TablePathName,
    question: TableQuestion,
    encoding: EncodingDep,
) -> Response:
    """Ask a question of a table, or for the table itself. Other tables may be named too."""
    query = queries.Query(
        sql=question.sql,
        table=table,
        parameters=question.parameters,
        row_limit=question.row_limit,
        timeout_s=question.timeout_s,
    )
    return await _answer(request, service, RunQueryCommand(query, encoding))


async def _answer(request: Request, service: Service, command: RunQueryCommand) -> Response:
    began = time.perf_counter()
    query_id = new_run_id()
    data_format = command.encoding.format

    def stream_of(done: Done[QueryAnswer]) -> ByteStream:
        if data_format is DataFormat.JSON:
            return JsonEnvelope(done.value, query_id, done.run_id, began)
        return done.value.body

    streamed = await begin_stream(
        request,
        service.workers.queries,
        service.workers,
        lambda: service.container.run_query()(command),
        stream_of,
    )
    return StreamedResponse(
        streamed,
        headers={
            "Content-Type": CONTENT_TYPES[data_format],
            "Vary": "Accept",
            RUN_ID_HEADER: streamed.done.run_id,
        },
        last_words=(
            partial(_error_record, request.scope) if data_format is DataFormat.NDJSON else None
        ),
    )


def _error_record(scope: Scope, error: Exception, tail: bytes) -> bytes:
    """The last record of an NDJSON answer that failed midway."""
    record = msgspec.json.encode({"error": problem_of(scope, error)})
    return (b"" if tail in {b"", b"\n"} else b"\n") + record + b"\n"
