"""Statements: queries that run on their own (`Prefer: respond-async`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from application.runs import Done
from application.statements.rules import utc_now
from application.statements.uses import StatementResult
from domain.datasets import ByteStream
from domain.errors import InvalidPageTokenError, StatementNotFoundError
from domain.statements import StatementId
from entrypoints.rest.answers import json_answer
from entrypoints.rest.control import StrictRoute
from entrypoints.rest.dependencies import ServiceDep
from entrypoints.rest.documentation import LINK_HEADER, RESULT_CONTENT, RUN_HEADER, problems
from entrypoints.rest.locations import Part, located
from entrypoints.rest.models.queries import QueryAnswerModel
from entrypoints.rest.models.statements import EXAMPLE_ID, StatementAnswer, StatementsAnswer
from entrypoints.rest.paging import PageSize, PageToken, from_token, next_link, to_token
from entrypoints.rest.problems import RUN_ID_HEADER
from entrypoints.rest.result_form import ResultForm
from entrypoints.rest.results import EncodingDep
from entrypoints.rest.streaming import StreamedResponse, begin_stream

router = APIRouter(tags=["queries"], route_class=StrictRoute)

_STATEMENT = "/queries/{query_id}"
_AS_IT_IS = {"Cache-Control": "no-store"}


async def _statement_id(
    query_id: Annotated[str, Path(description="The statement's id.", examples=[EXAMPLE_ID])],
) -> StatementId:
    return StatementId(query_id)


StatementIdDep = Annotated[StatementId, Depends(_statement_id)]


@router.get(
    "/queries",
    response_model=StatementsAnswer,
    responses={200: {"headers": LINK_HEADER}},
)
async def list_statements(
    request: Request,
    service: ServiceDep,
    page_size: PageSize = 100,
    page_token: PageToken = None,
) -> Response:
    """List statements, oldest first. A page may have fewer than `page_size`, even none."""
    after = None
    if page_token is not None:
        with located(Part.QUERY, "page_token"):
            after = _place(page_token)
    page = await service.workers.objects.run(
        lambda: service.container.list_statements()(after, page_size)
    )
    token = None if page.next_after is None else to_token(str(page.next_after))
    now = utc_now()
    answer = StatementsAnswer(
        queries=[
            StatementAnswer.of(stored.statement, request.scope, now) for stored in page.statements
        ],
        next_page_token=token,
    )
    headers = {} if token is None else {"Link": next_link(request, token)}
    return json_answer(answer, headers=_AS_IT_IS | headers)


def _place(token: str) -> StatementId:
    (after,) = from_token(token, parts=1)
    try:
        return StatementId(after)
    except StatementNotFoundError as error:
        raise InvalidPageTokenError("The page token is not one of this service.") from error


@router.get(_STATEMENT, response_model=StatementAnswer, responses=problems(404))
async def describe_statement(
    request: Request, service: ServiceDep, statement_id: StatementIdDep
) -> Response:
    """Say how far a statement has come."""
    statement = await service.workers.objects.run(
        lambda: service.container.find_statement()(statement_id)
    )
    answer = StatementAnswer.of(statement, request.scope, utc_now())
    return json_answer(answer, run_id=statement.run_id, headers=_AS_IT_IS)


@router.delete(_STATEMENT, status_code=204, response_class=Response, responses=problems(404))
async def delete_statement(service: ServiceDep, statement_id: StatementIdDep) -> Response:
    """Cancel a statement that has not ended; forget one that has, with its result."""
    await service.workers.objects.run(lambda: service.container.delete_statement()(statement_id))
    return Response(status_code=204)


@router.get(
    f"{_STATEMENT}/result",
    response_model=QueryAnswerModel,
    responses={
        200: {
            "description": "The rows, in the format that `format` or Accept asks for",
            "content": RESULT_CONTENT,
            "headers": RUN_HEADER,
        },
        **problems(404, 406, 409, 502),
    },
)
async def read_result(
    request: Request, service: ServiceDep, statement_id: StatementIdDep, encoding: EncodingDep
) -> Response:
    """Read the result of a statement, as often as needed until it expires.

    While there is none it answers 409: `statement_not_ended` with Retry-After, or `no_result`
    when the statement failed or was cancelled. When the store has lost it: 502 `result_lost`.
    """
    form = ResultForm.asked_for(request, service, encoding.format)

    def call() -> Done[StatementResult]:
        opened = service.container.open_result()(statement_id, encoding)
        return Done(opened.statement.run_id or "", opened)

    def stream_of(done: Done[StatementResult]) -> ByteStream:
        rows = done.value.rows
        return form.stream(rows.columns, rows, lambda: _facts(done.value))

    streamed = await begin_stream(
        request, service.workers.queries, service.workers, call, stream_of
    )
    return StreamedResponse(
        streamed,
        headers=form.headers
        | {"Cache-Control": "private, max-age=0", RUN_ID_HEADER: streamed.done.run_id},
    )


def _facts(opened: StatementResult) -> Mapping[str, Any]:
    statement = opened.statement
    return {
        "row_count": opened.rows.row_count,
        "truncated": statement.truncated,
        "query_id": str(statement.id),
        "run_id": statement.run_id,
        "snapshot_id": statement.snapshot_id,
        "elapsed_ms": statement.elapsed_ms(utc_now()),
    }
