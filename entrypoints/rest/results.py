"""Answers of queries: the format that is asked for, their entity tag, their rows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request
from starlette.responses import Response

from application.queries.run import QueryAnswer, RunQueryCommand
from application.runs import Done
from domain.datasets import ByteStream
from domain.formats import DataFormat
from domain.lineage import new_run_id
from domain.queries import ResultEncoding
from entrypoints.rest.dependencies import Service
from entrypoints.rest.documentation import (
    ETAG_HEADER,
    RESULT_CONTENT,
    RUN_HEADER,
    problems,
)
from entrypoints.rest.negotiation import choose_format
from entrypoints.rest.problems import RUN_ID_HEADER
from entrypoints.rest.result_form import ResultForm
from entrypoints.rest.streaming import StreamedResponse, begin_stream

RESULT_RESPONSES: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK.value: {
        "description": "The rows, in the format that `format` or Accept asks for",
        "content": RESULT_CONTENT,
        "headers": RUN_HEADER | ETAG_HEADER,
    },
    **problems(403, 404, 406, 415, 507),
}

NOT_MODIFIED_RESPONSE: dict[int | str, dict[str, Any]] = {
    HTTPStatus.NOT_MODIFIED.value: {
        "description": "The caller's copy is good; the query was not run",
        "headers": RUN_HEADER | ETAG_HEADER,
    },
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


async def answer_query(request: Request, service: Service, command: RunQueryCommand) -> Response:
    """Run a query and stream what it answers; 304 when the caller has that already."""
    began = time.perf_counter()
    query_id = new_run_id()
    form = ResultForm.asked_for(request, service, command.encoding.format)

    def facts(done: Done[QueryAnswer]) -> Mapping[str, Any]:
        result = done.value.result
        return {
            "row_count": result.row_count,
            "truncated": result.truncated,
            "query_id": query_id,
            "run_id": done.run_id,
            "snapshot_id": result.snapshot_id,
            "elapsed_ms": round((time.perf_counter() - began) * 1000, 3),
        }

    def stream_of(done: Done[QueryAnswer]) -> ByteStream:
        if done.value.not_modified or not command.rows:
            return done.value.body
        return form.stream(done.value.result.columns, done.value.body, partial(facts, done))

    streamed = await begin_stream(
        request,
        service.workers.queries,
        service.workers,
        lambda: service.container.run_query()(command),
        stream_of,
    )
    headers = _headers(streamed.done, form)
    if streamed.done.value.not_modified or not command.rows:
        await streamed.close()
        return _without_content(headers, not_modified=streamed.done.value.not_modified)
    return StreamedResponse(streamed, headers=headers)


def _headers(done: Done[QueryAnswer], form: ResultForm) -> dict[str, str]:
    # What has no tag may be another answer the next time.
    headers = form.headers | {"Cache-Control": "no-store", RUN_ID_HEADER: done.run_id}
    if done.value.etag is not None:
        headers["ETag"] = f'W/"{done.value.etag}"'
        headers["Cache-Control"] = "private, no-cache"
    return headers


def _without_content(headers: dict[str, str], *, not_modified: bool) -> Response:
    answer = Response(
        status_code=HTTPStatus.NOT_MODIFIED if not_modified else HTTPStatus.OK, headers=headers
    )
    # It would say that there is no content, and how long that is nobody knows.
    if "content-length" in answer.headers:
        del answer.headers["content-length"]
    return answer
