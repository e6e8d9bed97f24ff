"""Rows between tables and objects: load and export."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import APIRouter, Request
from starlette.responses import Response

from application.cancellation import Cancellation
from application.tables.export_partitioned import PartitionedExportCommand
from entrypoints.rest.answers import json_answer
from entrypoints.rest.client import ClientGoneError, ClientWatch
from entrypoints.rest.conditions import quoted_tag, write_condition
from entrypoints.rest.control import StrictRoute
from entrypoints.rest.dependencies import Service, ServiceDep
from entrypoints.rest.documentation import (
    ETAG_HEADER,
    EXPORT_HEADERS,
    LOCATION_HEADER,
    REPLAY_HEADER,
    RUN_HEADER,
    TABLE_WRITE_HEADERS,
    problems,
)
from entrypoints.rest.models.datasets import ObjectAnswer
from entrypoints.rest.models.tables import AppendAnswer
from entrypoints.rest.models.transfers import PartitionsAnswer, WantedExport, WantedLoad
from entrypoints.rest.names import TablePathName, object_path, prefix_path
from entrypoints.rest.routes.tables import LATER_ON_WRITES
from entrypoints.rest.write_terms import WriteTerms, replay_headers

T = TypeVar("T")

router = APIRouter(tags=["tables"], route_class=StrictRoute)


# Their parameter is read, and its name checked, in entrypoints.rest.names.
_TABLE_LOAD = "/tables/{table_name}/load"
_TABLE_EXPORT = "/tables/{table_name}/export"


@router.post(
    _TABLE_LOAD,
    response_model=AppendAnswer,
    responses={200: {"headers": RUN_HEADER | REPLAY_HEADER}, **problems(404, 409, 412, 415, 507)},
    openapi_extra=TABLE_WRITE_HEADERS,
    dependencies=[LATER_ON_WRITES],
)
async def load_objects(
    service: ServiceDep, table: TablePathName, wanted: WantedLoad, said: WriteTerms
) -> Response:
    """Append the rows of objects: all of them, or none when one does not fit."""
    command = wanted.command(table, said.terms)
    done = await service.workers.transfers.run(lambda: service.container.load_objects()(command))
    answer = AppendAnswer.of(
        done.value.outcome, done.run_id, growing=wanted.on_new_columns == "add"
    )
    return json_answer(
        answer, run_id=done.run_id, headers=replay_headers(done), leave_out_none=True
    )


@router.post(
    _TABLE_EXPORT,
    status_code=201,
    response_model=ObjectAnswer | PartitionsAnswer,
    responses={
        201: {"headers": RUN_HEADER | LOCATION_HEADER | ETAG_HEADER},
        **problems(403, 404, 409, 412, 415, 507),
    },
    openapi_extra=EXPORT_HEADERS,
)
async def export_rows(
    request: Request, service: ServiceDep, table: TablePathName, wanted: WantedExport
) -> Response:
    """Write a table, or what a query answers, to an object: whole, or not at all.

    With `partition_by`, to an object for each of the values of some columns; the objects of an
    earlier export of this kind whose values have no rows any more are removed. Each object appears
    whole, but not all at once. An export that fails removes what it has added, and says what it has
    replaced.
    """
    command = wanted.command(table, write_condition(request.headers))
    if isinstance(command, PartitionedExportCommand):
        return await _export_partitioned(request, service, command)
    done = await _while_wanted(
        request,
        service,
        lambda: service.container.export_to_object()(command),
        command.cancellation,
    )
    info = done.value.info
    return json_answer(
        ObjectAnswer.of(info),
        status=201,
        run_id=done.run_id,
        headers={"ETag": quoted_tag(info.etag), "Location": object_path(info.ref)},
    )


async def _export_partitioned(
    request: Request, service: Service, command: PartitionedExportCommand
) -> Response:
    done = await _while_wanted(
        request,
        service,
        lambda: service.container.export_partitioned()(command),
        command.cancellation,
    )
    return json_answer(
        PartitionsAnswer.of(command.place, done.value),
        status=201,
        run_id=done.run_id,
        headers={"Location": prefix_path(command.place.bucket, command.place.prefix)},
    )


async def _while_wanted(
    request: Request, service: Service, call: Callable[[], T], cancellation: Cancellation
) -> T:
    """Wait for an export, which is stopped when its client goes away.

    Raises: what `call` raises, and
        ClientGoneError: When the client went.
    """
    client = ClientWatch(request.receive)
    try:
        return await client.unless_gone(service.workers.transfers.run(call))
    except ClientGoneError:
        service.workers.closing.submit(cancellation.cancel)
        raise
    finally:
        client.stop()
