"""Maintenance of the lake."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from application.maintenance.check import CheckLakeCommand
from application.runs import Done
from domain.maintenance import CheckReport
from entrypoints.rest.answers import json_answer
from entrypoints.rest.control import StrictRoute
from entrypoints.rest.dependencies import ServiceDep
from entrypoints.rest.documentation import RUN_HEADER
from entrypoints.rest.models.maintenance import CheckLakeAnswer

router = APIRouter(prefix="/maintenance", tags=["service"], route_class=StrictRoute)


@router.get("/check", response_model=CheckLakeAnswer, responses={200: {"headers": RUN_HEADER}})
async def check(service: ServiceDep) -> Response:
    """Compare the files that the catalog names with those that are there.

    By name, size and Parquet footer; rows are not read. It costs a listing of the lake's files
    and a look at each, goes on beside writes, and takes no file of theirs for damaged or for an
    orphan. It repairs nothing: `ducklake check --repair` does, on the machine of the service.
    """

    def look() -> Done[CheckReport]:
        return service.container.check_lake()(CheckLakeCommand())

    done = await service.workers.transfers.run(look)
    return json_answer(CheckLakeAnswer.of(done.value), run_id=done.run_id)
