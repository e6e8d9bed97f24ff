"""What the contract names and this version does not do yet: it says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import UnsupportedOperationError

router = APIRouter()

LATER: tuple[tuple[str, str], ...] = (
    ("PATCH", "/tables/{table_name}"),
    ("POST", "/tables/{table_name}/delete"),
    ("POST", "/tables/{table_name}/update"),
    ("POST", "/tables/{table_name}/merge"),
    ("POST", "/tables/{table_name}/restore"),
    ("GET", "/tables/{table_name}/snapshots"),
    ("GET", "/tables/{table_name}/changes"),
    ("GET", "/lineage"),
    ("GET", "/lineage/runs/{run_id}"),
    ("GET", "/lineage/events"),
    ("GET", "/metrics"),
)
"""Method and path of each."""


def _refusing(method: str, path: str) -> Callable[[Request], Awaitable[Response]]:
    async def refuse(request: Request) -> Response:  # noqa: ARG001 - the framework passes it
        raise UnsupportedOperationError(f"{method} {path} is not implemented yet.")

    return refuse


for _method, _path in LATER:
    router.routes.append(
        Route(_path, _refusing(_method, _path), methods=[_method], include_in_schema=False)
    )
