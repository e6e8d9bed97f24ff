"""Rows between tables and objects: export."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from entrypoints.rest.answers import json_answer
from entrypoints.rest.conditions import quoted_tag, write_condition
from entrypoints.rest.control import StrictRoute
from entrypoints.rest.dependencies import ServiceDep
from entrypoints.rest.documentation import (
    ETAG_HEADER,
    LOCATION_HEADER,
    RUN_HEADER,
    WRITE_HEADERS,
    problems,
)
from entrypoints.rest.models.datasets import ObjectAnswer
from entrypoints.rest.models.transfers import WantedExport
from entrypoints.rest.names import TablePathName, object_path

router = APIRouter(tags=["tables"], route_class=StrictRoute)


# Its parameter is read, and its name checked, in entrypoints.rest.names.
_TABLE_EXPORT = "/tables/{table_name}/export"


@router.post(
    _TABLE_EXPORT,
    status_code=201,
    response_model=ObjectAnswer,
    responses={
        201: {"headers": RUN_HEADER | LOCATION_HEADER | ETAG_HEADER},
        **problems(403, 404, 409, 412, 415, 507),
    },
    openapi_extra=WRITE_HEADERS,
)
async def export_rows(
    request: Request, service: ServiceDep, table: TablePathName, wanted: WantedExport
) -> Response:
    """Write a table, or what a query answers, to an object: whole, or not at all."""
    command = wanted.command(table, write_condition(request.headers))
    done = await service.workers.transfers.run(
        lambda: service.container.export_to_object()(command)
    )
    info = done.value.info
    return json_answer(
        ObjectAnswer.of(info),
        status=201,
        run_id=done.run_id,
        headers={"ETag": quoted_tag(info.etag), "Location": object_path(info.ref)},
    )
