"""The REST application."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from loguru import logger
from starlette.concurrency import run_in_threadpool

from domain.errors import LakehouseError
from entrypoints.container import Container, archive_keys, close_container
from entrypoints.rest import documentation
from entrypoints.rest.appends import Appends
from entrypoints.rest.dependencies import Service
from entrypoints.rest.errors import add_error_handlers
from entrypoints.rest.middleware import AccessLog, EarlyAnswer, Failsafe, HeadAsGet, RawPath
from entrypoints.rest.pages import add_documentation_page
from entrypoints.rest.problem_codes import table_of_codes
from entrypoints.rest.quick_appends import QuickAppends
from entrypoints.rest.routes import (
    data,
    datasets,
    later,
    maintenance,
    objects,
    query,
    service,
    statements,
    tables,
    transfers,
)
from entrypoints.rest.workers import Workers

ROUTERS = (
    tables.router,
    transfers.router,
    data.router,
    query.router,
    statements.router,
    datasets.router,
    objects.router,
    maintenance.router,
    service.router,
)

DESCRIPTION = """
A lakehouse behind an API: tables on DuckDB and DuckLake, datasets in buckets of objects,
and the lineage of every operation.

Every answer has an `X-Request-Id`, and each that made a lineage run its `Lineage-Run-Id`.
Writes of tables that have an `Idempotency-Key` are done once, however often they are sent;
`If-Match` lets a write happen only to what the caller has seen. Queries answer in the format
that `Accept` or `format` says, and with `Prefer: respond-async` they run on their own.

Every error is a problem (`application/problem+json`) with a stable `code`:

"""

_OWN_HEAD = re.compile(r"/datasets/[^/]+/.|/tables/[^/]+/data$")


def create_app(
    container: Container, *, on_start: Callable[[], None] | None = None, stop_s: float = 10
) -> FastAPI:
    """The application on a container, which it closes when it ends.

    Args:
        container: The use cases, with its settings.
        on_start: Called as the application starts; it must not block.
        stop_s: How long work that goes on may hold up the end, in seconds.
    """
    settings = container.settings

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        workers = Workers.start(settings.query_workers(), settings.query_queue())
        app.state.service = shared = Service(
            container=container,
            workers=workers,
            appends=Appends(
                container.append_rows,
                workers.writes,
                settings.max_table_body(),
                settings.client_timeout_s(),
            ),
            max_object_size=settings.max_object_size(),
            compress_answers=settings.compress_answers(),
            client_timeout_s=settings.client_timeout_s(),
        )
        if on_start is not None:
            on_start()
        try:
            yield
        finally:
            await run_in_threadpool(shared.close, stop_s)
            await run_in_threadpool(_archive_keys, container)
            await run_in_threadpool(close_container, container)

    app = _Application(
        title="DuckLake backend",
        version=importlib.metadata.version("ducklake-backend"),
        description=DESCRIPTION + table_of_codes(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # It would need a library that is not there, and looks for it at each request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        # A slash at the end is part of an object's name.
        redirect_slashes=False,
    )
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.extend(later.router.routes)
    add_documentation_page(app)
    add_error_handlers(app, ROUTERS)

    # The last one added is the first one to see a request.
    app.add_middleware(HeadAsGet, own_routes=_OWN_HEAD)
    app.add_middleware(RawPath)
    app.add_middleware(Failsafe)
    app.add_middleware(EarlyAnswer)
    app.add_middleware(QuickAppends, appends=lambda: app.state.service.appends)
    app.add_middleware(AccessLog)
    return app


def _archive_keys(container: Container) -> None:
    try:
        archive_keys(container)
    except LakehouseError as error:
        # Their snapshots tell of them still, and the next process archives them.
        logger.warning("The last keys were not archived: {}", error.detail)


class _Application(FastAPI):
    """FastAPI, with this service's OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        """The document; it is made when it is first asked for."""
        if self.openapi_schema is None:
            self.openapi_schema = documentation.openapi(self)
        return self.openapi_schema
