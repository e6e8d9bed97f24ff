"""Tables: make, list, describe, append to, drop."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from application.runs import Done
from application.tables.append import AppendRowsCommand
from application.tables.create import CreateTableCommand
from application.tables.create_from import CreateTableFromCommand
from application.tables.describe import DescribeTableCommand
from application.tables.drop import DropTableCommand
from application.tables.list import ListTablesCommand
from application.writes import Terms
from domain.conditions import ReadCondition, Verdict
from domain.datasets import MAX_PAGE_SIZE
from domain.growth import OnNewColumns
from domain.tables import (
    DEFAULT_NAMESPACE,
    CreateOutcome,
    NamespaceName,
    PointInTime,
    TableName,
)
from entrypoints.rest.answers import empty_answer, json_answer
from entrypoints.rest.appends import append_answer
from entrypoints.rest.conditions import quoted_tag, read_condition
from entrypoints.rest.control import Later, StrictRoute
from entrypoints.rest.dependencies import Service, ServiceDep
from entrypoints.rest.documentation import (
    ETAG_HEADER,
    LINK_HEADER,
    LOCATION_HEADER,
    REPLAY_HEADER,
    ROWS_BODY,
    RUN_HEADER,
    TABLE_HEADERS,
    TABLE_WRITE_HEADERS,
    problems,
)
from entrypoints.rest.locations import Part, located
from entrypoints.rest.models.tables import AppendAnswer, NewTable, TableAnswer, TablesAnswer
from entrypoints.rest.moments import asked_moment
from entrypoints.rest.names import TablePathName
from entrypoints.rest.paging import (
    PageSize,
    PageToken,
    from_token,
    next_link,
    to_token,
)
from entrypoints.rest.row_bodies import RowBodyFormat
from entrypoints.rest.write_terms import WriteTerms, replay_headers

router = APIRouter(tags=["tables"], route_class=StrictRoute)

# Its parameter is read, and its name checked, in entrypoints.rest.names.
_TABLE = "/tables/{table_name}"
LATER_ON_WRITES = Depends(Later(headers=("If-None-Match", "If-Unmodified-Since")))


@router.post(
    "/tables",
    status_code=201,
    response_model=TableAnswer,
    responses={
        200: {
            "model": TableAnswer,
            "description": "It was there, and `if_exists` is `ignore`",
            "headers": RUN_HEADER | REPLAY_HEADER,
        },
        201: {"headers": RUN_HEADER | LOCATION_HEADER | REPLAY_HEADER},
        **problems(403, 404, 409, 412, 415, 507),
    },
    openapi_extra=TABLE_WRITE_HEADERS,
    dependencies=[LATER_ON_WRITES],
)
async def create_table(service: ServiceDep, table: NewTable, said: WriteTerms) -> Response:
    """Make a table, and its namespace when that is not there; with rows, when it is made of some.

    All of it is one commit. A table that is made `from` a query or from objects gets their columns.
    """
    done = await _made(service, table, said.terms)
    answer = TableAnswer.of(done.value.description)
    headers = replay_headers(done)
    if not done.value.created:
        return json_answer(answer, run_id=done.run_id, headers=headers)
    location = {"Location": _path(done.value.description.name)}
    return json_answer(answer, status=201, run_id=done.run_id, headers=location | headers)


async def _made(service: Service, table: NewTable, terms: Terms) -> Done[CreateOutcome]:
    if table.from_ is None:
        command = CreateTableCommand(table.definition(), table.on_exists(), terms)
        return await service.workers.writes.run(lambda: service.container.create_table()(command))
    derive = CreateTableFromCommand(table.derived(table.from_), table.on_exists(), terms)
    done = await service.workers.transfers.run(
        lambda: service.container.create_table_from()(derive)
    )
    return Done(done.run_id, done.value.outcome, done.replayed)


def _path(name: TableName) -> str:
    in_default = name.namespace == DEFAULT_NAMESPACE
    return f"/tables/{name.name}" if in_default else f"/tables/{name}"


@router.get(
    "/tables",
    response_model=TablesAnswer,
    responses={200: {"headers": RUN_HEADER | LINK_HEADER}},
)
async def list_tables(
    request: Request,
    service: ServiceDep,
    namespace: Annotated[
        str | None, Query(description="Only tables of this namespace.", examples=["main"])
    ] = None,
    page_size: PageSize = MAX_PAGE_SIZE,
    page_token: PageToken = None,
) -> Response:
    """List tables in the order of namespace and name."""
    with located(Part.QUERY, "namespace"):
        wanted = NamespaceName(namespace) if namespace is not None else None
    after = None
    if page_token is not None:
        with located(Part.QUERY, "page_token"):
            after_namespace, after_name = from_token(page_token, parts=2)
            after = (after_namespace, after_name)
    command = ListTablesCommand(wanted, after, page_size)
    done = await service.workers.reads.run(lambda: service.container.list_tables()(command))
    token = to_token(*done.value.next_after) if done.value.next_after is not None else None
    return json_answer(
        TablesAnswer.of(done.value, token),
        run_id=done.run_id,
        headers={"Link": next_link(request, token)} if token is not None else None,
    )


@router.get(
    _TABLE,
    response_model=TableAnswer,
    responses={
        200: {"headers": RUN_HEADER | ETAG_HEADER},
        304: {"description": "The caller's copy is good", "headers": RUN_HEADER | ETAG_HEADER},
        **problems(404),
    },
    openapi_extra=TABLE_HEADERS,
    dependencies=[Depends(Later(headers=("If-Match",)))],
)
async def describe_table(
    request: Request,
    service: ServiceDep,
    table: TablePathName,
    at: Annotated[PointInTime | None, Depends(asked_moment)],
) -> Response:
    """Say what a table is, now or in the past. Its ETag is the snapshot of its last change."""
    # A table has no date of its last change that always is known, so no condition by date.
    condition = ReadCondition(if_none_match=read_condition(request.headers).if_none_match)
    command = DescribeTableCommand(table, at)
    done = await service.workers.reads.run(lambda: service.container.describe_table()(command))
    tag = str(done.value.snapshot_id)
    headers = {"ETag": quoted_tag(tag)}
    changed = done.value.updated_at or done.value.created_at
    if condition.judge(tag, changed) is Verdict.NOT_MODIFIED:
        return empty_answer(304, run_id=done.run_id, headers=headers)
    return json_answer(TableAnswer.of(done.value), run_id=done.run_id, headers=headers)


@router.put(
    _TABLE,
    response_model=AppendAnswer,
    responses={
        200: {"headers": RUN_HEADER | REPLAY_HEADER},
        **problems(404, 409, 412, 415, 507),
    },
    openapi_extra=ROWS_BODY,
    dependencies=[LATER_ON_WRITES],
)
async def append_rows(
    request: Request,
    service: ServiceDep,
    table: TablePathName,
    body_format: RowBodyFormat,
    said: WriteTerms,
    on_new_columns: Annotated[
        OnNewColumns,
        Query(
            description="What to do with columns that the table lacks, and with numbers that "
            "are too large for its columns: `add` adds and widens columns in the same commit."
        ),
    ] = OnNewColumns.ERROR,
) -> Response:
    """Append rows: all of them, or none when one does not fit."""
    done = await service.appends.run(
        request,
        lambda body: AppendRowsCommand(
            table, said.body(body), body_format, said.terms, on_new_columns
        ),
    )
    return append_answer(done, on_new_columns)


@router.delete(
    _TABLE,
    status_code=204,
    response_class=Response,
    responses={
        204: {"headers": RUN_HEADER | REPLAY_HEADER},
        **problems(404, 409, 412, 507),
    },
    openapi_extra=TABLE_WRITE_HEADERS,
    dependencies=[LATER_ON_WRITES],
)
async def drop_table(service: ServiceDep, table: TablePathName, said: WriteTerms) -> Response:
    """Drop a table. Its past stays in the lake's snapshots."""
    command = DropTableCommand(table, said.terms)
    done = await service.workers.writes.run(lambda: service.container.drop_table()(command))
    return empty_answer(204, run_id=done.run_id, headers=replay_headers(done))
