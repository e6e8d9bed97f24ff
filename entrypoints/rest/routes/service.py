"""Whether the service lives, and whether it works."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from entrypoints.rest.answers import json_answer
from entrypoints.rest.control import StrictRoute
from entrypoints.rest.dependencies import ServiceDep
from entrypoints.rest.models.service import AliveAnswer, ReadyAnswer

router = APIRouter(tags=["service"], route_class=StrictRoute)


@router.get("/healthz", response_model=AliveAnswer)
async def alive() -> Response:
    """Whether the process lives. It waits for nothing."""
    return json_answer(AliveAnswer())


@router.get(
    "/readyz",
    response_model=ReadyAnswer,
    responses={503: {"model": ReadyAnswer, "description": "A part does not work"}},
)
async def ready(service: ServiceDep) -> Response:
    """Whether all parts work, and what those say that do not."""
    readiness = await service.check_readiness()
    return json_answer(
        ReadyAnswer.of(readiness),
        status=200 if readiness.ready else 503,
        headers={} if readiness.ready else {"Retry-After": "1"},
        leave_out_none=True,
    )
